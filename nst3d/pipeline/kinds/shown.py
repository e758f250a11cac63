"""The interface of a scene that can be shown: extent, cameras and frames."""

from __future__ import annotations

from bisect import bisect_left
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
    """States of a scene, each fading into the next along a path."""

    states: Sequence[Shown]
    places: Sequence[float]
    """Fraction of the path at which each shows alone, ascending. The first shows before its own, the last after."""

    def __post_init__(self) -> None:
        """Raise ConfigError for states of different geometry."""
        for state in self.states[1:]:
            check_alike(self.states[0], state)

    def frame(self, camera: Camera, share: float, depth: bool = False) -> Frame:
        """The view at a fraction of the path.

        With fixed geometry, a scene's render is linear in its colours, so mixing two renders equals mixing
        the two tables; one render with mixed colours is used if the scenes differ in nothing else.
        """
        number = bisect_left(self.places, share)
        if number in (0, len(self.places)) or share == self.places[number]:
            return self.states[min(number, len(self.states) - 1)].frame(camera, depth)
        start, end = self.places[number - 1 : number + 1]
        before, after, strength = (
            self.states[number - 1],
            self.states[number],
            (share - start) / (end - start),
        )
        mixed = before.mixed(after, strength)
        if mixed is not None:
            return mixed.frame(camera, depth)
        return mixed_frames(before.frame(camera, depth), after.frame(camera), strength)


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
