"""Repair: what is dropped, what is said, and what is left alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from nst3d.errors import InputError
from nst3d.representations.diagnose import contents, problems
from nst3d.representations.mesh import Instance, Material, Mesh, Part, Similarity
from nst3d.representations.repair import degenerate_faces, first_faces, repaired
from nst3d.representations.rows import unique_rows, used_rows

CUBE = np.asarray([[x, y, z] for x in (0, 1) for y in (0, 1) for z in (0, 1)], np.float64)
SIDES = np.asarray(
    [
        [0, 1, 3],
        [0, 3, 2],
        [4, 6, 7],
        [4, 7, 5],
        [0, 4, 5],
        [0, 5, 1],
        [2, 3, 7],
        [2, 7, 6],
        [0, 2, 6],
        [0, 6, 4],
        [1, 5, 7],
        [1, 7, 3],
    ],
    np.int32,
)


def mesh_of(*parts: Part) -> Mesh:
    instances = tuple(Instance(k) for k in range(len(parts)))
    return Mesh(parts, instances, (Material("m"),), (), Similarity(np.zeros(3), 1.0))


def cube(**changes: object) -> Part:
    return replace(Part("cube", CUBE, SIDES, 0), **changes)


def test_a_sound_mesh_stays_as_it_is() -> None:
    mesh = repaired(mesh_of(cube()), "a.obj")
    assert mesh.notes == ()
    assert mesh.parts[0].vertices is CUBE
    np.testing.assert_array_equal(mesh.frame.centre, [0.5, 0.5, 0.5])
    assert mesh.frame.scale == pytest.approx(2 / np.sqrt(3))
    assert not [line for line in problems(mesh) if "edges" in line or "inwards" in line]


def test_degenerate_and_duplicate_faces_go_and_uvs_stay_aligned() -> None:
    bad = np.asarray([[0, 0, 1], [1, 3, 0], [2, 3, 2]], np.int32)
    faces = np.concatenate([bad[:1], SIDES, bad[1:]])
    uvs = np.arange(len(faces) * 6, dtype=np.float64).reshape(-1, 3, 2)
    mesh = repaired(mesh_of(cube(faces=faces, uvs=uvs)), "a.obj")
    np.testing.assert_array_equal(mesh.parts[0].faces, SIDES)
    np.testing.assert_array_equal(mesh.parts[0].uvs, uvs[1:-2])
    assert mesh.notes == ("dropped degenerate faces (no area): 2", "dropped duplicate faces: 1")


@pytest.mark.parametrize("scale", [1e-12, 1e-6, 1.0, 1e9])
def test_degenerate_is_relative_to_size(scale: float) -> None:
    vertices = np.asarray([[0, 0, 0], [1, 0, 0], [1, 1e-6, 0], [2, 0, 0], [1, 0, 0]]) * scale
    faces = np.asarray([[0, 1, 2], [0, 1, 3], [1, 4, 2]])
    np.testing.assert_array_equal(degenerate_faces(vertices, faces), [False, True, True])


def test_a_face_seen_from_behind_is_no_duplicate() -> None:
    faces = np.asarray([[0, 1, 2], [2, 1, 0], [1, 2, 0], [0, 1, 2]])
    np.testing.assert_array_equal(first_faces(faces), [True, True, False, False])


@pytest.mark.parametrize("value", [np.nan, np.inf, -1e31])
def test_few_broken_vertices_lose_their_faces_many_are_an_error(value: float) -> None:
    many = np.tile(CUBE, (60, 1)) + np.repeat(np.arange(60), 8)[:, None] * 2.0
    faces = np.concatenate([SIDES + 8 * k for k in range(60)])
    vertices = np.concatenate([many, [[value] * 3]])
    assert repaired(mesh_of(Part("a", vertices, faces, 0)), "a.obj").num_faces == 720
    vertices[1] = value
    mesh = repaired(mesh_of(Part("a", vertices, faces, 0)), "a.obj")
    assert mesh.num_faces == 716
    assert mesh.notes == ("dropped faces whose vertices are not finite numbers: 4",)
    assert np.isfinite(mesh.parts[0].vertices).all()
    broken = np.where(np.arange(8)[:, None] == 0, value, CUBE)
    with pytest.raises(InputError, match=r"a\.obj: 6 of 12 faces use vertices that are not finite"):
        repaired(mesh_of(cube(vertices=broken)), "a.obj")


def test_parts_without_faces_go_with_their_instances() -> None:
    empty = Part("empty", CUBE, SIDES[:1, [0, 0, 1]], 0)
    mesh = mesh_of(empty, cube())
    mesh = repaired(replace(mesh, instances=(*mesh.instances, Instance(1, name="again"))), "a.obj")
    assert [p.name for p in mesh.parts] == ["cube"]
    assert [i.part for i in mesh.instances] == [0, 0]
    with pytest.raises(InputError, match="no faces"):
        repaired(mesh_of(empty), "a.obj")


def test_uvs_and_colours_that_are_not_numbers() -> None:
    uvs = np.ones((12, 3, 2))
    uvs[3, 1, 0] = np.nan
    colours = np.ones((8, 3), np.float32)
    colours[2, 1] = np.inf
    mesh = repaired(mesh_of(cube(uvs=uvs, colours=colours)), "a.obj")
    np.testing.assert_array_equal(mesh.parts[0].uvs[3], 0)
    np.testing.assert_array_equal(mesh.parts[0].colours[2], 0.5)
    assert mesh.parts[0].uvs.sum() == 66
    assert mesh.notes == (
        "faces without usable UVs, set to (0, 0): 1",
        "vertices without a usable colour, set to mid grey: 1",
    )


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        (cube(faces=SIDES[:-1]), "without thickness): 3"),
        (
            cube(faces=np.concatenate([SIDES, [[0, 1, 6]]]).astype(np.int32)),
            "non-manifold edges (more than two faces meet): 2",
        ),
        (cube(faces=SIDES[:, ::-1]), "most faces point inwards"),
        (cube(faces=SIDES[:-2, ::-1]), "most faces point inwards"),
        (cube(vertices=CUBE * 1e-7), "the coordinates are tiny"),
        (cube(vertices=CUBE * 1e7), "the coordinates are huge"),
        (cube(vertices=CUBE + 1e5), "from the origin"),
        (cube(uvs=np.full((12, 3, 2), 1.5)), "12 of 12 reach outside [0, 1]"),
        (cube(uvs=np.zeros((12, 3, 2))), "12 of 12 have no area"),
    ],
)
def test_diagnosis_finds(part: Part, expected: str) -> None:
    mesh = repaired(mesh_of(part), "a.obj")
    assert any(expected in line for line in (*contents(mesh), *problems(mesh)))
    sound = repaired(mesh_of(cube(uvs=np.random.default_rng(0).random((12, 3, 2)))), "a.obj")
    assert not any(expected in line for line in (*contents(sound), *problems(sound)))


def test_parts_that_meet_leave_no_open_edges() -> None:
    mesh = repaired(mesh_of(cube(faces=SIDES[:5]), cube(faces=SIDES[5:])), "a.obj")
    assert not any("edges" in line for line in problems(mesh))


def test_unique_rows_against_numpy() -> None:
    rows = np.random.default_rng(0).integers(0, 3, (200, 3)).astype(np.float64)
    first, group = unique_rows(rows)
    np.testing.assert_array_equal(rows[first][group], rows)
    assert len(first) == len(np.unique(rows, axis=0))
    assert (np.diff(first) > 0).all()
    assert all((rows[:k] != rows[k]).any(1).all() for k in first)


def test_used_rows() -> None:
    used, numbers = used_rows(6, np.asarray([[4, 1, 4]]))
    np.testing.assert_array_equal(used, [1, 4])
    np.testing.assert_array_equal(numbers, [[1, 0, 1]])


def test_alpha_of_vertices_stays_with_the_faces_that_are_kept() -> None:
    alphas = np.linspace(0, 1, 8).astype(np.float32)
    faces = cube().faces.copy()
    faces[0] = 0
    (part,) = repaired(mesh_of(replace(cube(), faces=faces[:4], uvs=None, alphas=alphas)), "a.obj").parts
    assert len(part.vertices) < 8
    np.testing.assert_array_equal(part.alphas[part.faces], alphas[faces[1:4]])
