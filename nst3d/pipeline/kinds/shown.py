"""What a scene of any kind gives to be shown: where it is, who looked at it, and frames of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from nst3d.cameras.pinhole import Camera
from nst3d.cameras.rigs import Orientation
from nst3d.errors import ConfigError
from nst3d.renderers.radiance import Frame
from nst3d.tensors import Array


class Shown(Protocol):
    """A scene that can be shown."""

    @property
    def orientation(self) -> Orientation:
        """Up and front."""

    @property
    def hull(self) -> Array:
        """Points (k, 3) that a view should frame."""

    @property
    def cameras(self) -> Sequence[Camera]:
        """Where it was photographed from; empty if that is not known."""

    @property
    def background(self) -> tuple[float, float, float]:
        """What lies behind it where nothing else is asked for, RGB in [0, 1]."""

    @property
    def colours(self) -> Array:
        """The table, (n, 3)."""

    def placed(self, pose: Array) -> Array:
        """A camera-to-world (4, 4) in the scene file's coordinates, in those that frames are rendered in."""

    def frame(self, camera: Camera, depth: bool = False) -> Frame:
        """The view. `depth`: whether that is wanted, else it may be infinite everywhere."""

    def fits(self, other: Any) -> bool:
        """Whether another scene of this class may be the same one with other colours."""

    def mixed(self, other: Any, strength: float) -> Shown | None:
        """This scene with `strength` of the way to the colours of another that fits; None: its renders are mixed."""


@dataclass(frozen=True)
class Fade:
    """Two states of a scene, the first becoming the second along a path."""

    before: Shown
    after: Shown
    start: float
    """Share of the path at which the second begins to show."""
    end: float
    """Share of the path from which the second is all there."""

    def __post_init__(self) -> None:
        """Raise ConfigError for fields or splats that are not the same geometry."""
        check_alike(self.before, self.after)

    def frame(self, camera: Camera, share: float, depth: bool = False) -> Frame:
        """The view at a share of the path.

        While it stands still, a scene's render is linear in its colours, so mixing the two renders is mixing
        the two tables; the one product with mixed colours is taken where the scenes differ in nothing else.
        """
        strength = min(max((share - self.start) / max(self.end - self.start, 1e-9), 0.0), 1.0)
        if strength == 0:
            return self.before.frame(camera, depth)
        if strength == 1:
            return self.after.frame(camera, depth)
        mixed = self.before.mixed(self.after, strength)
        if mixed is not None:
            return mixed.frame(camera, depth)
        return mixed_frames(self.before.frame(camera, depth), self.after.frame(camera), strength)


def mixed_frames(before: Frame, after: Frame, strength: float) -> Frame:
    """The frame between two of the same geometry; the first one's depth."""
    here, there = np.float32(1 - strength), np.float32(strength)
    return Frame(
        before.colour * here + after.colour * there,
        before.opacity * here + after.opacity * there,
        before.depth,
    )


def check_alike(before: Shown, after: Shown, name: str = "the state before") -> None:
    """Raise ConfigError, which begins with the first one's `name`, where two scenes cannot be states of one."""
    if type(before) is not type(after):
        raise ConfigError(f"{name} is a scene of another kind; give the same scene with other colours")
    if not before.fits(after):
        raise ConfigError(
            f"{name} has {len(before.colours)} coloured points and the scene {len(after.colours)}, or they lie"
            " elsewhere; give the same scene with other colours"
        )
