"""A kind of scene as one row: what it is called, how it is told, and what each command does with it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from nst3d.errors import InputError
from nst3d.formats.io.peek import Peek
from nst3d.pipeline.captures.reader import CaptureReader
from nst3d.pipeline.kinds.bridges import Bridges
from nst3d.pipeline.kinds.flight import Way
from nst3d.pipeline.kinds.paint_job import Job
from nst3d.pipeline.kinds.shown import Shown
from nst3d.pipeline.kinds.source import RadianceSource
from nst3d.pipeline.kinds.subject import Subject
from nst3d.pipeline.runtime.checkpoints import Keeper
from nst3d.pipeline.runtime.events import Events
from nst3d.pipeline.runtime.findings import Report
from nst3d.pipeline.settings.config import PaintConfig
from nst3d.pipeline.settings.shown import SceneOptions
from nst3d.representations.capture import Capture
from nst3d.stylize.style import Style

Note = Callable[[str], None]


@dataclass(frozen=True)
class PaintRequest:
    """What a kind is given to make a subject of a scene."""

    opened: Opened
    job: Job
    styles: Sequence[Style]
    """The styles as read, at least one."""
    reader: CaptureReader
    """Reads `job.cameras`."""
    events: Events
    bridges: Bridges
    """What takes other packages."""
    keeper: Keeper | None
    """Keeps checkpoints; None: nothing does."""

    @property
    def config(self) -> PaintConfig:
        """The job's settings."""
        return self.job.config

    def note(self, *texts: str) -> None:
        """Tell the user."""
        for text in texts:
            self.events.note(text)


@dataclass(frozen=True)
class ShowRequest:
    """What a kind is given to make a scene ready to be looked at."""

    opened: Opened
    options: SceneOptions
    way: Way
    """Says how large its pictures are."""
    capture: Capture | None
    """What `options.cameras` holds, in the scene's frame."""
    note: Note
    bridges: Bridges


@dataclass(frozen=True)
class Kind:
    """A kind of scene. What a command needs and a kind has not is None: the command then refuses it."""

    name: str
    """A word that no other kind has."""
    one: str
    """One such scene, for messages: "a mesh"."""
    many: str
    """Several: "meshes"."""
    sniff: Callable[[Peek], bool]
    """Whether a file or folder that exists is such a scene, by its name and a look inside through the peek, which
    reads nothing twice. Raises InputError for one that is broken."""
    phrase: str = ""
    """Says of a file that it is one, "holds splats"; empty: "is" and `one`."""
    rank: int = 0
    """Kinds of lower rank are asked first, and listed first in messages; nst3d's own begin at 10."""
    paint: Callable[[PaintRequest], tuple[Subject, PaintConfig]] | None = None
    """Makes the subject of a paint job, with the settings that suit it."""
    show: Callable[[ShowRequest], Shown] | None = None
    """Makes it ready to be rendered; what the user should know is noted."""
    inspect: Callable[[Opened, PaintConfig], Report] | None = None
    """Says what is in it, and where the settings would put paint."""
    blend: Callable[[Sequence[Path], Sequence[float], Path, Note], list[Path]] | None = None
    """Writes the first of several with the weighted mean of all colours; returns the paths."""
    source: Callable[[Opened], RadianceSource] | None = None
    """Makes it ready to be drawn with depths, which a mesh is made of."""
    check_out: Callable[[Opened, Path], None] | None = None
    """Raises OutputError where a painted scene may not go into a folder."""
    options: frozenset[str] = field(default_factory=frozenset)
    """Of the options that are not for every kind, those that are for this one: cameras, start."""
    preset: str = "default"
    """The preset that "default" means for it."""
    cleaned: str = ""
    """The kind that it is once cleaned (`clean`); empty: it cannot be."""
    hints: Mapping[str, str] = field(default_factory=dict)
    """By command (export, view), what else to do where that refuses it."""
    unready: Callable[[Path], str] | None = None
    """For what is no scene yet: says, of a path, what to do first."""


@dataclass(frozen=True)
class Opened:
    """A path of which the kind is known, with what was read to tell it."""

    kind: Kind
    peek: Peek

    @property
    def path(self) -> Path:
        """The file or folder."""
        return self.peek.path

    @property
    def told(self) -> str:
        """The path and what it is, for messages: "a.glb is a mesh"."""
        return f"{self.path} {self.kind.phrase or f'is {self.kind.one}'}"

    def refusal(self, command: str, more: str) -> InputError:
        """The error for a command that this kind is not for; `more` follows what it is."""
        if self.kind.unready is not None:
            return InputError(self.kind.unready(self.path))
        return InputError(f"{self.told}{more}{self.kind.hints.get(command, '')}")
