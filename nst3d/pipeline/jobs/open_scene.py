"""Opens a scene of any kind to be shown."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path
from typing import Literal

import numpy as np

from nst3d.cameras.axes import UP_AND_FRONT
from nst3d.cameras.orbits import Orbit
from nst3d.cameras.pinhole import Camera
from nst3d.cameras.rigs import Orientation, standing
from nst3d.errors import InputError
from nst3d.files import PathLike
from nst3d.formats.gltf.document import GltfDocument
from nst3d.formats.kinds import capture_comes_first, kind_of
from nst3d.formats.mesh_files import load_mesh
from nst3d.pipeline.jobs.bridges import ALONE, Bridges, Note
from nst3d.pipeline.kinds.flight import Way
from nst3d.pipeline.kinds.mesh.shown import ShownMesh, show_mesh
from nst3d.pipeline.kinds.radiance.shown import ShownRadiance, show_field, show_splats
from nst3d.pipeline.kinds.shown import Shown
from nst3d.pipeline.settings.kinds import check_options
from nst3d.pipeline.settings.shown import SceneOptions
from nst3d.representations.capture import Capture
from nst3d.representations.mesh import Mesh
from nst3d.tensors import Array, ImageSize

_KINDS = "a mesh (GLB, glTF, OBJ, PLY, STL), splats or a voxel field"


def open_scene(
    path: PathLike, options: SceneOptions, way: Way, note: Note, bridges: Bridges = ALONE
) -> Shown:
    """The scene in a file, or in a folder that holds one mesh.

    `way` says how large its pictures are; `note` hears what the user should know; `bridges` do what takes other
    packages. Raises InputError for what cannot be read.
    """
    path = Path(path)
    kind = kind_of(path)
    check_options(() if options.data is None else ("data",), kind, path)
    reader = bridges.reader(options.dataparser, options.cameras)
    if kind == "capture":
        raise capture_comes_first(path)
    if kind == "picture":
        raise InputError(f"{path}: is a picture; {_KINDS} was expected")
    capture = None if options.cameras is None else reader.for_scene(options.cameras, path)
    if kind == "nerf":
        return bridges.show_nerf(path, options, capture, note)
    shown = _mesh(path, options, way, capture) if kind == "mesh" else _radiance(path, kind, options, capture)
    for text in (*shown.notes, *(() if capture is None else capture.notes)):
        note(text)
    return shown


def _radiance(
    path: Path, kind: Literal["field", "splats"], options: SceneOptions, capture: Capture | None
) -> ShownRadiance:
    scene = (show_field if kind == "field" else show_splats)(path, options.specular)
    orientation = orientation_of(options, capture) or scene.orientation
    cameras = scene.cameras if capture is None else _cameras(capture, scene)
    return dataclasses.replace(scene, orientation=orientation, cameras=cameras)


def _mesh(path: Path, options: SceneOptions, way: Way, capture: Capture | None) -> ShownMesh:
    mesh = load_mesh(path)
    frame = np.eye(4) if capture is None else _scene_from_capture(path, mesh)
    orientation = orientation_of(options, capture, frame)
    if orientation is not None:
        up, front = (tuple(v.tolist()) for v in (orientation.up, orientation.front))
        mesh = dataclasses.replace(mesh, up=up, front=front)
    # Textures are made as fine as an orbit's pixels, or finer where the camera may come closer.
    fine = 1 if way.path in ("orbit", "spiral") else 2
    orbit = Orbit(8, way.size or ImageSize(512, 512), field_of_view=way.field_of_view or math.radians(40))
    size = ImageSize(orbit.size.height * fine, orbit.size.width * fine)
    shown = show_mesh(mesh, dataclasses.replace(orbit, size=size), options.lighting)
    return shown if capture is None else dataclasses.replace(shown, cameras=_cameras(capture, shown, frame))


def _scene_from_capture(path: Path, mesh: Mesh) -> Array:
    """The (4, 4) from capture to scene coordinates: glTF is turned to stand up, other formats keep coordinates."""
    if mesh.scene_from_capture is not None:
        return mesh.scene_from_capture
    if isinstance(mesh.document, GltfDocument):
        raise InputError(
            f"{path}: does not say how it lies to the cameras of its capture, as glTF from nst3d export does; export"
            " it again, or give the mesh as .obj or .ply in the capture's coordinates"
        )
    return np.eye(4)


def orientation_of(
    options: SceneOptions, capture: Capture | None, frame: Array | None = None
) -> Orientation | None:
    """Up and front: as asked for, else the capture's, turned by `frame` (4, 4); None: the scene's own."""
    if options.up != "auto":
        up, front = (np.array(v) for v in UP_AND_FRONT[options.up])
        return Orientation(up, front)
    if capture is None:
        return None
    return standing(capture.up if frame is None else frame[:3, :3] @ capture.up)


def _cameras(capture: Capture, scene: Shown, frame: Array | None = None) -> tuple[Camera, ...]:
    """The cameras of a capture, in the coordinates that the scene is rendered in; `frame`: into its file's."""
    cameras = [photo.camera for photo in capture.photos]
    poses = [c.camera_to_world if frame is None else frame @ c.camera_to_world for c in cameras]
    return tuple(dataclasses.replace(c, camera_to_world=scene.placed(p)) for c, p in zip(cameras, poses))
