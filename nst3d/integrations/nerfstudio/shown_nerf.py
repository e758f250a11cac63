"""A nerfacto run made ready to be looked at.

Imports nerfstudio: import this module where one is needed, after `need_nerfstudio`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from nst3d.cameras.pinhole import Camera
from nst3d.cameras.rigs import Orientation
from nst3d.integrations.nerfstudio.nerfacto import Nerfacto
from nst3d.pipeline.shown_radiance import robust_hull
from nst3d.renderers.radiance import Frame
from nst3d.tensors import Array

_GLANCE = 24
"""Long side of the pictures that tell what there is to frame, pixels."""
_GLANCES = 12


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


def seen_hull(nerf: Nerfacto, cameras: Sequence[Camera], orientation: Orientation) -> Array:
    """Points (k, 3) of what some of the cameras see; without cameras the corners of what is not contracted."""
    if not cameras:
        return np.array(list(np.ndindex(2, 2, 2)), float) * 2 - 1
    points = []
    for camera in cameras[:: -(-len(cameras) // _GLANCES)]:
        small = camera.scaled(_GLANCE / max(camera.size))
        depth = nerf.draw(small).depth
        origin, rays = small.rays()
        known = np.isfinite(depth)
        points.append(origin + rays[known] * depth[known][:, None])
    found = np.concatenate(points)
    return robust_hull(found, np.ones(len(found)), orientation)
