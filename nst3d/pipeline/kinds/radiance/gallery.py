"""Pictures of a radiance scene for people: before and after side by side, and a flight along its cameras."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from nst3d.cameras.paths import Target, Viewport, fitting_size, framed, helix_directions, shares, tour
from nst3d.cameras.pinhole import Camera
from nst3d.cameras.rigs import close_ups
from nst3d.images.io import write_image
from nst3d.pipeline.kinds.radiance.scene import RadianceScene
from nst3d.pipeline.kinds.radiance.shown import flight_frames, write_flight
from nst3d.pipeline.settings.config import OutputOptions
from nst3d.tensors import Array, ImageSize, Share

_RISE = (math.radians(5), math.radians(35))
_FIELD = math.radians(40)

ShownTable = tuple[Array, Share]
"""A colour table (n, 3), and the share of the scene's view-dependence shown with it."""


def write_comparison(
    path: Path, scene: RadianceScene, looks: Sequence[ShownTable], output: OutputOptions
) -> Path:
    """Write eight views along the scene's cameras: two blocks of four, with one row per look."""
    cameras = sheet_cameras(scene, output.size)
    behind = _behind(scene, output)
    rows = [
        np.concatenate(
            [*flight_frames(scene.renderer, cameras[start : start + 4], look[0], behind, look[1])], 1
        )
        for start in (0, 4)
        for look in looks
    ]
    write_image(path, np.concatenate(rows, axis=0))
    return path


def sheet_cameras(scene: RadianceScene, long_side: int) -> list[Camera]:
    """Eight cameras along the scene's own, or close around it."""
    cameras = places_along(scene, 8, long_side)
    return cameras if scene.hull is None else close_ups(cameras, scene.hull)


def write_tour(path: Path, scene: RadianceScene, look: ShownTable, output: OutputOptions) -> Path:
    """Write a flight along the scene's cameras, or around it, as MP4."""
    cameras = places_along(scene, output.frames, output.size)
    behind = _behind(scene, output)
    colours, specular = look
    return write_flight(
        path, scene.renderer, cameras, colours, background=behind, fps=output.fps, specular=specular
    )


def places_along(scene: RadianceScene, count: int, long_side: int) -> list[Camera]:
    """Cameras along the capture's, at most `long_side` pixels and never larger; or around the scene."""
    if scene.hull is None:
        return tour(scene.cameras, count, fitting_size(scene.cameras, long_side))
    subject = Target(scene.hull, (scene.hull.min(0) + scene.hull.max(0)) / 2, scene.orientation)
    view = Viewport(ImageSize(long_side, long_side), _FIELD)
    directions, ring = (helix_directions(shares(n, True), 1, scene.orientation, _RISE) for n in (count, 64))
    return framed(subject, directions, view, ring)


def _behind(scene: RadianceScene, output: OutputOptions) -> tuple[float, float, float]:
    return output.background if scene.background is None else scene.background
