"""The interface of a scene that can be shown: extent, cameras and frames."""

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
        """Cameras of its photographs; empty if unknown."""

    @property
    def room(self) -> Array | None:
        """The place (3,) from which a turn on the spot shows a room; None: there is no room, or none was looked for."""

    @property
    def background(self) -> tuple[float, float, float]:
        """Default background, RGB in [0, 1]."""

    @property
    def colours(self) -> Array:
        """The colour table, (n, 3)."""

    def placed(self, pose: Array) -> Array:
        """A camera-to-world matrix (4, 4) converted from the file's to rendering coordinates."""

    def frame(self, camera: Camera, depth: bool = False) -> Frame:
        """The view. Without `depth`, its depth may be infinite everywhere."""

    def fits(self, other: Any) -> bool:
        """Whether another scene of this class may be this one in other colours."""

    def mixed(self, other: Any, strength: float) -> Shown | None:
        """This scene with its colours blended by `strength` to a fitting one's; None: mix renders."""


@dataclass(frozen=True)
class Fade:
    """Two states of a scene, the first fading into the second along a path."""

    before: Shown
    after: Shown
    start: float
    """Fraction of the path at which the second starts to show."""
    end: float
    """Fraction of the path from which only the second shows."""

    def __post_init__(self) -> None:
        """Raise ConfigError for fields or splats of different geometry."""
        check_alike(self.before, self.after)

    def frame(self, camera: Camera, share: float, depth: bool = False) -> Frame:
        """The view at a fraction of the path.

        With fixed geometry, a scene's render is linear in its colours, so mixing two renders equals mixing
        the two tables; one render with mixed colours is used if the scenes differ in nothing else.
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
    """The frame between two of the same geometry, with the first one's depth."""
    here, there = np.float32(1 - strength), np.float32(strength)
    return Frame(
        before.colour * here + after.colour * there,
        before.opacity * here + after.opacity * there,
        before.depth,
    )


def check_alike(before: Shown, after: Shown, name: str = "the state before") -> None:
    """Raise ConfigError, starting with the first one's `name`, if two scenes cannot be states of one."""
    if type(before) is not type(after):
        raise ConfigError(f"{name} is a scene of another kind; give the same scene with other colours")
    if not before.fits(after):
        raise ConfigError(
            f"{name} has {len(before.colours)} coloured points and the scene {len(after.colours)}, or they are in"
            " other places; give the same scene with other colours"
        )
