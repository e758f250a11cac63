"""The settings with which a network is trained to paint in a style."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated

from nst3d.bounds import FileOnly, Within, check_bounds
from nst3d.errors import ConfigError
from nst3d.stylize.recipe import Recipe
from nst3d.stylize.terms import Term

TERMS = (Term("variation", 1.0), Term("content", 0.5), Term("gram", 1.0))
"""What a network learns to please: less noise, the picture's content, and palette and stroke texture of the style."""

_TEMPORAL = 500.0


@dataclass(frozen=True)
class TrainOptions:
    """All settings of a training."""

    size: Annotated[int, Within(64, 2048)] = 256
    """Size of the pictures, in pixels: that of views, or of the long side of photographs. Strokes keep their size in
    pixels, so that the network is for pictures of this size."""
    patch: Annotated[int, Within(32, 1024)] = 256
    """Side of the patches that are cut from the pictures; smaller pictures make smaller patches."""
    patches: Annotated[int, Within(1, 100_000)] = 256
    """Number of different patches."""
    batch: Annotated[int, Within(1, 64)] = 1
    """Patches in a step."""
    steps: Annotated[int, Within(1, 1_000_000)] | None = None
    """Training steps; None: as many as take `minutes`."""
    minutes: Annotated[float, Within(0, 10_000, above=True)] = 9.0
    """Time for training, if `steps` is None."""
    video: bool = False
    """Whether it learns from pairs of consecutive frames, too: what moves along in them should look the same."""
    temporal: Annotated[float, Within(0, 1e6, above=True)] | None = None
    """Weight of the difference between painted frames along the motion, with `video`; None: 500."""
    recurrent: bool = False
    """Whether the network remembers the frames before, with `video`."""
    widths: tuple[int, int, int] = (16, 32, 64)
    """The network's channels at full, half and quarter resolution."""
    blocks: Annotated[int, Within(1, 32)] = 5
    """The network's residual blocks."""
    rate: Annotated[float, Within(0, 1, above=True)] = 3e-3
    """Highest learning rate."""
    recipe: Annotated[Recipe, FileOnly()] = field(default_factory=lambda: Recipe(terms=TERMS))
    """What the network learns to please. Terms that compare views do not apply."""
    checkpoint_seconds: Annotated[float, Within(0)] = 30.0
    """Seconds between checkpoints; 0: none but the one that Ctrl-C leaves."""
    threads: Annotated[int, Within(0, 4096)] = 0
    """CPU threads; 0: the defaults of torch and numba."""
    seed: Annotated[int, Within(0, 2**31 - 1)] = 0
    """Random seed."""

    def __post_init__(self) -> None:
        """Raise ConfigError for invalid numbers."""
        check_bounds(self)
        if self.temporal is not None and not self.video:
            raise ConfigError("`temporal` weighs pairs of frames: give `video`, too")
        if self.recurrent and not self.video:
            raise ConfigError("`recurrent` learns from pairs of frames: give `video`, too")

    @property
    def temporal_weight(self) -> float:
        """The weight of the difference between painted frames; 0 without `video`."""
        return (_TEMPORAL if self.temporal is None else self.temporal) if self.video else 0.0
