"""Orientation of a scene when it is shown, and placement of a capture's cameras in it."""

from __future__ import annotations

import dataclasses

import numpy as np

from nst3d.cameras.pinhole import Camera
from nst3d.cameras.rigs import Orientation, standing
from nst3d.pipeline.kinds.shown import Shown
from nst3d.pipeline.settings.shown import SceneOptions
from nst3d.representations.capture import Capture
from nst3d.tensors import Array

_UP_AND_FRONT = {
    "x": ((1.0, 0.0, 0.0), (0.0, 0.0, 1.0)),
    "y": ((0.0, 1.0, 0.0), (0.0, 0.0, 1.0)),
    "z": ((0.0, 0.0, 1.0), (0.0, -1.0, 0.0)),
    "-x": ((-1.0, 0.0, 0.0), (0.0, 0.0, -1.0)),
    "-y": ((0.0, -1.0, 0.0), (0.0, 0.0, -1.0)),
    "-z": ((0.0, 0.0, -1.0), (0.0, 1.0, 0.0)),
}


def orientation_of(
    options: SceneOptions, capture: Capture | None, frame: Array | None = None
) -> Orientation | None:
    """Up and front as requested, or the capture's, transformed by `frame` (4, 4); None: the scene's own."""
    if options.up != "auto":
        up, front = (np.array(v) for v in _UP_AND_FRONT[options.up])
        return Orientation(up, front)
    if capture is None:
        return None
    return standing(capture.up if frame is None else frame[:3, :3] @ capture.up)


def cameras_in(scene: Shown, capture: Capture, frame: Array | None = None) -> tuple[Camera, ...]:
    """A capture's cameras in the scene's rendering coordinates; `frame` maps them to its file's first."""
    cameras = [photo.camera for photo in capture.photos]
    poses = [c.camera_to_world if frame is None else frame @ c.camera_to_world for c in cameras]
    return tuple(dataclasses.replace(c, camera_to_world=scene.placed(p)) for c, p in zip(cameras, poses))
