"""What a teacher is, and which ones there are."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from nst3d.errors import ConfigError
from nst3d.plugins import Registry, rows_of
from nst3d.stylize.look import Look
from nst3d.stylize.style import Style
from nst3d.tensors import Image


class Teacher(Protocol):
    """Paints pictures of a scene in a style."""

    def teach(
        self, pictures: Sequence[Image], looks: Sequence[Look], styles: Sequence[Style]
    ) -> Sequence[Image]:
        """The pictures (h, w, 3) in [0, 1], painted: as many, of the same sizes.

        `looks` say for each picture which view it is, what it covers and from where it is seen. The same call
        returns the same pictures.
        """


@dataclass(frozen=True)
class TeacherKind:
    """A teacher by name."""

    name: str
    make: Callable[[Mapping[str, Any]], Teacher]
    """Options, defaults included, to the teacher. Raises ConfigError for values that make no sense."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """Its options and their defaults."""


TEACHERS: Registry[TeacherKind] = Registry(
    "teacher",
    "nst3d.teachers",
    ("nst3d.stylize.teachers.identity", "nst3d.stylize.teachers.posterise"),
    rows_of(TeacherKind),
)


def register_teacher(
    name: str, make: Callable[[Mapping[str, Any]], Teacher], options: Mapping[str, Any] | None = None
) -> None:
    """Make a teacher known by name. ConfigError if the name is taken."""
    TEACHERS.register(name, TeacherKind(name, make, dict(options or {})))


def check_teacher(name: str, options: Mapping[str, Any]) -> TeacherKind:
    """The row of a teacher. ConfigError, with those that are known, for another name or option."""
    kind = TEACHERS.get(name)
    for option in options:
        if option not in kind.options:
            known = ", ".join(kind.options) or "none"
            raise ConfigError(f"teacher {name} has no option {option!r}; its options are: {known}")
    return kind


def make_teacher(name: str, options: Mapping[str, Any]) -> Teacher:
    """The teacher of a name with these options. ConfigError for a name or an option that is not known."""
    kind = check_teacher(name, options)
    return kind.make({**kind.options, **options})
