"""A kind of scene as one row: its name, its detection, and what each command does with it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from nst3d.errors import InputError
from nst3d.formats.io.peek import Peek
from nst3d.pipeline.captures.reader import CaptureReader
from nst3d.pipeline.kinds.asset import AssetTable
from nst3d.pipeline.kinds.blend_tables import Mix
from nst3d.pipeline.kinds.bridges import Bridges
from nst3d.pipeline.kinds.flight import Way
from nst3d.pipeline.kinds.paint_job import Job
from nst3d.pipeline.kinds.shown import Shown
from nst3d.pipeline.kinds.source import RadianceSource
from nst3d.pipeline.kinds.subject import Subject
from nst3d.pipeline.runtime.checkpoints import Keeper
from nst3d.pipeline.runtime.events import Events
from nst3d.pipeline.runtime.findings import Report
from nst3d.pipeline.runtime.scene_cache import SceneCache
from nst3d.pipeline.settings.config import PaintConfig
from nst3d.pipeline.settings.shown import SceneOptions
from nst3d.representations.capture import Capture
from nst3d.stylize.coat import Coat, painted
from nst3d.stylize.style import Style

Note = Callable[[str], None]


@dataclass(frozen=True)
class PaintRequest:
    """The input from which a kind makes the subject of a paint job."""

    opened: Opened
    job: Job
    coats: Sequence[Coat]
    """What paints the regions; at least one has styles."""
    reader: CaptureReader
    """Reads `job.cameras`."""
    events: Events
    bridges: Bridges
    """Functions of optional packages."""
    keeper: Keeper | None
    """Saves checkpoints; None: no checkpoints."""
    cache: SceneCache = field(default_factory=SceneCache)
    """Keeps what is computed from the scene alone, for the next painting of it."""

    @property
    def styles(self) -> Sequence[Style]:
        """The styles of the first coat that paints."""
        return painted(self.coats)[0].styles

    @property
    def config(self) -> PaintConfig:
        """The job's settings."""
        return self.job.config

    def note(self, *texts: str) -> None:
        """Send notes to the user."""
        for text in texts:
            self.events.note(text)


@dataclass(frozen=True)
class ShowRequest:
    """The input from which a kind prepares a scene for rendering."""

    opened: Opened
    options: SceneOptions
    way: Way
    """Camera path, which gives the size of the pictures."""
    capture: Capture | None
    """The capture at `options.cameras`, in the scene's frame."""
    note: Note
    bridges: Bridges


@dataclass(frozen=True)
class Kind:
    """A kind of scene. A field that is None means that the command which needs it refuses such scenes."""

    name: str
    """A unique word."""
    one: str
    """Singular with article, for messages: "a mesh"."""
    many: str
    """Plural: "meshes"."""
    sniff: Callable[[Peek], bool]
    """Whether an existing file or folder is such a scene, by its name and its contents, read through the
    peek, which reads nothing twice. Raises InputError for a broken one."""
    phrase: str = ""
    """Predicate for messages, "holds splats"; empty: "is" and `one`."""
    rank: int = 0
    """Kinds of lower rank are tried first, and listed first in messages; nst3d's own start at 10."""
    paint: Callable[[PaintRequest], tuple[Subject, PaintConfig]] | None = None
    """Makes the subject of a paint job, with settings adapted to it."""
    show: Callable[[ShowRequest], Shown] | None = None
    """Prepares it for rendering, with notes for the user."""
    inspect: Callable[[Opened, PaintConfig], Report] | None = None
    """Reports its contents, and where the settings would put paint."""
    blend: Callable[[Sequence[Path], Mix, Path, Note], list[Path]] | None = None
    """Writes the first version of a scene with what a mix makes of the colours of all; returns the paths."""
    table: Callable[[Opened], AssetTable] | None = None
    """The colours that it holds, as they are in its file, for evaluation."""
    source: Callable[[Opened], RadianceSource] | None = None
    """Prepares it for rendering with depth, for making a mesh."""
    check_out: Callable[[Opened, Path], None] | None = None
    """Raises OutputError if a painted scene may not be written into a folder."""
    options: frozenset[str] = field(default_factory=frozenset)
    """The kind-specific options that this kind supports: cameras, start."""
    preset: str = "default"
    """The preset that "default" means for it."""
    cleaned: str = ""
    """The kind it becomes when cleaned (`clean`); empty: not cleanable."""
    hints: Mapping[str, str] = field(default_factory=dict)
    """Alternatives by command (export, view), if the command refuses it."""
    unready: Callable[[Path], str] | None = None
    """For paths that are not a scene yet: a message with what to do first."""


@dataclass(frozen=True)
class Opened:
    """A path of known kind, with everything read to detect it."""

    kind: Kind
    peek: Peek

    @property
    def path(self) -> Path:
        """The file or folder."""
        return self.peek.path

    @property
    def told(self) -> str:
        """The path and its kind, for messages: "a.glb is a mesh"."""
        return f"{self.path} {self.kind.phrase or f'is {self.kind.one}'}"

    def refusal(self, command: str, more: str) -> InputError:
        """The error for a command that does not support this kind; `more` is appended."""
        if self.kind.unready is not None:
            return InputError(self.kind.unready(self.path))
        return InputError(f"{self.told}{more}{self.kind.hints.get(command, '')}")
