from __future__ import annotations

import numpy as np
import pytest
from small_meshes import camera_at, cube, mesh_of, quad, sphere, vertex_surface

from nst3d.features.layers import stride_of
from nst3d.renderers.raycast import Raycaster
from nst3d.renderers.visibility import Points, cell_points, sample_points, sees, warp
from nst3d.representations.mesh import Part
from nst3d.representations.subdivide import paint_vertices
from nst3d.representations.surface import Surface, build_surface
from nst3d.tensors import ImageSize


def plane_with_wall() -> Surface:
    """The quad, and a wall that stands before its right half, at a height of 0.3 to 0.6 above it."""
    wall = np.array([[0.35, -1, 0.3], [0.35, 1, 0.3], [0.35, 1, 0.6], [0.35, -1, 0.6]], float)
    part = Part("wall", wall, np.array([[0, 1, 2], [0, 2, 3]], np.int32), 0)
    mesh = mesh_of(quad(), part)
    surface = build_surface(mesh, paint_vertices(mesh, np.inf, 0))
    return surface


def test_depth_and_barycentrics_of_hits() -> None:
    surface = vertex_surface(quad())
    camera = camera_at((0, 0, 2), 16, 0.6)
    hits = Raycaster(surface).view(camera, 1)
    np.testing.assert_allclose(hits.depth[hits.face >= 0], 2.0, rtol=1e-6)
    origin, directions = camera.rays()
    corners = surface.positions[surface.faces[hits.face]]
    weights = np.stack([1 - hits.u - hits.v, hits.u, hits.v], axis=-1)
    points = (weights[..., None] * corners).sum(-2)
    np.testing.assert_allclose(points, origin + directions * 2.0, atol=1e-5)


def test_points_are_spread_by_area() -> None:
    surface = vertex_surface(cube())
    points = sample_points(surface, 6000)
    face_of = np.argmax(np.abs(points.positions), axis=1)
    assert np.bincount(face_of).min() > 0.31 * 6000
    np.testing.assert_allclose(np.linalg.norm(points.normals, axis=1), 1, rtol=1e-6)
    np.testing.assert_allclose(
        np.einsum("nc,nc->n", points.positions, points.normals), 3**-0.5, rtol=1e-5
    )  # outward, at the sides' distance
    again = sample_points(surface, 6000)
    assert np.array_equal(points.positions, again.positions)


def test_a_camera_sees_the_near_side_of_a_cube_only() -> None:
    surface = vertex_surface(cube())
    points = sample_points(surface, 2000)
    seen = sees(Raycaster(surface), camera_at((0, 0, 4), 64, 0.9), points)
    assert np.array_equal(seen, points.normals[:, 2] > 0.9)


def test_outside_the_frame_behind_and_edge_on_is_not_seen() -> None:
    surface = vertex_surface(quad())
    caster = Raycaster(surface)
    points = Points(np.array([[0.0, 0, 0], [0.6, 0, 0]]), np.array([[0.0, 0, 1]] * 2))
    assert sees(caster, camera_at((0, 0, 2), 32, 0.4), points).tolist() == [True, False]
    assert sees(caster, camera_at((0, 0, -2), 32, 0.4), points).tolist() == [True, False]  # two sides
    assert sees(caster, camera_at((2, 0, 0.05), 32, 1.5), points).tolist() == [False, False]


