"""Scan cleaning: meshes are repaired and decimated, point clouds meshed (Kazhdan & Hoppe 2013)."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from nst3d.cameras.rigs import standing
from nst3d.errors import ConfigError, InputError
from nst3d.files import PathLike
from nst3d.formats.mesh_files import load_mesh
from nst3d.formats.point_clouds import is_cloud, load_cloud
from nst3d.integrations.open3d.package import open3d
from nst3d.pipeline.kinds.mesh.cleaning import OneMesh, as_one, from_one
from nst3d.pipeline.settings.clean import CleanOptions
from nst3d.representations.mesh import Mesh, Similarity
from nst3d.representations.neighbours import Neighbours
from nst3d.representations.points import PointCloud, estimated_normals
from nst3d.representations.rows import unique_rows
from nst3d.representations.scan_faults import MOST_FACES, ScanFaults, scan_faults, without_fins
from nst3d.tensors import Array

Note = Callable[[str], None]
_WHAT = "`clean`"
_AROUND = 30
"""Number of neighbours for estimating a point's normal; many, because scans are noisy."""
_FEWEST = 50
"""Minimum number of points of a surface."""
_THIN = 1e-6
"""Distance from a line, as a fraction of the cloud's longest side, within which points count as collinear."""
_NEAR = 8
_STRAY = 3.0
"""Ratio of a point's distance from its neighbours to theirs from their own above which it is noise."""
_SPARSE = 1.0
"""A part of the surface is trimmed if its density is this many octree levels below the median,"""
_FAR = 2.0
"""and its distance from the nearest point exceeds this multiple of that point's spacing."""


def clean_scene(path: PathLike, options: CleanOptions, note: Note) -> Mesh:
    """The cleaned mesh of a mesh file or a point cloud, in the file's own coordinates; one part.

    In a mesh, vertices at equal positions are merged, degenerate and duplicate faces are dropped, and at
    edges with more than two faces fins or otherwise the smallest faces; then it is decimated. In a point
    cloud, duplicate points and noise are dropped, and a Poisson surface is fitted to the rest, trimmed far
    from points. Colours are kept, and interpolated between vertices or points. `note` receives what was done
    and the remaining holes. Raises MissingDependencyError without Open3D, InputError for an unusable file,
    ConfigError for options that do not apply to its kind.
    """
    path = Path(path)
    package = open3d(_WHAT)
    if is_cloud(path):
        cloud = load_cloud(path)
        one, up = _meshed(package, cloud, options, note, path), cloud.up
        front = tuple(float(v) for v in standing(np.array(up)).front)
        before = None
    elif options.depth is not None:
        raise ConfigError(f"`clean.depth`: is for point clouds, and {path} is a mesh; leave it out")
    else:
        mesh = load_mesh(path)
        for text in mesh.notes:
            note(text)
        one, up, front = as_one(mesh), mesh.up, mesh.front
        if mesh.textures:
            note(f"{_WHAT} merges all parts into one mesh; textures become vertex colours")
        before = scan_faults(one.vertices, one.faces)
    one = _repaired(package, one, before, note)
    one = _decimated(package, one, options, note)
    if not len(one.faces):
        raise InputError(f"{path}: nothing is left of it after cleaning")
    note(scan_faults(one.vertices, one.faces).hole_line())
    return from_one(one, path.stem, up, (front[0], front[1], front[2]))


def _repaired(package: Any, one: OneMesh, before: ScanFaults | None, note: Note) -> OneMesh:
    mesh = _to_open3d(package, one)
    mesh.remove_duplicated_vertices()
    mesh.remove_degenerate_triangles()
    single, _ = unique_rows(np.sort(np.asarray(mesh.triangles), axis=1))  # Open3D distinguishes windings
    mesh.triangles = package.utility.Vector3iVector(np.asarray(mesh.triangles)[single])
    crowded = len(mesh.get_non_manifold_edges(allow_boundary_edges=True))
    if crowded:
        mesh.triangles = package.utility.Vector3iVector(without_fins(np.asarray(mesh.triangles)))
        mesh.remove_non_manifold_edges()
    mesh.remove_unreferenced_vertices()
    if before is not None:
        told = {
            "merged vertices": before.duplicate_vertices,
            "dropped degenerate faces": before.degenerate_faces,
            "dropped duplicate faces": before.duplicate_faces,
            "non-manifold edges removed": crowded,
            "by dropping faces": len(single) - len(mesh.triangles),
        }
        done = [f"{name}: {count}" for name, count in told.items() if count]
        note("cleaned: " + (", ".join(done) or "nothing to do"))
    return _from_open3d(mesh)


def _decimated(package: Any, one: OneMesh, options: CleanOptions, note: Note) -> OneMesh:
    target = MOST_FACES if options.faces is None else options.faces
    if not target or len(one.faces) <= target:
        return one
    fewer = _to_open3d(package, one).simplify_quadric_decimation(target)
    fewer.remove_degenerate_triangles()
    fewer.remove_unreferenced_vertices()
    note(f"decimated from {len(one.faces)} to {len(fewer.triangles)} faces")
    return _from_open3d(fewer)


