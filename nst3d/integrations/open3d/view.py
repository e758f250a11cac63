"""Open3D's viewer window, and screenshots of it."""

from __future__ import annotations

import math
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from nst3d.cameras.axes import UP_AND_FRONT, Up
from nst3d.cameras.rigs import Orientation, framing_distance, standing
from nst3d.errors import ConfigError, InputError
from nst3d.files import PathLike
from nst3d.formats.mesh_files import load_mesh
from nst3d.formats.meshes.placing import placed
from nst3d.formats.splats.registry import load_splats
from nst3d.images.io import write_image
from nst3d.integrations.open3d.dress import dress
from nst3d.integrations.open3d.package import open3d
from nst3d.pipeline.kinds.radiance.hull import robust_hull
from nst3d.pipeline.kinds.registry import open_path
from nst3d.pipeline.kinds.source import RadianceSource
from nst3d.pipeline.meshing.sights import cameras_around, chosen_cameras, draw_depth_pictures
from nst3d.representations.appearance import is_bare, vertex_colours
from nst3d.representations.mesh import Mesh
from nst3d.representations.subdivide import paint_vertices
from nst3d.representations.triangles import unit
from nst3d.tensors import Array, ImageSize

_WHAT = "nst3d view"
_SEEN = 0.3
"""Minimum opacity of a splat to be shown as a point."""
_VIEWS, _SIDE = 30, 400
"""Maximum number of a field's cameras that render its points, and the longer side of their images, pixels."""
_POINT = 3.0
"""Side of a point, pixels."""
_AHEAD = (0.35, 0.25, 1.0)
"""Initial direction of the camera: right, up, front."""
_FIELD_OF_VIEW = math.radians(60)
"""Open3D's default."""


@dataclass(frozen=True)
class WindowContent:
    """The content of a window."""

    geometries: tuple[Any, ...]
    """Objects of open3d.geometry."""
    orientation: Orientation
    notes: tuple[str, ...] = ()
    """Notes for the user."""


def open_window_content(path: PathLike, up: Up = "auto") -> WindowContent:
    """A mesh with its texture or vertex colours; splats, point clouds and voxel fields as points.

    `up` is the world's up axis; auto: as the file or its format says. Raises MissingDependencyError without Open3D,
    InputError for what cannot be read or is none of these.
    """
    path = Path(path)
    look = _opened(open3d(_WHAT), path)
    if up != "auto":
        look = replace(look, orientation=Orientation(*map(np.array, UP_AND_FRONT[up])))
    corners = _corners(look)
    if not (corners[0] != corners[-1]).any():
        raise InputError(f"{path}: everything is at one point; there is nothing to show")
    return look


def _opened(package: Any, path: Path) -> WindowContent:
    opened = open_path(path)
    if opened.kind.name == "mesh":
        mesh = load_mesh(opened.peek)
        return WindowContent(
            _meshes(package, mesh), Orientation(np.array(mesh.up), np.array(mesh.front)), mesh.notes
        )
    if opened.kind.name in ("splats", "points"):
        splats = load_splats(opened.peek)
        return _points(package, splats.positions, splats.colours, splats.opacities, splats.up)
    if opened.kind.source is not None:
        return _drawn(package, path, opened.kind.source(opened))
    raise opened.refusal("view", "; expected a mesh, splats, a point cloud or a voxel field")


def show(look: WindowContent, title: str) -> None:
    """Open a window; returns when the user closes it. Raises ConfigError without a display."""
    package = open3d(_WHAT)
    window = package.visualization.Visualizer()
    if not _has_display() or not window.create_window(title, 1280, 960):
        raise ConfigError("there is no display to open a window on; save a picture: `out='picture.png'`")
    try:
        _fill(package, window, look)
        window.run()
    finally:
        window.destroy_window()


def save_picture(look: WindowContent, out: Path, size: ImageSize) -> None:
    """Save the window's initial view as PNG or JPEG, without opening the window.

    Raises ConfigError if the machine has neither a display nor EGL, OutputError if the file cannot be
    written.
    """
    package = open3d(_WHAT)
    window = package.visualization.Visualizer()
    with _runtime_folder():
        if not window.create_window(_WHAT, size.width, size.height, visible=False):
            raise ConfigError(
                "Open3D cannot render here: it needs a display or EGL (libegl1); nst3d render needs neither"
            )
        try:
            _fill(package, window, look)
            window.poll_events()
            window.update_renderer()
            pixels = np.asarray(window.capture_screen_float_buffer(True)).copy()
        finally:
            window.destroy_window()
    write_image(out, pixels)