@pytest.mark.parametrize("cell", [1, 4, 8, 5])
def test_correspondences_on_a_plane_are_exact(cell) -> None:
    surface = vertex_surface(quad())
    caster = Raycaster(surface)
    camera, partner = camera_at((0.3, 0.2, 2), 32, 0.5), camera_at((-0.8, 0.5, 1.6), ImageSize(40, 48), 1.2)
    cells = cell_points(surface, caster, camera, cell)
    assert (cells.face >= 0).all()
    grid, valid = warp(caster, cells, partner)
    assert valid.all()
    # Where each cell's centre meets the plane z = 0, by hand.
    steps = (np.arange(32 // cell) + 0.5) * cell
    x, y = np.meshgrid(steps, steps)
    local = np.stack([(x - 16) / camera.focal, (y - 16) / camera.focal, np.ones_like(x)], axis=-1)
    directions = local @ camera.camera_to_world[:3, :3].T
    points = camera.position - directions * (camera.position[2] / directions[..., 2:])
    pixels, _ = partner.project(points.reshape(-1, 3))
    filled = np.array([48, 40]) // cell * cell  # what the partner's own cells fill
    expected = pixels.reshape(*x.shape, 2) / filled * 2 - 1
    np.testing.assert_allclose(grid, expected, atol=1e-5)


def test_a_view_corresponds_to_itself() -> None:
    surface = vertex_surface(sphere(12))
    caster, camera = Raycaster(surface), camera_at((1, 1, 3), 32)
    cells = cell_points(surface, caster, camera, 4)
    grid, valid = warp(caster, cells, camera)
    centres = (np.arange(8) + 0.5) / 4 - 1
    x, y = np.meshgrid(centres, centres)
    hit = cells.face >= 0
    np.testing.assert_allclose(grid[hit], np.stack([x, y], axis=-1)[hit], atol=1e-5)
    assert not valid[~hit].any()
    assert valid[hit].mean() > 0.9  # all but what is seen too flat


def test_correspondences_on_a_sphere_meet_at_the_same_point() -> None:
    surface = vertex_surface(sphere(24))
    caster = Raycaster(surface)
    camera, partner = camera_at((0.5, 1, 3), 48), camera_at((-1.5, 0.4, 2.5), 48)
    cells = cell_points(surface, caster, camera, 2)
    grid, valid = warp(caster, cells, partner)
    back = cell_points(surface, caster, partner, 1)
    pixel = np.floor((grid[valid] + 1) * 24).astype(int)
    met = back.positions[pixel[:, 1], pixel[:, 0]]
    hit = back.face[pixel[:, 1], pixel[:, 0]] >= 0  # not where a pixel's centre just misses the rim
    assert valid.sum() > 50
    assert hit.mean() > 0.9
    gap = np.linalg.norm(met - cells.positions[valid], axis=1)[hit]
    assert gap.max() < 0.2  # a pixel of 0.06, seen aslant
    assert np.median(gap) < 0.05


def test_a_wall_hides_what_lies_behind_it() -> None:
    surface = plane_with_wall()
    caster = Raycaster(surface)
    above, aside = camera_at((0, 0, 4), 64, 0.6), camera_at((4, 0, 2.2), 64, 0.6)
    cells = cell_points(surface, caster, above, 2)
    _, valid = warp(caster, cells, aside)
    on_plane = (cells.face >= 0) & (cells.face < 2)
    eye = aside.position
    wall = surface.positions[surface.faces[2:]].reshape(-1, 3)
    x, low, high = wall[0, 0], wall[:, 2].min(), wall[:, 2].max()
    share = (x - cells.positions[..., 0]) / (eye[0] - cells.positions[..., 0])
    height = cells.positions[..., 2] + share * (eye[2] - cells.positions[..., 2])
    hidden = (share > 0) & (height > low) & (height < high)
    margin = 0.02
    clear = (np.abs(height - low) > margin) & (np.abs(height - high) > margin)
    assert (hidden & on_plane & clear).sum() > 50
    assert not valid[hidden & on_plane & clear].any()
    assert valid[~hidden & on_plane & clear].all()


@pytest.mark.parametrize("side", [32, 50, 75, 108])
@pytest.mark.parametrize("layer", ["relu1_1", "relu3_1", "relu4_1"])
def test_cells_are_as_many_as_an_encoder_has_positions(side, layer) -> None:
    """Pools round down, whatever the image's size."""
    surface = vertex_surface(quad())
    cells = cell_points(surface, Raycaster(surface), camera_at((0, 0, 2), side), stride_of(layer))
    assert cells.face.shape == (side // stride_of(layer), side // stride_of(layer))
