from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import pytest
from small_meshes import cube, mesh_of, quad, sphere, texel_surface, texture_paint, vertex_surface

from nst3d.representations.mesh import Instance, Material, placed_points
from nst3d.representations.paint import VertexPaint
from nst3d.representations.subdivide import paint_vertices
from nst3d.representations.surface import (
    TexelBinding,
    VertexBinding,
    build_surface,
    rows_of_parts,
    weld,
    welded_rows,
)
from nst3d.tensors import ImageSize


def split(part):
    """The part with three vertices of its own for each face."""
    return replace(
        part,
        vertices=part.vertices[part.faces].reshape(-1, 3),
        faces=np.arange(3 * len(part.faces), dtype=np.int32).reshape(-1, 3),
    )


def test_weld_groups_equal_positions() -> None:
    vertices = np.array([[0, 0, 0], [1, 0, 0], [-0.0, 0, 0], [1, 0, 1e-12], [1, 0, 0]])
    first, group = weld(vertices)
    assert np.array_equal(first[group], [0, 1, 0, 3, 1])


def test_weld_needs_no_contiguous_array() -> None:
    vertices = np.asfortranarray(np.array([[0.0, 1, 2], [0, 1, 2], [3, 1, 2]]))
    first, group = weld(vertices)
    assert np.array_equal(first[group], [0, 0, 2])


def test_split_vertices_read_one_row() -> None:
    mesh = mesh_of(split(cube()))
    paint = paint_vertices(mesh, np.inf, 10_000)
    rows = welded_rows(paint)
    assert len(np.unique(rows)) == 8
    assert np.array_equal(mesh.parts[0].vertices[rows], mesh.parts[0].vertices)
    binding = build_surface(mesh, paint).binding
    assert isinstance(binding, VertexBinding)
    assert len(np.unique(binding.rows)) == 8


def test_parts_do_not_share_rows_even_where_they_touch() -> None:
    mesh = mesh_of(quad(), quad())
    paint = paint_vertices(mesh, np.inf, 10_000)
    rows = welded_rows(paint)
    assert np.array_equal(rows, np.arange(8))
    assert paint.offsets == (0, 4)


def test_the_placed_surface_fits_the_unit_sphere() -> None:
    away = np.diag([2.0, 3.0, 1.0, 1.0])
    away[:3, 3] = [5, -1, 2]
    mesh = mesh_of(cube(), instances=(Instance(0), Instance(0, away)))
    surface = build_surface(mesh, texture_paint(mesh, ImageSize(8, 8)))
    low, high = surface.positions.min(0), surface.positions.max(0)
    np.testing.assert_allclose(low, -high, atol=1e-6)
    assert np.linalg.norm(high) == pytest.approx(1, rel=1e-6)
    assert len(surface.faces) == 24
    assert surface.num_colours == 64
    assert np.array_equal(surface.local_face, np.tile(np.arange(12), 2))
    first, second = surface.positions[:8].astype(float), surface.positions[8:].astype(float)
    expected = (mesh.parts[0].vertices @ away[:3, :3].T + away[:3, 3] - mesh.frame.centre) * mesh.frame.scale
    np.testing.assert_allclose(second, expected, atol=1e-6)
    assert np.ptp(second[:, 1]) == pytest.approx(3 * np.ptp(first[:, 1]))


def test_areas() -> None:
    surface = vertex_surface(cube())
    np.testing.assert_allclose(surface.areas(), 2 / 3, rtol=1e-6)  # a side of 2/√3


def test_normals_are_smooth_on_a_sphere() -> None:
    globe = vertex_surface(sphere(16))
    corners = globe.positions[globe.faces]
    outward = corners / np.linalg.norm(corners, axis=-1, keepdims=True)
    assert np.einsum("fkc,fkc->fk", globe.normals, outward).min() > 0.98


@pytest.mark.parametrize("edge", [np.inf, 0.2])
def test_normals_are_flat_at_creases(edge) -> None:
    """Right angles are creases, at a box' corners and along its edges, however its sides are cut."""
    box = vertex_surface(cube(), edge)
    corners = box.positions[box.faces]
    flat = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    flat /= np.linalg.norm(flat, axis=1, keepdims=True)
    np.testing.assert_allclose(box.normals, np.repeat(flat[:, None], 3, axis=1), atol=1e-6)


def test_normals_do_not_depend_on_how_vertices_are_split() -> None:
    np.testing.assert_allclose(
        vertex_surface(split(sphere())).normals, vertex_surface(sphere()).normals, atol=1e-6
    )