@contextmanager
def _runtime_folder() -> Iterator[None]:
    """Give EGL a runtime folder if there is none; otherwise it prints a warning on every run."""
    if sys.platform != "linux" or "XDG_RUNTIME_DIR" in os.environ:
        yield
        return
    with tempfile.TemporaryDirectory() as folder:
        os.environ["XDG_RUNTIME_DIR"] = folder
        try:
            yield
        finally:
            del os.environ["XDG_RUNTIME_DIR"]


def _corners(look: WindowContent) -> Array:
    """Corners (8, 3) of the content's bounding box; the lowest first, the highest last."""
    lows = np.array([g.get_min_bound() for g in look.geometries])
    highs = np.array([g.get_max_bound() for g in look.geometries])
    low, high = lows.min(0), highs.max(0)
    return np.array(low + np.array(list(np.ndindex(2, 2, 2))) * (high - low))


def _fill(package: Any, window: Any, look: WindowContent) -> None:
    for geometry in look.geometries:
        window.add_geometry(geometry)
    options, camera = window.get_render_option(), window.get_view_control()
    options.background_color = np.ones(3)
    options.point_size = _POINT
    options.mesh_show_back_face = True
    options.mesh_shade_option = (
        package.visualization.MeshShadeOption.Color
    )  # Open3D's name for smooth shading
    axes, corners = look.orientation.axes(), _corners(look)
    centre, longest = corners.mean(0), float(np.ptp(corners, axis=0).max())
    front = unit(axes @ np.array(_AHEAD))
    distance = framing_distance(corners - centre, front[None], axes[:, 1], _FIELD_OF_VIEW)
    camera.set_lookat(centre)
    camera.set_front(front)
    camera.set_up(axes[:, 1])
    # At zoom 1, half the picture is as high as the box's longest side, at the box's centre.
    camera.set_zoom(distance * math.tan(_FIELD_OF_VIEW / 2) / longest)


def _has_display() -> bool:
    """Whether there is a display; without one Open3D would continue, and its window never close."""
    return sys.platform in ("win32", "darwin") or any(map(os.environ.get, ("DISPLAY", "WAYLAND_DISPLAY")))


def _drawn(package: Any, path: Path, source: RadianceSource) -> WindowContent:
    """The views of a field's cameras, or of cameras all around, as points at the pixels' depths."""
    known = source.cameras
    cameras = (
        chosen_cameras(known, _VIEWS, _SIDE) if known else cameras_around(source.space, source.up, _SIDE)
    )
    sights = draw_depth_pictures(source.renderer, cameras, source.colours, 0.0, lambda done: None)
    places, colours = [], []
    for sight in sights:
        origin, directions = sight.camera.rays()
        hit = np.isfinite(sight.depth)
        places.append(origin + directions.reshape(*sight.depth.shape, 3)[hit] * sight.depth[hit][:, None])
        colours.append(sight.colour[hit].astype(np.float32))
    points = np.concatenate(places)
    if not len(points):
        raise InputError(f"{path}: its cameras see no surface; there is nothing to show")
    return _points(package, points, np.concatenate(colours), np.ones(len(points)), source.up)


def _points(package: Any, places: Array, colours: Array, opacities: Array, up: Array) -> WindowContent:
    """The opaque points, without distant floaters, which would make everything else small."""
    orientation = standing(up)
    seen = opacities >= min(_SEEN, float(opacities.max()))
    places, colours, opacities = places[seen].astype(np.float64), colours[seen], opacities[seen]
    hull = robust_hull(places, opacities.astype(np.float64), orientation)
    near = ((places >= hull.min(0)) & (places <= hull.max(0))).all(1)
    vectors = package.utility.Vector3dVector
    cloud = package.geometry.PointCloud(vectors(places[near]))
    cloud.colors = vectors(np.clip(colours[near], 0, 1).astype(np.float64))
    return WindowContent((cloud,), orientation)


def _meshes(package: Any, mesh: Mesh) -> tuple[Any, ...]:
    """Every instance, with its texture or with vertex colours."""
    paint = paint_vertices(mesh, np.inf, 0)
    colours = vertex_colours(mesh, paint)
    bare, shown = is_bare(mesh), []
    for instance, item in zip(mesh.instances, placed(mesh, paint, colours)):
        vectors = package.utility.Vector3dVector
        made = package.geometry.TriangleMesh(
            vectors(item.vertices), package.utility.Vector3iVector(item.faces)
        )
        material = mesh.materials[mesh.parts[instance.part].material]
        dressed = False
        if material.texture is not None and item.uvs is not None:
            dressed = dress(package, made, mesh.textures[material.texture], material, item.uvs)
        if not dressed and item.colours is not None and not bare:
            made.vertex_colors = vectors(item.colours.astype(np.float64))
        made.compute_vertex_normals()  # also triangle normals, without which nothing is lit
        if item.normals is not None:
            made.vertex_normals = vectors(item.normals.astype(np.float64))
        shown.append(made)
    return tuple(shown)
