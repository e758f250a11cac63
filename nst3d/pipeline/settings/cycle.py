"""The settings with which translators between two folders of pictures are trained."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from nst3d.bounds import Within, check_bounds


@dataclass(frozen=True)
class CycleOptions:
    """All settings of a training of translators."""

    size: Annotated[int, Within(64, 1024)] = 128
    """Long side of the pictures, in pixels, or size of a scene's views: what a translator paints has its size in
    pixels, so that it is for pictures of this size."""
    patch: Annotated[int, Within(32, 512)] = 128
    """Side of the patches that are cut from the pictures; smaller pictures make smaller patches."""
    steps: Annotated[int, Within(1, 1_000_000)] | None = None
    """Training steps; None: as many as take `minutes`."""
    minutes: Annotated[float, Within(0, 10_000, above=True)] = 25.0
    """Time for training, if `steps` is None."""
    width: Annotated[int, Within(1, 512)] = 16
    """The networks' channels at full resolution; the paper's have 64."""
    blocks: Annotated[int, Within(1, 32)] = 6
    """The translators' residual blocks."""
    rate: Annotated[float, Within(0, 1, above=True)] = 4e-4
    """Learning rate in the first half; it falls to 0 in the second."""
    cycle_weight: Annotated[float, Within(0, 1000)] = 10.0
    """Weight of what is lost on the way there and back: more keeps more of a picture."""
    identity_weight: Annotated[float, Within(0, 100)] = 0.5
    """Weight, relative to `cycle_weight`, of what a picture that is of the domain already loses: more keeps colours."""
    history: Annotated[int, Within(0, 1000)] = 50
    """Painted pictures of earlier steps that critics are shown."""
    checkpoint_seconds: Annotated[float, Within(0)] = 30.0
    """Seconds between checkpoints; 0: none but the one that Ctrl-C leaves."""
    threads: Annotated[int, Within(0, 4096)] = 0
    """CPU threads; 0: the defaults of torch and numba."""
    seed: Annotated[int, Within(0, 2**31 - 1)] = 0
    """Random seed."""

    def __post_init__(self) -> None:
        """Raise ConfigError for invalid numbers."""
        check_bounds(self)