def test_the_files_own_normals_are_kept() -> None:
    own = np.tile(np.array([0.6, 0.0, 0.8], np.float32), (4, 1))
    surface = vertex_surface(quad(normals=own))
    np.testing.assert_allclose(surface.normals, np.broadcast_to(own[0], (2, 3, 3)), atol=1e-6)


@pytest.mark.parametrize("flip", [1.0, -1.0])
def test_normals_turn_with_their_instance(flip) -> None:
    """A sheared, stretched, mirrored placement: normals stay perpendicular, and outside."""
    transform = np.eye(4)
    transform[:3, :3] = np.array([[2.0, 0.5, 0], [0, 1.0, 0.3], [0, 0, 0.5 * flip]])
    part = sphere(16)
    part = replace(part, normals=part.vertices.astype(np.float32))
    mesh = mesh_of(part, instances=(Instance(0, transform),))
    surface = build_surface(mesh, texture_paint(mesh, ImageSize(8, 8)))
    corners = surface.positions[surface.faces].astype(float)
    flat = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    flat /= np.linalg.norm(flat, axis=1, keepdims=True)
    centre = corners.mean(1)
    flat *= np.sign(np.einsum("fc,fc->f", flat, centre))[:, None]
    np.testing.assert_allclose(np.linalg.norm(surface.normals, axis=-1), 1, rtol=1e-5)
    assert np.einsum("fkc,fc->fk", surface.normals, flat).min() > 0.8


def test_degenerate_faces_still_have_unit_normals() -> None:
    part = quad()
    part.faces[1] = [0, 0, 2]
    np.testing.assert_allclose(np.linalg.norm(vertex_surface(part).normals, axis=-1), 1, rtol=1e-6)


def test_texel_binding_follows_parts_and_slots() -> None:
    surface = texel_surface(cube(), ImageSize(4, 6), ("clamp", "mirror"))
    assert isinstance(surface.binding, TexelBinding)
    assert surface.binding.slots.tolist() == [[0, 4, 6, 1, 2]]
    assert surface.binding.slot.tolist() == [0] * 12
    np.testing.assert_allclose(surface.binding.corners, cube().uvs, atol=1e-7)
    assert surface.num_colours == 24


def test_vertex_paint_counts_its_rows() -> None:
    paint = VertexPaint((quad(), cube()), (0, 4))
    assert paint.num_colours == 12


def test_the_points_to_frame_hold_a_thin_spire() -> None:
    part = sphere(40)
    vertices = part.vertices.copy()
    spire = len(vertices) // 3 | 1
    vertices[spire] *= 3
    surface = vertex_surface(replace(part, vertices=vertices))
    few = surface.hull(len(vertices) // 10)
    assert len(few) < len(vertices) / 5
    np.testing.assert_allclose(
        np.linalg.norm(few, axis=1).max(), np.linalg.norm(surface.positions, axis=1).max()
    )
    assert np.array_equal(surface.hull(10**6), surface.positions)


def test_single_sided_sheets_back_to_back_have_normals_of_their_own() -> None:
    bent = quad(uvs=None)
    heights = np.array([[0, 0, 0.1], [0, 0, 0], [0, 0, 0.1], [0, 0, 0]])
    bent = replace(bent, vertices=bent.vertices + heights, uvs=None)
    faces = np.concatenate([bent.faces, bent.faces[:, ::-1]])
    both = mesh_of(replace(bent, faces=faces), materials=(Material("sheet", double_sided=False),))
    alone = mesh_of(bent, materials=(Material("sheet", double_sided=False),))
    normals = build_surface(both, paint_vertices(both, np.inf, 0)).normals
    front = build_surface(alone, paint_vertices(alone, np.inf, 0)).normals
    np.testing.assert_allclose(normals[:2], front, atol=1e-6)
    np.testing.assert_allclose(normals[2:], -front[:, ::-1], atol=1e-6)


def test_rows_of_parts() -> None:
    part = np.array([2, 0, 2, 3, 0], np.int32)
    assert [rows.tolist() for rows in rows_of_parts(part, 5)] == [[1, 4], [], [0, 2], [3], []]


def test_thousands_of_instances_are_placed_in_a_moment() -> None:
    turns = np.eye(4) * np.linspace(0.5, 1.5, 4000)[:, None, None]
    mesh = mesh_of(cube(), instances=tuple(Instance(0, turn) for turn in turns))
    began = time.process_time()
    surface = build_surface(mesh, paint_vertices(mesh, np.inf, 0))
    assert time.process_time() - began < 1.0
    assert len(surface.faces) == 4000 * 12
    last = mesh.frame.apply(placed_points(mesh.parts[0], mesh.instances[-1]))
    np.testing.assert_allclose(surface.positions[-len(last) :], last, atol=1e-6)
