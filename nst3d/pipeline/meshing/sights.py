"""Renders of a radiance scene with depth, from which a mesh is made."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from nst3d.cameras.pinhole import Camera
from nst3d.cameras.rigs import fibonacci_directions, framing_distance, standing, views_from
from nst3d.renderers.fusion import DepthPicture, trusted_depth
from nst3d.renderers.radiance import RadianceRenderer
from nst3d.representations.field import Space
from nst3d.tensors import Array, ImageSize

_RIG = 40
"""Number of cameras around a scene whose own are unknown."""
_FIELD_OF_VIEW = 0.7


def draw_depth_pictures(
    renderer: RadianceRenderer,
    cameras: Sequence[Camera],
    colours: Array,
    specular: float,
    progress: Callable[[int], None],
) -> list[DepthPicture]:
    """Render the colours (n, 3) from all cameras, with `specular` times the scene's higher harmonics."""
    sights = []
    for index, camera in enumerate(cameras):
        frame = renderer.draw(camera, colours, specular)
        straight = frame.colour / np.maximum(frame.opacity, 1e-3)[..., None]
        colour = np.clip(straight, 0, 1).astype(np.float16)
        sights.append(DepthPicture(camera, colour, trusted_depth(frame.opacity, frame.depth)))
        progress(index + 1)
    return sights


def chosen_cameras(cameras: Sequence[Camera], most: int, long_side: int) -> list[Camera]:
    """At most `most` cameras, evenly spread, undistorted, with a longer side of `long_side` pixels."""
    if len(cameras) > most:
        cameras = [cameras[k] for k in np.unique(np.linspace(0, len(cameras) - 1, most).round().astype(int))]
    return [replace(c, lens=None).scaled(long_side / max(c.size)) for c in cameras]


def cameras_around(space: Space, up: Array, long_side: int, most: int = _RIG) -> list[Camera]:
    """At most `most` cameras on a sphere around the inner box of a space, each framing it."""
    directions = fibonacci_directions(min(most, _RIG), standing(up), 0.95)
    corners = (np.array(list(np.ndindex(2, 2, 2))) * 2.0 - 1) * space.radius
    distance = framing_distance(corners, directions, up, _FIELD_OF_VIEW)
    size = ImageSize(long_side, long_side)
    return [_moved(c, space.centre) for c in views_from(directions, up, distance, size, _FIELD_OF_VIEW)]


def _moved(camera: Camera, by: Array) -> Camera:
    pose = camera.camera_to_world.copy()
    pose[:3, 3] += by
    return replace(camera, camera_to_world=pose)
