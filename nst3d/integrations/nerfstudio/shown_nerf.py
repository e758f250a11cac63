"""A nerfacto run prepared for rendering.

Imports nerfstudio: import this module locally, after `need_nerfstudio`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from nst3d.cameras.pinhole import Camera
from nst3d.cameras.rigs import Orientation
from nst3d.integrations.nerfstudio.model.nerfacto import Nerfacto
from nst3d.integrations.nerfstudio.native.views import NerfDepths
from nst3d.pipeline.kinds.radiance.hull import robust_hull
from nst3d.renderers.radiance import NOTHING, Frame
from nst3d.tensors import Array

_GLANCE = 12
"""Long side of the views used to find what to frame, pixels; small, because NeRF rays are expensive."""
_GLANCES = 12
_ENDS, _NEARLY_ALL = 0.005, 0.95
"""Distance from 0 or 1 within which colours count as saturated, and the fraction of them that causes a note;
an object in front of a white wall stays below it."""


@dataclass(frozen=True)
class ShownNerf:
    """A NeRF, rendered with nerfstudio's own modules."""

    nerf: Nerfacto
    orientation: Orientation
    hull: Array = field(repr=False)
    """Points that a view should frame, (k, 3), in the run's frame."""
    cameras: tuple[Camera, ...] = ()
    """Cameras of its photographs; empty if unknown."""
    notes: tuple[str, ...] = ()
    room: None = None
    """Rooms are only looked for in meshes."""

    @property
    def background(self) -> tuple[float, float, float]:
        """The run's background."""
        return self.nerf.background

    @property
    def colours(self) -> Array:
        """(0, 3): a NeRF has no table."""
        return np.empty((0, 3), np.float32)

    def placed(self, pose: Array) -> Array:
        """The pose unchanged, because camera paths of nerfstudio are in the run's frame."""
        return pose

    def frame(self, camera: Camera, depth: bool = False) -> Frame:
        """The view, always with depth."""
        return self.nerf.draw(camera)

    def fits(self, other: ShownNerf) -> bool:
        """Always: a NeRF has no rows to compare."""
        return True

    def mixed(self, other: ShownNerf, strength: float) -> None:
        """None: what a NeRF shows is not linear in its colours."""


def seen_hull(nerf: Nerfacto, cameras: Sequence[Camera], orientation: Orientation) -> Array:
    """Points (k, 3) seen by some of the cameras; corners of the uncontracted space if they see nothing."""
    depths, points = NerfDepths(nerf), [np.empty((0, 3))]
    for camera in _glances(cameras):
        depth = depths.draw(camera).depth
        origin, rays = camera.rays()
        known = np.isfinite(depth)
        points.append(origin + rays[known] * depth[known][:, None])
    found = np.concatenate(points)
    if not len(found):
        return np.array(list(np.ndindex(2, 2, 2)), float) * 2 - 1
    return robust_hull(found, np.ones(len(found)), orientation)


def saturation_notes(nerf: Nerfacto, cameras: Sequence[Camera]) -> tuple[str, ...]:
    """A note if some cameras see hardly anything but pure black and white; otherwise empty."""
    frames = [nerf.draw(camera) for camera in _glances(cameras)]
    opacity = np.concatenate([frame.opacity.ravel() for frame in frames])
    colours = np.concatenate([frame.colour.reshape(-1, 3) for frame in frames])
    colours /= np.maximum(opacity, NOTHING)[:, None]
    extreme = (np.abs(colours - np.rint(colours)) < _ENDS).all(1)
    share = float(opacity[extreme].sum() / max(opacity.sum(), NOTHING))
    if share < _NEARLY_ALL:
        return ()
    return (
        f"{share:.0%} of what the cameras see is pure white or black: the NeRF shows hardly any image, and"
        " its colours are so saturated that paint hardly takes; it may need more training",
    )


def _glances(cameras: Sequence[Camera]) -> list[Camera]:
    some = cameras[:: max(1, -(-len(cameras) // _GLANCES))]
    return [camera.scaled(_GLANCE / max(camera.size)) for camera in some]
