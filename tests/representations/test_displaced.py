"""Points of a mesh welded, moved, and written back into its parts with new normals."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from small_meshes import cube, mesh_of, quad, sphere

from nst3d.representations.displaced import displaced, weld_mesh
from nst3d.representations.mesh import Instance, Part
from nst3d.representations.subdivide import paint_vertices
from nst3d.representations.surface import build_surface
from nst3d.representations.triangles import face_normals


def welded_of(mesh):
    return weld_mesh(mesh, build_surface(mesh, paint_vertices(mesh, np.inf, 0)))


def halves() -> tuple[Part, Part]:
    """A square cut in two parts along its diagonal, each with its own vertices."""
    vertices = np.array([[-1, -1, 0], [1, -1, 0], [1, 1, 0], [-1, 1, 0]], float)
    faces = np.array([[0, 1, 2]], np.int32)
    return Part("a", vertices[[0, 1, 2]], faces, 0), Part("b", vertices[[0, 2, 3]], faces, 0)


def test_seams_between_parts_and_between_split_vertices_stay_closed() -> None:
    mesh = mesh_of(*halves())
    welded = welded_of(mesh)
    assert len(welded.positions) == welded.num_offsets == 4
    offsets = np.random.default_rng(0).normal(size=(4, 3)) * 0.1
    moved = displaced(mesh, welded, offsets)
    a, b = (p.vertices for p in moved.parts)
    assert np.array_equal(a[[0, 2]], b[[0, 1]])
    assert not np.array_equal(a[0], mesh.parts[0].vertices[0])
    assert moved.document is None


def test_offsets_of_zero_change_no_vertex() -> None:
    mesh = mesh_of(sphere(8), quad())
    welded = welded_of(mesh)
    moved = displaced(mesh, welded, np.zeros((welded.num_offsets, 3)))
    assert all(np.array_equal(a.vertices, b.vertices) for a, b in zip(moved.parts, mesh.parts))
    assert np.allclose(moved.frame.centre, mesh.frame.centre)


def test_offsets_are_in_the_unit_sphere_and_follow_a_part_s_place() -> None:
    turn = np.array([[0, -3.0, 0, 5], [3.0, 0, 0, 0], [0, 0, 3.0, 0], [0, 0, 0, 1]])
    mesh = mesh_of(quad(), instances=(Instance(0, turn),))
    welded = welded_of(mesh)
    assert np.abs(welded.positions).max() <= 1 + 1e-9
    moved = displaced(mesh, welded, np.tile([0.1, 0, 0], (welded.num_offsets, 1)))
    step = (moved.parts[0].vertices - mesh.parts[0].vertices) @ turn[:3, :3].T * mesh.frame.scale
    assert np.allclose(step, [0.1, 0, 0])


def test_copies_of_a_part_move_alike_each_in_its_own_direction() -> None:
    left, right = np.eye(4), np.eye(4)
    right[:3, :3] = [[0, 0, 1], [0, 1, 0], [-1, 0, 0]]
    right[:3, 3] = [4, 0, 0]
    mesh = mesh_of(quad(), instances=(Instance(0, left), Instance(0, right)))
    welded = welded_of(mesh)
    assert (len(welded.positions), welded.num_offsets) == (8, 4)
    along = np.zeros((4, 3))
    along[:, 2] = 0.1
    points = np.einsum("sij,sj->si", welded.linear, along[welded.row])
    assert np.allclose(points[:4], [0, 0, 0.1])
    assert np.allclose(points[4:], [0.1, 0, 0])
    moved = displaced(mesh, welded, along)
    assert np.allclose(moved.parts[0].vertices[:, 2] * mesh.frame.scale, 0.1)


@pytest.mark.parametrize("sign", [1, -1])
def test_normals_are_those_of_the_new_shape(sign) -> None:
    """A tilted sheet; the file's normals may look against the winding, and then go on to."""
    part = quad(normals=np.tile(np.float32([0, 0, sign]), (4, 1)))
    mesh = mesh_of(part)
    welded = welded_of(mesh)
    offsets = np.zeros((4, 3))
    offsets[:, 2] = welded.positions[:, 0]  # 45 degrees
    moved = displaced(mesh, welded, offsets)
    assert np.allclose(moved.parts[0].normals, np.array([-1, 0, 1]) * np.sqrt(0.5) * sign, atol=1e-6)
    flat = face_normals(moved.parts[0].vertices[part.faces])
    assert np.allclose(np.abs((flat * moved.parts[0].normals[part.faces[:, 0]]).sum(1)), 1, atol=1e-6)


def test_parts_without_normals_get_them_and_are_split_at_creases() -> None:
    mesh = mesh_of(sphere(8), cube())
    welded = welded_of(mesh)
    moved = displaced(mesh, welded, np.zeros((welded.num_offsets, 3)))
    ball = moved.parts[0]
    assert np.abs((ball.normals * ball.vertices).sum(1) - 1).max() < 0.05
    box = moved.parts[1]
    assert len(box.vertices) == 24
    assert np.array_equal(box.vertices[box.faces], mesh.parts[1].vertices[mesh.parts[1].faces])
    assert np.allclose(box.normals[box.faces], face_normals(box.vertices[box.faces])[:, None], atol=1e-6)
    whole = displaced(mesh, welded, np.zeros((welded.num_offsets, 3)), split=False)
    assert len(whole.parts[1].vertices) == 8
    assert whole.parts[1].normals is None


def test_alpha_of_vertices_stays_with_its_corners_where_creases_split_them() -> None:
    alphas = np.linspace(0, 1, 8).astype(np.float32)
    mesh = mesh_of(replace(cube(), alphas=alphas))
    welded = welded_of(mesh)
    (part,) = displaced(mesh, welded, np.zeros((welded.num_offsets, 3))).parts
    assert len(part.vertices) == 24
    np.testing.assert_array_equal(part.alphas[part.faces], alphas[cube().faces])
