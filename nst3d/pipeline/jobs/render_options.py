"""What a render job is asked for."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated

from nst3d.bounds import Within, check_bounds
from nst3d.errors import ConfigError
from nst3d.files import OptionalPathField, PathField
from nst3d.pipeline.kinds.flight import Way
from nst3d.pipeline.settings.shown import SceneOptions
from nst3d.video.passes import Pass, PassFormat, check_format


@dataclass(frozen=True)
class FrameOutput:
    """What is written."""

    crf: Annotated[int, Within(0, 51)] = 18
    """H.264 quality, from 0 (lossless) to 51."""
    passes: tuple[Pass, ...] = ()
    """Written beside the pictures, a file a frame: depth, opacity."""
    pass_format: PassFormat = "png"
    """png: 16 bits; exr: float32."""
    overwrite: bool = False
    """Replace what is there."""
    resume: bool = False
    """Go on with what an interrupted run left."""

    def __post_init__(self) -> None:
        """Refuse what makes no sense, with ConfigError."""
        check_bounds(self, "setting output.")
        if self.passes:
            check_format(self.pass_format)


@dataclass(frozen=True)
class Compare:
    """The scene beside, or out of, another state of itself."""

    before: OptionalPathField = OptionalPathField()
    """The other state: same geometry, other colours."""
    fade: tuple[float, float] | None = None
    """Shares of the path between which the other becomes the scene; None: side by side."""

    def __post_init__(self) -> None:
        """Refuse what makes no sense, with ConfigError."""
        if self.fade is None:
            return
        if self.before is None:
            raise ConfigError("`fade` needs `before`, the state that it fades from")
        if not 0 <= self.fade[0] <= self.fade[1] <= 1:
            raise ConfigError("`fade`: two shares of the path from 0 to 1, the smaller one first")


@dataclass(frozen=True)
class RenderJob:
    """What to show, how and where to."""

    scene: PathField = PathField()
    out: PathField = PathField()
    """An .mp4, a .png (the first frame alone), or a folder for PNG frames."""
    way: Way = field(default_factory=Way)
    look: SceneOptions = field(default_factory=SceneOptions)
    output: FrameOutput = field(default_factory=FrameOutput)
    compare: Compare = field(default_factory=Compare)
