"""Open3D's window, and pictures of what it shows."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from nst3d.cameras.rigs import Orientation, standing
from nst3d.errors import ConfigError, InputError
from nst3d.formats.dispatch import load_mesh
from nst3d.formats.placing import placed
from nst3d.formats.scene import capture_comes_first, kind_of
from nst3d.formats.splats import load_splats
from nst3d.images.colour import srgb_decode, srgb_encode
from nst3d.images.io import to_bytes, write_image
from nst3d.integrations.open3d.package import open3d
from nst3d.pipeline.radiance_source import load_radiance
from nst3d.pipeline.shown_radiance import robust_hull
from nst3d.pipeline.sights import cameras_around, chosen_cameras, draw_sights
from nst3d.representations.appearance import base_colours, is_bare
from nst3d.representations.mesh import Mesh, Texture
from nst3d.representations.subdivide import paint_vertices
from nst3d.representations.surface import build_surface
from nst3d.representations.texels import anchor_rows
from nst3d.tensors import Array, ImageSize

_WHAT = "nst3d view"
_SEEN = 0.3
"""Opacity from which a splat is shown as a point."""
_VIEWS, _SIDE = 30, 400
"""At most so many of a field's cameras see its points; the longer side of their pictures, pixels."""
_POINT = 3.0
"""Side of a point, pixels."""
_AHEAD = (0.35, 0.25, 1.0)
"""From where one looks first: right, up, front."""
_ZOOM = 0.85


@dataclass(frozen=True)
class Look:
    """What is shown."""

    geometries: tuple[Any, ...]
    """Of open3d.geometry."""
    orientation: Orientation
    notes: tuple[str, ...] = ()
    """What the user should know."""


def open_look(path: Path) -> Look:
    """A mesh with its texture or vertex colours; splats, point clouds and voxel fields as points.

    Raises MissingDependencyError without Open3D, InputError for what cannot be read or is none of these.
    """
    package = open3d(_WHAT)
    kind = kind_of(path)
    if kind == "capture":
        raise capture_comes_first(path)
    if kind == "mesh":
        mesh = load_mesh(path)
        return Look(_meshes(package, mesh), Orientation(np.array(mesh.up), np.array(mesh.front)), mesh.notes)
    if kind == "splats":
        splats = load_splats(path)
        return _points(package, splats.positions, splats.colours, splats.opacities, splats.up)
    if kind == "field":
        return _drawn(package, path)
    raise InputError(f"{path}: is a {kind}; expected a mesh, splats, a point cloud or a voxel field")


def show(look: Look, title: str) -> None:
    """Open a window; returns when the user closes it. Raises ConfigError where there is no display."""
    package = open3d(_WHAT)
    window = package.visualization.Visualizer()
    if not _has_display() or not window.create_window(title, 1280, 960):
        raise ConfigError("there is no display to open a window on; save a picture: --out picture.png")
    try:
        _fill(package, window, look)
        window.run()
    finally:
        window.destroy_window()


def save_picture(look: Look, out: Path, size: ImageSize) -> None:
    """Draw what the window would first show, without one, as PNG or JPEG.

    Raises ConfigError where the machine can draw no picture: it needs a display or EGL. OutputError if the file
    cannot be written.
    """
    package = open3d(_WHAT)
    window = package.visualization.Visualizer()
    if not window.create_window(_WHAT, size.width, size.height, visible=False):
        raise ConfigError(
            "Open3D can draw no picture here: it needs a display, or EGL (libegl1); nst3d render needs neither"
        )
    try:
        _fill(package, window, look)
        window.poll_events()
        window.update_renderer()
        pixels = np.asarray(window.capture_screen_float_buffer(True)).copy()
    finally:
        window.destroy_window()
    write_image(out, pixels)


def _fill(package: Any, window: Any, look: Look) -> None:
    for geometry in look.geometries:
        window.add_geometry(geometry)
    options, camera = window.get_render_option(), window.get_view_control()
    options.background_color = np.ones(3)
    options.point_size = _POINT
    options.mesh_show_back_face = True
    options.mesh_shade_option = (
        package.visualization.MeshShadeOption.Color
    )  # Open3D's name for smooth shading
    axes = look.orientation.axes()
    box = package.geometry.AxisAlignedBoundingBox()
    for geometry in look.geometries:
        box += geometry.get_axis_aligned_bounding_box()
    camera.set_lookat(box.get_center())
    camera.set_front(axes @ np.array(_AHEAD))
    camera.set_up(axes[:, 1])
    camera.set_zoom(_ZOOM)


