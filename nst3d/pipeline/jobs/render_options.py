"""Options of a render job."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from typing import Annotated

from nst3d.bounds import Within, check_bounds
from nst3d.errors import ConfigError
from nst3d.files import OptionalPathField, OptionalPathsField, PathField
from nst3d.pipeline.kinds.flight import Way
from nst3d.pipeline.settings.shown import SceneOptions
from nst3d.video.passes import Pass, PassFormat, check_format


@dataclass(frozen=True)
class FrameOutput:
    """Output settings."""

    crf: Annotated[int, Within(0, 51)] = 18
    """H.264 quality, from 0 (lossless) to 51 (worst)."""
    passes: tuple[Pass, ...] = ()
    """Additional outputs, one file per frame: depth, opacity."""
    pass_format: PassFormat = "png"
    """File format of the passes: 16-bit png or float32 exr."""
    overwrite: bool = False
    """Replace existing files."""
    resume: bool = False
    """Continue an interrupted run."""

    def __post_init__(self) -> None:
        """Raise ConfigError for invalid settings."""
        check_bounds(self, "setting output.")
        if self.passes:
            check_format(self.pass_format)


@dataclass(frozen=True)
class Compare:
    """Comparison of a scene with another state of it."""

    before: OptionalPathField = OptionalPathField()
    """The other state: same geometry, other colours."""
    fade: tuple[float, float] | None = None
    """Fractions of the path between which the other state fades into the scene; None: side by side."""

    def __post_init__(self) -> None:
        """Raise ConfigError for invalid settings."""
        if self.fade is None:
            return
        if self.before is None:
            raise ConfigError("`fade` needs `before`, the state to fade from")
        if not 0 <= self.fade[0] <= self.fade[1] <= 1:
            raise ConfigError("`fade`: expected two fractions of the path from 0 to 1, the smaller one first")


@dataclass(frozen=True)
class RenderJob:
    """Scene to show, settings and output."""

    scene: PathField = PathField()
    out: PathField = PathField()
    """Output: an .mp4, a .png (first frame only), or a folder for PNG frames."""
    way: Way = field(default_factory=Way)
    look: SceneOptions = field(default_factory=SceneOptions)
    output: FrameOutput = field(default_factory=FrameOutput)
    compare: Compare = field(default_factory=Compare)
    then: OptionalPathsField = OptionalPathsField()
    """Further states of the scene, same geometry and other colours, into which it fades one by one: the first frame
    shows the scene, the last the last state."""
    at: tuple[float, ...] = ()
    """Fractions of the path at which the scene and each of `then` show alone, ascending; empty: at equal distances.
    With `sound`, of its strength."""
    sound: OptionalPathField = OptionalPathField()
    """A sound, whose strength from moment to moment says how far the scene is between its states, in place of the path:
    where it is quiet the first shows, where it is loud the last. Videos have it as their sound, and its length."""

    def __post_init__(self) -> None:
        """Raise ConfigError for settings that exclude each other, and for places that are not on the path."""
        if self.at and not self.then:
            raise ConfigError("`at` says where several scenes show alone: give more than one")
        if self.at and len(self.at) != 1 + len(self.then):
            raise ConfigError(
                f"`at` has {len(self.at)} places for {1 + len(self.then)} scenes: give one for each"
            )
        rising = all(a < b for a, b in pairwise(self.at))
        if not rising or not all(0 <= place <= 1 for place in self.at):
            raise ConfigError(
                "`at`: expected fractions of the path from 0 to 1, each larger than the one before"
            )
        if self.sound is not None and self.compare.fade is not None:
            raise ConfigError("`sound` says when the scene fades: leave out `fade`")
        if self.sound is not None and self.out.suffix.lower() == ".png":
            raise ConfigError(
                "`sound` is for videos: give an `out` that ends in .mp4, or a folder for frames"
            )
        if self.then and self.compare.fade is not None:
            raise ConfigError(
                "`fade` is for one scene and `before`; several scenes fade along the whole path: leave it out"
            )
