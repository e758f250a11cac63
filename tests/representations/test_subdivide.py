from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from small_meshes import cube, mesh_of, noise, quad, sphere

from nst3d.representations.mesh import Instance, Part
from nst3d.representations.subdivide import even_parts, paint_vertices, subdivide, with_middles
from nst3d.representations.triangles import face_areas


def edge_counts(part: Part) -> Counter[int]:
    """How many edges are shared by one, two, … faces."""
    pairs = np.sort(part.faces[:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2), axis=1)
    return Counter(Counter(map(tuple, pairs.tolist())).values())


def longest(part: Part) -> float:
    corners = part.vertices[part.faces]
    return float(np.linalg.norm(corners - np.roll(corners, 1, axis=1), axis=2).max())


def volume(part: Part) -> float:
    a, b, c = (part.vertices[part.faces[:, k]] for k in range(3))
    return float(np.einsum("fc,fc->", a, np.cross(b, c)) / 6)


def area(part: Part) -> float:
    return float(face_areas(part.vertices, part.faces).sum())


def flat_sided() -> Part:
    """A long thin box: its edges are cut at very different times, in every pattern."""
    return replace(cube(), vertices=cube().vertices * [5, 1.3, 0.4])


@pytest.mark.parametrize("edge", [1.7, 0.9, 0.37, 0.2])
@pytest.mark.parametrize("part", [cube(), sphere(5), flat_sided()], ids=["cube", "sphere", "box"])
def test_watertight_stays_watertight(part, edge) -> None:
    fine = subdivide(part, edge)
    assert set(edge_counts(part)) == {2}
    assert set(edge_counts(fine)) == {2}  # a T-junction would leave edges with one face
    assert longest(fine) <= edge
    assert area(fine) == pytest.approx(area(part))
    assert volume(fine) == pytest.approx(volume(part))  # all faces still wind the same way
    assert len(np.unique(fine.vertices, axis=0)) == len(fine.vertices)
    euler = len(fine.vertices) - edge_counts(fine)[2] + len(fine.faces)
    assert euler == 2
    assert face_areas(fine.vertices, fine.faces).min() > 0


def test_open_borders_stay_open() -> None:
    fine = subdivide(quad(), 0.3)
    counts = edge_counts(fine)
    assert set(counts) == {1, 2}
    ends = fine.vertices[np.abs(fine.vertices[:, :2]).max(1) == 1]
    assert counts[1] == len(ends)  # as many edges as vertices along the border


def test_old_vertices_come_first_and_short_edges_are_left_alone() -> None:
    fine = subdivide(cube(), 0.5)
    assert np.array_equal(fine.vertices[:8], cube().vertices)
    same = subdivide(cube(), 3.0)
    assert same is not None
    assert np.array_equal(same.faces, cube().faces)


def test_attributes_are_interpolated() -> None:
    """On a quad UVs, colours and normals that are linear in space stay so."""
    start = quad()
    linear = np.array([[0.3, 0.1, 0.2], [0.05, 0.25, 0.1], [0.0, 0.0, 0.0]])
    colours = (0.5 + start.vertices @ linear).astype(np.float32)
    part = replace(start, colours=colours, normals=np.tile(np.float32([0, 0, 1]), (4, 1)))
    fine = subdivide(part, 0.21)
    np.testing.assert_allclose(fine.colours, 0.5 + fine.vertices @ linear, atol=1e-6)
    assert fine.colours.dtype == np.float32
    np.testing.assert_allclose(fine.uvs, (fine.vertices[fine.faces][..., :2] + 1) / 2, atol=1e-12)
    np.testing.assert_allclose(fine.normals, np.tile([0, 0, 1], (len(fine.vertices), 1)))


def test_alpha_of_vertices_is_interpolated() -> None:
    part = replace(quad(), alphas=np.array([0, 1, 1, 0], np.float32))
    fine = subdivide(part, 0.3)
    np.testing.assert_allclose(fine.alphas, (fine.vertices[:, 0] + 1) / 2, atol=1e-6)


def test_normals_stay_unit() -> None:
    globe = replace(sphere(6), normals=sphere(6).vertices.astype(np.float32))
    fine = subdivide(globe, 0.2)
    np.testing.assert_allclose(np.linalg.norm(fine.normals, axis=1), 1, rtol=1e-5)


def test_uvs_stay_on_their_side_of_a_seam() -> None:
    """Corner UVs of a face come from that face alone, so islands do not run into each other."""
    part = cube()
    fine = subdivide(part, 0.3)
    before = uv_total(part)
    assert uv_total(fine) == pytest.approx(before)
    assert fine.uvs.shape == (len(fine.faces), 3, 2)


def uv_total(part: Part) -> float:
    a, b = part.uvs[:, 1] - part.uvs[:, 0], part.uvs[:, 2] - part.uvs[:, 0]
    return float(np.abs(a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]).sum() / 2)


def test_the_vertex_limit_holds() -> None:
    fine = subdivide(cube(), 0.01, max_vertices=500)
    assert 100 < len(fine.vertices) <= 500
    assert set(edge_counts(fine)) == {2}


def test_vertex_paint_measures_edges_where_parts_are_placed() -> None:
    large = np.diag([3.0, 3.0, 3.0, 1.0])
    mesh = mesh_of(cube(), quad(), instances=(Instance(0), Instance(0, large), Instance(1)))
    paint = paint_vertices(mesh, 0.1, 1_000_000)
    assert longest(paint.parts[0]) * 3 * mesh.frame.scale <= 0.1
    assert longest(paint.parts[0]) * 3 * mesh.frame.scale > 0.05
    assert longest(paint.parts[1]) * mesh.frame.scale <= 0.1
    assert paint.offsets == (0, len(paint.parts[0].vertices))
    assert paint.num_colours == len(paint.parts[0].vertices) + len(paint.parts[1].vertices)


def test_an_endless_edge_leaves_the_mesh_as_it_is() -> None:
    mesh = mesh_of(cube())
    assert paint_vertices(mesh, np.inf, 0).parts[0] is mesh.parts[0]


def test_deterministic() -> None:
    part = replace(cube(), vertices=cube().vertices + noise(8, 3) * 0.3)
    first, second = subdivide(part, 0.3), subdivide(part, 0.3)
    assert np.array_equal(first.faces, second.faces)
    assert np.array_equal(first.vertices, second.vertices)


def test_parts_that_meet_are_cut_to_one_length_however_many_vertices_that_takes() -> None:
    """A square of two triangles beside one with many vertices: their common border has the same middles."""
    few = quad()
    many = subdivide(replace(quad(), vertices=quad().vertices + np.array([2.0, 0, 0])), 0.5)
    mesh = mesh_of(few, many)
    for most in (100_000, 2_000, 300):
        parts, rounds = even_parts(mesh, 0.02, most)
        assert sum(len(p.vertices) for p in parts) <= most
        borders = [np.unique(p.vertices[np.isclose(p.vertices[:, 0], 1.0), 1].round(6)) for p in parts]
        assert np.array_equal(*borders)
        for part, before, own in zip(parts, mesh.parts, rounds):
            assert np.allclose(with_middles(before.vertices, own), part.vertices)
    same, none = even_parts(mesh, 0.02, 10)
    assert same is mesh.parts
    assert none == ((), ())
