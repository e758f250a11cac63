"""A nerfacto run made ready to be looked at.

Imports nerfstudio: import this module where one is needed, after `need_nerfstudio`.
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
"""Long side of the pictures that tell what there is to frame, pixels: each of their rays costs as much as any."""
_GLANCES = 12
_ENDS, _NEARLY_ALL = 0.005, 0.95
"""How near to 0 or 1 colours are that hold no picture, and the share of them that is remarked on: objects before a
white wall leave less of it."""


@dataclass(frozen=True)
class ShownNerf:
    """A NeRF, as nerfstudio itself renders it."""

    nerf: Nerfacto
    orientation: Orientation
    hull: Array = field(repr=False)
    """Points that a view should frame, (k, 3), in the run's frame."""
    cameras: tuple[Camera, ...] = ()
    """Where it was photographed from; empty if that is not known."""
    notes: tuple[str, ...] = ()

    @property
    def background(self) -> tuple[float, float, float]:
        """The run's."""
        return self.nerf.background

    @property
    def colours(self) -> Array:
        """(0, 3): a NeRF has no table."""
        return np.empty((0, 3), np.float32)

    def placed(self, pose: Array) -> Array:
        """The pose: camera paths of nerfstudio are in the run's frame."""
        return pose

    def frame(self, camera: Camera, depth: bool = False) -> Frame:
        """The view, with depth always."""
        return self.nerf.draw(camera)

    def fits(self, other: ShownNerf) -> bool:
        """Always: a NeRF has no rows to compare."""
        return True

    def mixed(self, other: ShownNerf, strength: float) -> None:
        """None: what a NeRF shows is not linear in its colours."""


def seen_hull(nerf: Nerfacto, cameras: Sequence[Camera], orientation: Orientation) -> Array:
    """Points (k, 3) of what some of the cameras see; the corners of what is not contracted where they see nothing."""
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
    """A line where some of the cameras see hardly anything but pure black and white; else nothing."""
    frames = [nerf.draw(camera) for camera in _glances(cameras)]
    opacity = np.concatenate([frame.opacity.ravel() for frame in frames])
    colours = np.concatenate([frame.colour.reshape(-1, 3) for frame in frames])
    colours /= np.maximum(opacity, NOTHING)[:, None]
    extreme = (np.abs(colours - np.rint(colours)) < _ENDS).all(1)
    share = float(opacity[extreme].sum() / max(opacity.sum(), NOTHING))
    if share < _NEARLY_ALL:
        return ()
    return (
        f"{share:.0%} of what the cameras see is pure white or black: the NeRF holds hardly a picture, and its"
        " colours are so far at their ends that paint takes badly; it may need more training",
    )


def _glances(cameras: Sequence[Camera]) -> list[Camera]:
    some = cameras[:: max(1, -(-len(cameras) // _GLANCES))]
    return [camera.scaled(_GLANCE / max(camera.size)) for camera in some]
