"""Game voxels as triangles: the open sides, one colour a voxel."""

from __future__ import annotations

import numpy as np
import pytest

from nst3d.representations.blocks import BlockGrid
from nst3d.representations.mesh import Instance, Material, Mesh, unit_frame
from nst3d.representations.subdivide import paint_vertices, subdivide
from nst3d.representations.surface import build_surface, welded_rows
from nst3d.representations.texels import anchor_rows


def solid(x: int, y: int, z: int) -> np.ndarray:
    return np.argwhere(np.ones((x, y, z)))


def volume_and_area(part) -> tuple[float, float]:
    a, b, c = (part.vertices[part.faces[:, k]] for k in range(3))
    cross = np.cross(b - a, c - a)
    return float((a * cross).sum() / 6), float(np.linalg.norm(cross, axis=1).sum() / 2)


def mesh_of(part) -> Mesh:
    instances = (Instance(0),)
    return Mesh((part,), instances, (Material("m"),), (), unit_frame((part,), instances))


def test_one_voxel_is_a_cube_that_looks_outwards():
    part = BlockGrid(np.array([[3, 4, 5]])).part("one", 0, None)
    assert len(part.vertices) == 24
    assert len(part.faces) == 12
    assert (part.vertices.min(0) == [3, 4, 5]).all()
    assert (part.vertices.max(0) == [4, 5, 6]).all()
    assert volume_and_area(part) == (1.0, 6.0)
    assert part.num_paint_rows == 1
    assert not part.cells.any()


def test_sides_between_voxels_are_left_out():
    grid = BlockGrid(solid(3, 4, 5))
    part = grid.part("box", 0, None)
    assert grid.num_sides == 2 * (12 + 15 + 20)
    assert volume_and_area(part) == (60.0, 94.0)
    assert len(grid.shell) == 60 - 1 * 2 * 3
    assert part.num_paint_rows == len(grid.shell)


def test_any_voxels_give_a_closed_surface_of_their_volume():
    cells = np.argwhere(np.random.default_rng(0).random((7, 6, 5)) < 0.4)
    part = BlockGrid(cells + 200).part("noise", 0, None)
    volume, area = volume_and_area(part)
    assert volume == pytest.approx(len(cells), abs=1e-9)
    padded = np.pad(np.zeros((7, 6, 5), bool), 1)
    padded[tuple((cells + 1).T)] = True
    assert area == sum(int(np.diff(padded.astype(int), axis=k).astype(bool).sum()) for k in range(3))


def test_a_voxel_that_comes_twice_counts_once():
    cells = np.array([[0, 0, 0], [2, 0, 0], [0, 0, 0]])
    grid = BlockGrid(cells)
    assert grid.num_sides == 12
    assert grid.shell.tolist() == [0, 1]
    assert grid.spread(np.array([[5], [6]])).ravel().tolist() == [5, 6, 5]


def test_sides_belong_to_one_voxel_and_carry_its_colour():
    cells = solid(2, 2, 2)
    colours = np.random.default_rng(1).random((8, 3)).astype(np.float32)
    part = BlockGrid(cells).part("box", 0, colours)
    assert np.array_equal(part.colours, colours[part.cells])
    assert (part.cells[part.faces] == part.cells[part.faces[:, :1]]).all()
    offset = part.vertices - cells[part.cells]
    assert ((offset == 0) | (offset == 1)).all()


def test_voxels_inside_take_the_colour_of_the_nearest():
    cells = solid(5, 5, 9)
    grid = BlockGrid(cells)
    values = cells[grid.shell].astype(float)
    spread = grid.spread(values)
    assert np.array_equal(spread[grid.shell], values)
    # The paint of a cell inside has come by as few steps as its distance to the shell.
    steps = np.abs(spread - cells).sum(1)
    wall = np.minimum(cells, [4, 4, 8] - cells).min(1)
    assert np.array_equal(steps, wall)


def test_paint_has_one_row_a_voxel_and_keeps_sides_whole():
    grid = BlockGrid(solid(3, 3, 3))
    part = grid.part("box", 0, None)
    assert subdivide(part, 0.01) is part
    mesh = mesh_of(part)
    paint = paint_vertices(mesh, 0.001, 1_000_000)
    assert paint.num_colours == 26
    assert np.array_equal(welded_rows(paint), np.arange(26))
    surface = build_surface(mesh, paint)
    assert surface.num_colours == 26
    assert np.array_equal(surface.binding.rows, part.cells[part.faces])
    table = np.random.default_rng(2).random((26, 3))
    assert np.array_equal(paint.at_vertices(0, table), table[part.cells])


def test_sides_are_shaded_flat():
    surface = build_surface(
        mesh_of(part := BlockGrid(solid(3, 1, 1)).part("bar", 0, None)), paint_vertices(mesh_of(part), 9, 0)
    )
    a, b, c = (surface.positions[surface.faces[:, k]] for k in range(3))
    cross = np.cross(b - a, c - a)
    cross /= np.linalg.norm(cross, axis=1, keepdims=True)
    assert np.allclose(surface.normals, cross[:, None], atol=1e-6)


def test_a_voxel_is_anchored_on_its_upper_side():
    mesh = mesh_of(BlockGrid(solid(2, 2, 1)).part("plate", 0, None))
    surface = build_surface(mesh, paint_vertices(mesh, 9, 0))
    anchors = anchor_rows(surface)
    assert anchors.valid.all()
    assert np.allclose(anchors.interpolate(surface.normals), [0, 0, 1])
