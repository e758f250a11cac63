"""The teacher interface and the registry of teachers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

from nst3d.options import check_options
from nst3d.plugins import Registry, rows_of
from nst3d.stylize.look import Look
from nst3d.stylize.style import Style
from nst3d.tensors import Image, Planes


class Teacher(Protocol):
    """Paints pictures of a scene in a style."""

    def teach(
        self, pictures: Sequence[Image], looks: Sequence[Look], styles: Sequence[Style]
    ) -> Sequence[Image]:
        """The painted pictures (h, w, 3) in [0, 1]: the same number and sizes.

        `looks` give the view, coverage and camera of each picture. The same call
        returns the same pictures.
        """


@runtime_checkable
class Course(Protocol):
    """A teacher that a scene learns from in several lessons, each after it has learnt the last."""

    def lessons(self) -> Sequence[Teacher]:
        """The teachers of the lessons, in order; together they do what the teacher does at once."""


@runtime_checkable
class Annealed(Protocol):
    """A teacher that paints otherwise from round to round."""

    def in_round(self, number: int, rounds: int) -> Teacher:
        """The teacher of a round, 0 to rounds - 1."""


def lessons_of(teacher: Teacher, rounds: int) -> list[Teacher]:
    """The teachers of all lessons, round by round."""
    found: list[Teacher] = []
    for number in range(rounds):
        own = teacher.in_round(number, rounds) if isinstance(teacher, Annealed) else teacher
        found += own.lessons() if isinstance(own, Course) else [own]
    return found


@runtime_checkable
class Preparable(Protocol):
    """A teacher that normalises by the statistics of what it paints."""

    def prepared(self, pictures: Sequence[Image], looks: Sequence[Look], styles: Sequence[Style]) -> Teacher:
        """A teacher with the statistics of these pictures, in these styles, whatever it is given to paint.

        It paints other pictures of the same scene or shot by the same map, and these as this teacher does.
        """


@runtime_checkable
class Recurrent(Protocol):
    """A teacher that may remember, in a shot, the frames before."""

    def follow(
        self, picture: Image, look: Look, styles: Sequence[Style], memory: Planes | None
    ) -> tuple[Image, Planes | None]:
        """The painted picture (h, w, 3) in [0, 1], and the memory (c, h', w') for the next, which moves along with it.

        Without a memory it is the picture that `teach` gives.
        """


@dataclass(frozen=True)
class TeacherKind:
    """A registered teacher."""

    name: str
    make: Callable[[Mapping[str, Any]], Teacher]
    """Makes the teacher from its options, including defaults. Raises ConfigError for invalid values."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """Its options and their defaults; `Declared` says what they can be, too."""
    notes: Callable[[Mapping[str, Any], int, Sequence[str]], Sequence[str]] = lambda options, size, styles: ()
    """What the user should know when it paints, with these options, views whose finest side is `size` pixels, in styles
    of these names."""
    for_frames: Mapping[str, Any] = field(default_factory=dict)
    """Options that have other defaults for the frames of a video."""
    needs_style: bool = True
    """Whether it looks at the pictures of styles; one that does not can paint a scene without any."""
    reads_words: bool = False
    """Whether it paints what the words of styles say."""
    captions: Callable[[Mapping[str, Any]], Mapping[str, str]] = lambda options: {}
    """What its own styles look like, in words, by name, so that words choose among them: it paints in those that are
    `taught` styles of a job, by weight. None if it has none, or if these options say in which it paints."""
    ready: Callable[[Mapping[str, Any], Sequence[Style]], Sequence[str]] = lambda options, styles: ()
    """Asked before the scene is read, with its options and the styles that it will paint in: returns notes on them, and
    raises ConfigError for styles in which it cannot paint."""


TEACHERS: Registry[TeacherKind] = Registry(
    "teacher",
    "nst3d.teachers",
    (
        "nst3d.stylize.diffusion.teacher",
        *(
            f"nst3d.stylize.teachers.{name}"
            for name in (
                "identity",
                "instant",
                "lifted",
                "magenta",
                "microast",
                "monge",
                "multistyle",
                "network",
                "posterise",
                "quilt",
                "translate",
            )
        ),
    ),
    rows_of(TeacherKind),
)


def register_teacher(
    name: str,
    make: Callable[[Mapping[str, Any]], Teacher],
    options: Mapping[str, Any] | None = None,
    notes: Callable[[Mapping[str, Any], int, Sequence[str]], Sequence[str]] = TeacherKind.notes,
    for_frames: Mapping[str, Any] | None = None,
    **others: Any,
) -> None:
    """Register a teacher by name; `others` are further fields of `TeacherKind`. ConfigError if the name is taken."""
    kind = TeacherKind(name, make, options or {}, notes, dict(for_frames or {}), **others)
    TEACHERS.register(name, kind)


def check_teacher(name: str, options: Mapping[str, Any]) -> TeacherKind:
    """The row of a teacher. ConfigError, with those that are known, for another name or option."""
    kind = TEACHERS.get(name)
    check_options(f"teacher {name}", options, kind.options)
    return kind


def make_teacher(name: str, options: Mapping[str, Any]) -> Teacher:
    """The teacher of a name with these options. ConfigError for a name or an option that is not known."""
    kind = check_teacher(name, options)
    return kind.make({**kind.options, **options})


def teacher_ready(name: str, options: Mapping[str, Any], styles: Sequence[Style]) -> Sequence[str]:
    """Notes of a teacher on the styles that it will paint in. ConfigError for styles in which it cannot paint."""
    kind = check_teacher(name, options)
    return kind.ready({**kind.options, **options}, styles)


def own_captions(name: str, options: Mapping[str, Any]) -> Mapping[str, str]:
    """What the teacher's own styles look like, by name, as far as these options leave the choice."""
    kind = check_teacher(name, options)
    return kind.captions({**kind.options, **options})


def teacher_notes(
    name: str, options: Mapping[str, Any], size: int, styles: Sequence[str] = ()
) -> Sequence[str]:
    """What the user should know when a teacher paints views of this size in styles of these names.

    Raises what `make_teacher` does.
    """
    kind = check_teacher(name, options)
    return kind.notes({**kind.options, **options}, size, styles)
