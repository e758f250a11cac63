"""Footage: the frames of one flight, with their cameras and depths where these are known."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from nst3d.metrics.warp import Seen
from nst3d.tensors import Array


@dataclass(frozen=True, eq=False)
class Footage:
    """The frames of a flight in order, all of one size."""

    frames: tuple[Array, ...]
    """(h, w, 3) float32 in [0, 1] each, over a background."""
    opacities: tuple[Array, ...]
    """(h, w) in [0, 1] each; 1 throughout where there is no background."""
    seen: tuple[Seen, ...] | None = None
    """The camera and depth of each frame; None where they are unknown, as those of a video."""

    def __post_init__(self) -> None:
        """Raise ValueError if frames differ in size, or opacities, cameras or depths do not belong to them."""
        if not self.frames:
            raise ValueError("footage needs frames, and there are none")
        size = self.frames[0].shape[:2]
        for number, frame in enumerate(self.frames):
            if frame.shape != (*size, 3):
                raise ValueError(f"frame 0 has the shape {(*size, 3)} and frame {number} has {frame.shape}")
        depths = None if self.seen is None else [each.depth for each in self.seen]
        for what, pictures in (("opacity", self.opacities), ("depth", depths)):
            if pictures is None:
                continue
            if len(pictures) != len(self.frames):
                raise ValueError(
                    f"{len(self.frames)} frames need one {what} each, and there are {len(pictures)}"
                )
            for number, picture in enumerate(pictures):
                if picture.shape != size:
                    raise ValueError(f"frame {number} has {size} pixels and its {what} has {picture.shape}")

    def __len__(self) -> int:
        """The number of frames."""
        return len(self.frames)

    def first(self, count: int) -> Footage:
        """The first frames, all if there are fewer."""
        seen = None if self.seen is None else self.seen[:count]
        return Footage(self.frames[:count], self.opacities[:count], seen)

    def showing(self, frames: Iterable[Array]) -> Footage:
        """The same flight with other frames; ValueError unless there are as many, of the same size."""
        other = replace(self, frames=tuple(frames))
        self.need_size_of(other)
        return other

    def over(self, colour: Array, instead_of: Array) -> Footage:
        """The same frames over one colour (3,) instead of another (3,), over which they are now.

        Borders to a background that is far from the style's colours are the strongest edges of a picture: compare
        frames with a style over the mean colour of the style.
        """
        change = (np.asarray(colour) - np.asarray(instead_of)).astype(np.float32)
        pairs = zip(self.frames, self.opacities)
        return self.showing(
            np.clip(f + (1 - o[..., None]) * change, 0, 1).astype(np.float32) for f, o in pairs
        )

    def need_size_of(self, other: Footage) -> None:
        """Raise ValueError unless other footage has as many frames, of the same size."""
        if len(other) != len(self):
            raise ValueError(f"the flights differ: {len(self)} and {len(other)} frames")
        if other.frames[0].shape != self.frames[0].shape:
            raise ValueError(
                f"the frames of the flights differ: {self.frames[0].shape} and {other.frames[0].shape}"
            )

    def lacks_pairs(self, gap: int) -> str | None:
        """Why there are no frames t − gap and t; None if there are. ValueError for a gap below 1."""
        if gap < 1:
            raise ValueError(f"a gap must be at least 1, not {gap}")
        if len(self) > gap:
            return None
        return f"{len(self)} frames have no pair that is {gap} apart"
