"""Opens a scene of any kind to be shown."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from nst3d.cameras.pinhole import Camera
from nst3d.cameras.rigs import Orientation
from nst3d.errors import ConfigError, InputError
from nst3d.formats.captures import load_capture
from nst3d.formats.dispatch import load_mesh
from nst3d.formats.scene import kind_of
from nst3d.pipeline.flight import Way
from nst3d.pipeline.gallery import Orbit
from nst3d.pipeline.shown import Shown
from nst3d.pipeline.shown_mesh import ShownMesh, show_mesh
from nst3d.pipeline.shown_radiance import ShownRadiance, show_field, show_splats
from nst3d.renderers.shading import Lighting
from nst3d.tensors import ImageSize

AnyUp = Literal["auto", "x", "y", "z", "-x", "-y", "-z"]
"""World up; auto: as the file or its format says."""

_KINDS = "a mesh (GLB, glTF, OBJ, PLY, STL), splats or a voxel field"
_UP_AND_FRONT = {
    "x": ((1.0, 0.0, 0.0), (0.0, 0.0, 1.0)),
    "y": ((0.0, 1.0, 0.0), (0.0, 0.0, 1.0)),
    "z": ((0.0, 0.0, 1.0), (0.0, -1.0, 0.0)),
    "-x": ((-1.0, 0.0, 0.0), (0.0, 0.0, -1.0)),
    "-y": ((0.0, -1.0, 0.0), (0.0, 0.0, -1.0)),
    "-z": ((0.0, 0.0, -1.0), (0.0, 1.0, 0.0)),
}


@dataclass(frozen=True)
class SceneOptions:
    """How a scene is shown."""

    lighting: Lighting = "studio"
    """Of meshes: none, headlight or studio."""
    background: tuple[float, float, float] | None = None
    """RGB in [0, 1]; None: white behind meshes, what a field says, black behind splats."""
    up: AnyUp = "auto"
    cameras: Path | None = None
    """A capture whose cameras the scene was seen from."""
    specular: float = 1.0
    """How much of the view-dependence in the file of a field or of splats is shown, 0 to 1."""

    def __post_init__(self) -> None:
        """Refuse what makes no sense, with ConfigError."""
        if not 0 <= self.specular <= 1:
            raise ConfigError(f"keep-specular {self.specular:g}: from 0 (none) to 1 (all)")


def open_scene(path: Path, options: SceneOptions, way: Way, note: Callable[[str], None]) -> Shown:
    """The scene in a file, or in a folder that holds one mesh.

    `way` says how large its pictures are; `note` hears what the user should know. Raises InputError for what
    cannot be read.
    """
    kind = kind_of(path)
    if kind == "picture" or kind == "capture":
        raise InputError(f"{path}: is a {kind}; {_KINDS} was expected")
    scene = _mesh(path, options, way) if kind == "mesh" else _radiance(path, kind, options)
    for text in scene.notes:
        note(text)
    if options.cameras is None:
        return scene
    return dataclasses.replace(scene, cameras=_cameras(options.cameras, scene))


def _radiance(path: Path, kind: Literal["field", "splats"], options: SceneOptions) -> ShownRadiance:
    scene = (show_field if kind == "field" else show_splats)(path, options.specular)
    if options.up == "auto":
        return scene
    up, front = (np.array(v) for v in _UP_AND_FRONT[options.up])
    return dataclasses.replace(scene, orientation=Orientation(up, front))


def _mesh(path: Path, options: SceneOptions, way: Way) -> ShownMesh:
    mesh = load_mesh(path)
    if options.up != "auto":
        up, front = _UP_AND_FRONT[options.up]
        mesh = dataclasses.replace(mesh, up=up, front=front)
    # Textures are made as fine as an orbit's pixels, or finer where the camera may come closer.
    fine = 1 if way.path in ("orbit", "spiral") else 2
    orbit = Orbit(8, way.size or ImageSize(512, 512), field_of_view=way.field_of_view or math.radians(40))
    size = ImageSize(orbit.size.height * fine, orbit.size.width * fine)
    return show_mesh(mesh, dataclasses.replace(orbit, size=size), options.lighting)


def _cameras(path: Path, scene: Shown) -> tuple[Camera, ...]:
    """The cameras of a capture, in the coordinates that the scene is rendered in."""
    cameras = (photo.camera for photo in load_capture(path).photos)
    return tuple(dataclasses.replace(c, camera_to_world=scene.placed(c.camera_to_world)) for c in cameras)