def _meshed(package: Any, cloud: PointCloud, options: CleanOptions, note: Note, path: Path) -> OneMesh:
    # Survey coordinates are so large that Open3D would lose precision.
    frame = _frame(cloud.positions)
    points = _cloud(package, cloud, frame.apply(cloud.positions))
    points.remove_duplicated_points()
    unique = len(points.points)
    if unique < _FEWEST:
        raise InputError(
            f"{path}: has {unique} distinct points, a surface needs at least {_FEWEST}; paint it without {_WHAT}"
        )
    points = points.select_by_index(np.flatnonzero(~_stray(np.asarray(points.points))))
    note(
        f"cleaned: dropped duplicate points: {len(cloud) - unique}, stray points: {unique - len(points.points)}"
    )
    if _breadth(np.asarray(points.points))[1] < _THIN:
        raise InputError(f"{path}: its points lie on a line and have no surface; paint it without {_WHAT}")
    if cloud.normals is None:
        # Open3D orients normals by a Delaunay triangulation, which fails on planes and exact spheres.
        normals = estimated_normals(np.asarray(points.points), _AROUND)
        points.normals = package.utility.Vector3dVector(normals.astype(np.float64))
        note("the points have no normals: they were estimated and oriented consistently")
    depth = options.depth or _depth(np.asarray(points.points))
    # One thread: with several, the order of sums varies.
    surface, density = package.geometry.TriangleMesh.create_from_point_cloud_poisson(
        points, depth=depth, n_threads=1
    )
    density = np.asarray(density)
    thin = density < np.median(density) - _SPARSE  # flat parts of a scan may be sparse but are valid
    thin &= _far_off(np.asarray(surface.vertices), np.asarray(points.points))
    surface.remove_vertices_by_mask(thin)
    trimmed = f", without {thin.mean():.1%} that was far from any point" if thin.any() else ""
    note(f"Poisson surface at depth {depth}: {len(surface.triangles)} faces{trimmed}")
    if not len(surface.triangles):
        raise InputError(f"{path}: its points form no surface; paint it without {_WHAT}")
    one = _from_open3d(surface)
    vertices = one.vertices / frame.scale + frame.centre
    return OneMesh(vertices, one.faces, None if cloud.colours is None else one.colours)


def _frame(positions: Array) -> Similarity:
    """The similarity that moves points (n, 3) to the origin and scales their longest side to 1."""
    low, high = positions.min(0), positions.max(0)
    longest = float((high - low).max())
    return Similarity((low + high) / 2, 1 / longest if longest > 0 else 1.0)


def _breadth(positions: Array) -> Array:
    """RMS distances (3,) of points (n, 3) from their mean, along their principal axes, longest first."""
    centred = positions - positions.mean(0)
    squares = np.linalg.eigvalsh(centred.T @ centred / len(centred))[::-1]
    return np.sqrt(np.maximum(squares, 0))


def _stray(positions: Array) -> Array:
    """Mask (n,) bool of stray points, judged by their neighbours: flat parts of a scan may be sparse."""
    nearest, distance = Neighbours(positions).of(positions, _NEAR + 1)
    own = distance[:, 1:].mean(1)
    return np.asarray(own > _STRAY * np.median(own[nearest[:, 1:]], axis=1))


def _far_off(vertices: Array, positions: Array) -> Array:
    """Whether each vertex is farther from all points than nearby points are from each other, (v,) bool."""
    tree = Neighbours(positions)
    spacing = tree.of(positions, _NEAR + 1)[1][:, 1:].mean(1)
    nearest, distance = tree.of(vertices, 1)
    return np.asarray(distance[:, 0] > _FAR * spacing[nearest[:, 0]])


def _depth(positions: Array) -> int:
    """Octree depth at which cells are about as large as the points' spacing."""
    spacing = float(np.median(Neighbours(positions).of(positions, 5)[1][:, 1:].mean(1)))
    side = 1.1 * float(np.ptp(positions, axis=0).max())
    return min(max(math.ceil(math.log2(side / max(spacing, 1e-12 * side))), 5), 10)


def _cloud(package: Any, cloud: PointCloud, positions: Array) -> Any:
    vectors = package.utility.Vector3dVector
    points = package.geometry.PointCloud(vectors(positions))
    if cloud.colours is not None:
        points.colors = vectors(cloud.colours.astype(np.float64))
    if cloud.normals is not None:
        points.normals = vectors(cloud.normals.astype(np.float64))
    return points


def _to_open3d(package: Any, one: OneMesh) -> Any:
    vectors = package.utility.Vector3dVector
    mesh = package.geometry.TriangleMesh(vectors(one.vertices), package.utility.Vector3iVector(one.faces))
    if one.colours is not None:
        mesh.vertex_colors = vectors(one.colours.astype(np.float64))
    return mesh


def _from_open3d(mesh: Any) -> OneMesh:
    colours = np.asarray(mesh.vertex_colors).copy() if mesh.has_vertex_colors() else None
    return OneMesh(np.asarray(mesh.vertices).copy(), np.asarray(mesh.triangles).astype(np.int32), colours)
