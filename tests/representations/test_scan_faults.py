"""What cleaning would find in a mesh."""

from __future__ import annotations

import numpy as np
from small_meshes import mesh_of, sphere

from nst3d.pipeline.kinds.mesh.cleaning import as_one, clean_plan, from_one
from nst3d.representations.scan_faults import scan_faults, without_fins


def ball() -> tuple[np.ndarray, np.ndarray]:
    one = as_one(mesh_of(sphere()))
    keep, group = np.unique(one.vertices.round(9), axis=0, return_inverse=True)
    faces = group.reshape(-1)[one.faces]
    return keep, faces[(faces != np.roll(faces, 1, axis=1)).all(1)]


def test_a_closed_surface_has_none() -> None:
    faults = scan_faults(*ball())
    assert faults.work() == ""
    assert faults.hole_line() == "holes: none"


def test_each_fault_is_counted() -> None:
    vertices, faces = ball()
    apart, edge = len(vertices), faces[0, :2]
    vertices = np.concatenate([vertices, vertices[:3], [[9.0, 9, 9]]])
    faces = np.concatenate([faces, faces[:2, ::-1], [[5, 5, 6]], [[*edge, apart + 3]]])
    faults = scan_faults(vertices, faces)
    assert faults.duplicate_vertices == 3
    assert faults.duplicate_faces == 2
    assert faults.degenerate_faces == 1
    assert faults.non_manifold_edges == 1
    assert faults.loose_edges == 2
    assert faults.work() == (
        "merge 3 duplicate vertices, drop 1 degenerate faces, drop 2 duplicate faces,"
        " repair 1 non-manifold edges"
    )


def test_fins_go_and_the_surface_stays() -> None:
    vertices, faces = ball()
    apart = len(vertices)
    fins = [[*faces[0, :2], apart], [faces[0, 0], apart, apart + 1]]
    assert np.array_equal(without_fins(np.concatenate([fins[:1], faces])), faces)
    assert len(without_fins(np.concatenate([faces, fins]))) == len(faces) + 1  # it stands on no edge any more
    assert np.array_equal(without_fins(faces[5:]), faces[5:])


def test_holes_with_the_length_of_their_rims() -> None:
    vertices, faces = ball()
    around = (faces == 7).any(1)
    corner = vertices[faces[around]]
    opposite = np.where((faces[around] == 7)[:, :, None], np.nan, corner)
    length = sum(float(np.linalg.norm(np.diff(c[~np.isnan(c[:, 0])], axis=0))) for c in opposite)
    faults = scan_faults(vertices, faces[~around])
    assert [n for n, _ in faults.holes] == [around.sum()]
    assert np.isclose(faults.holes[0][1], length)
    assert faults.hole_line().startswith(f"holes: 1, rim lengths {length:.4g} ")


def test_a_mesh_as_one_and_back() -> None:
    shades = np.random.default_rng(0).random((len(sphere().vertices), 3)).astype(np.float32)
    mesh = mesh_of(sphere(colours=shades))
    again = from_one(as_one(mesh), "scan", mesh.up, mesh.front)
    np.testing.assert_array_equal(again.parts[0].vertices, mesh.parts[0].vertices)
    np.testing.assert_allclose(again.parts[0].colours, shades, atol=1e-4)
    assert as_one(mesh_of(sphere())).colours is None
    assert clean_plan(mesh)[-1].startswith("holes:")
