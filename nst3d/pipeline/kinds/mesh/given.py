"""Cameras that a user gives for painting a mesh: a capture's, or the keyframes of a camera path."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from nst3d.cameras.crowd import spread_out
from nst3d.cameras.paths import Viewport
from nst3d.cameras.pinhole import Camera
from nst3d.errors import InputError
from nst3d.formats.captures.registry import is_capture
from nst3d.formats.flights.registry import is_camera_path, load_camera_path
from nst3d.formats.gltf.document import GltfDocument
from nst3d.pipeline.kinds.kind import Opened, PaintRequest
from nst3d.pipeline.settings.config import PaintConfig
from nst3d.representations.mesh import Mesh
from nst3d.tensors import Array, ImageSize

_FIELD = math.radians(40)
"""Field of view of keyframes that have none."""
_SMALLEST = 16
"""Shortest side of an encoded view, pixels."""


def given_cameras(asked: PaintRequest, mesh: Mesh) -> tuple[Camera, ...]:
    """The cameras at `job.cameras` in the mesh's normalised coordinates.

    They are the keyframes of a camera path, or the cameras of a capture, at most `capture_views`, those farthest
    apart. Empty if there are none to read. Raises InputError for a file that cannot be read.
    """
    path, config = asked.job.cameras, asked.config
    if path is None:
        return ()
    size = config.schedule.finest
    if is_camera_path(path) and not (path.exists() and is_capture(path)):
        flight = load_camera_path(path, np.asarray(mesh.up, np.float64))
        view = Viewport(flight.size or ImageSize(size, size), _FIELD)
        cameras = [view.camera(k.pose, k.field_of_view, flight.vertical) for k in flight.keys]
        frame = np.eye(4)
    else:
        capture = asked.reader(path)
        asked.note(*capture.notes)
        cameras = [photo.camera for photo in capture.photos]
        frame = scene_from_capture(asked.opened, mesh)
    chosen = [cameras[i] for i in spread_out(cameras, config.capture_views)]
    return tuple(_placed(c, frame, mesh) for c in chosen)


def suited(config: PaintConfig, cameras: tuple[Camera, ...]) -> PaintConfig:
    """The settings with views large enough that the shortest side of any given camera can be encoded."""
    if not cameras:
        return config
    narrow = max(max(c.size) / min(c.size) for c in cameras)
    least = math.ceil(narrow * _SMALLEST * config.recipe.reduce) + 1
    stages = tuple(replace(s, size=max(s.size, least)) for s in config.schedule.stages)
    return replace(config, schedule=replace(config.schedule, stages=stages))


def scene_from_capture(opened: Opened, mesh: Mesh) -> Array:
    """The (4, 4) transform from capture to scene coordinates: glTF is rotated to y up."""
    if mesh.scene_from_capture is not None:
        return mesh.scene_from_capture
    if isinstance(mesh.document, GltfDocument):
        raise InputError(
            f"{opened.path}: lacks the transform to its capture's cameras that glTF from nst3d export has;"
            " export it again, or give the mesh as .obj or .ply in the capture's coordinates"
        )
    return np.eye(4)


def _placed(camera: Camera, frame: Array, mesh: Mesh) -> Camera:
    """The camera in normalised coordinates; `frame` (4, 4) brings it into the file's."""
    pose = frame @ camera.camera_to_world
    pose[:3, 3] = mesh.frame.apply(pose[None, :3, 3])[0]
    return replace(camera, camera_to_world=pose)
