"""Makes a capture of a mesh: pictures from our own renderer all around it, with their poses."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from nst3d.cameras.lens import Lens
from nst3d.cameras.orbits import Orbit
from nst3d.cameras.pinhole import Camera
from nst3d.cameras.rigs import Orientation, fibonacci_directions, framing_distance, views_from
from nst3d.files import PathLike
from nst3d.formats.captures.write import save_transforms
from nst3d.formats.mesh_files import load_mesh
from nst3d.pipeline.kinds.mesh.shown import ShownMesh, show_mesh
from nst3d.renderers.frames import draw_frame
from nst3d.renderers.shading import Lighting
from nst3d.tensors import Array, ImageSize


@dataclass(frozen=True)
class CaptureOptions:
    """Settings for photographing a mesh."""

    views: int = 40
    """Number of photographs, spread evenly around the mesh."""
    size: ImageSize = field(default=ImageSize(256, 256))
    """Size of each photograph."""
    background: tuple[float, float, float] | None = (1.0, 1.0, 1.0)
    """Background, RGB in [0, 1]; None: the photographs get alpha."""
    height: float = 0.7
    """Vertical range of the cameras: the sine of their greatest elevation."""
    field_of_view: float = math.radians(40)
    """Field of view of the shorter side, in radians."""
    lighting: Lighting = "none"
    lens: Lens | None = None
    """Lens distortion of the photographs."""


def capture_mesh(mesh: PathLike, folder: PathLike, options: CaptureOptions | None = None) -> Path:
    """Photograph a mesh file into a capture (transforms.json and PNG files); returns the path of the JSON.

    Poses are in the mesh's normalised coordinates, with centre 0 and half diagonal 1. Raises
    InputError if the mesh cannot be read, OutputError if the capture cannot be written.
    """
    options = options or CaptureOptions()
    shown = show_mesh(load_mesh(mesh), Orbit(1, options.size, field_of_view=options.field_of_view))
    cameras = around(shown, options)
    return save_transforms(folder, cameras, _photographs(shown, cameras, options), up=shown.surface.up)


def around(shown: ShownMesh, options: CaptureOptions) -> list[Camera]:
    """Cameras around a mesh at one distance, each framing it completely."""
    orientation = Orientation(shown.surface.up, shown.surface.front)
    directions = fibonacci_directions(options.views, orientation, options.height)
    distance = framing_distance(shown.hull, directions, orientation.up, options.field_of_view)
    cameras = views_from(directions, orientation.up, distance, options.size, options.field_of_view)
    return [replace(camera, lens=options.lens) for camera in cameras]


def _photographs(shown: ShownMesh, cameras: list[Camera], options: CaptureOptions) -> Iterator[Array]:
    for camera in cameras:
        image = draw_frame(shown.renderer, camera, shown.colours, options.lighting)
        colour, alpha = image[..., :3], image[..., 3:]
        if options.background is None:
            yield np.concatenate([colour / np.maximum(alpha, 1e-6), alpha], axis=-1).clip(0, 1)
        else:
            yield colour + (1 - alpha) * np.asarray(options.background, np.float32)