def _has_display() -> bool:
    """Open3D would go on without one, and its window would never close."""
    return sys.platform in ("win32", "darwin") or any(map(os.environ.get, ("DISPLAY", "WAYLAND_DISPLAY")))


def _drawn(package: Any, path: Path) -> Look:
    """What a field's cameras see, or cameras all around, as points at the depths of the pixels."""
    source = load_radiance(path)
    known = source.cameras
    cameras = (
        chosen_cameras(known, _VIEWS, _SIDE) if known else cameras_around(source.space, source.up, _SIDE)
    )
    sights = draw_sights(source.renderer, cameras, source.colours, 0.0, lambda done: None)
    places, colours = [], []
    for sight in sights:
        origin, directions = sight.camera.rays()
        hit = np.isfinite(sight.depth)
        places.append(origin + directions.reshape(*sight.depth.shape, 3)[hit] * sight.depth[hit][:, None])
        colours.append(sight.colour[hit].astype(np.float32))
    points = np.concatenate(places)
    if not len(points):
        raise InputError(f"{path}: its cameras see no surface in it; nothing to show")
    return _points(package, points, np.concatenate(colours), np.ones(len(points)), source.up)


def _points(package: Any, places: Array, colours: Array, opacities: Array, up: Array) -> Look:
    """The opaque ones, without floaters' far ends, which would make all else small."""
    orientation = standing(up)
    seen = opacities >= min(_SEEN, float(opacities.max()))
    places, colours, opacities = places[seen].astype(np.float64), colours[seen], opacities[seen]
    hull = robust_hull(places, opacities.astype(np.float64), orientation)
    near = ((places >= hull.min(0)) & (places <= hull.max(0))).all(1)
    vectors = package.utility.Vector3dVector
    cloud = package.geometry.PointCloud(vectors(places[near]))
    cloud.colors = vectors(np.clip(colours[near], 0, 1).astype(np.float64))
    return Look((cloud,), orientation)


def _meshes(package: Any, mesh: Mesh) -> tuple[Any, ...]:
    """Every instance: with its texture, or with colours at its vertices."""
    paint = paint_vertices(mesh, np.inf, 0)
    surface = build_surface(mesh, paint)
    colours = base_colours(mesh, paint, surface, anchor_rows(surface))
    bare, shown = is_bare(mesh), []
    for instance, item in zip(mesh.instances, placed(mesh, paint, colours)):
        vectors = package.utility.Vector3dVector
        made = package.geometry.TriangleMesh(
            vectors(item.vertices), package.utility.Vector3iVector(item.faces)
        )
        material = mesh.materials[mesh.parts[instance.part].material]
        if material.texture is not None and item.uvs is not None:
            _dress(package, made, mesh.textures[material.texture], material.factor, item.uvs)
        elif item.colours is not None and not bare:
            made.vertex_colors = vectors(item.colours.astype(np.float64))
        made.compute_vertex_normals()  # and those of triangles, without which nothing is lit
        if item.normals is not None:
            made.vertex_normals = vectors(item.normals.astype(np.float64))
        shown.append(made)
    return tuple(shown)


def _dress(package: Any, made: Any, texture: Texture, factor: tuple[float, float, float], uvs: Array) -> None:
    # OpenGL has the first row of a texture at the bottom.
    linear = srgb_decode(texture.pixels[::-1].astype(np.float64)) * srgb_decode(np.asarray(factor))
    pixels = np.ascontiguousarray(to_bytes(srgb_encode(linear)))
    made.triangle_uvs = package.utility.Vector2dVector(uvs.reshape(-1, 2).astype(np.float64))
    made.textures = [package.geometry.Image(pixels)]
    made.triangle_material_ids = package.utility.IntVector(np.zeros(len(uvs), np.int32))
