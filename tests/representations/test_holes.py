from __future__ import annotations

import numpy as np

from nst3d.representations.holes import closed_holes
from nst3d.representations.isosurface import surface_nets
from nst3d.representations.triangles import face_areas, face_normals


def ball() -> tuple[np.ndarray, np.ndarray]:
    grid = np.stack(np.meshgrid(*[np.arange(20.0)] * 3, indexing="ij"), axis=-1)
    return surface_nets(np.linalg.norm(grid - 9.6, axis=-1) - 7)


def without(faces: np.ndarray, vertex: int) -> np.ndarray:
    return faces[(faces != vertex).all(1)]


def open_edges(faces: np.ndarray) -> int:
    edges = np.sort(np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]]), axis=1)
    return int((np.unique(edges, axis=0, return_counts=True)[1] == 1).sum())


def test_a_hole_is_closed_and_faces_outwards() -> None:
    vertices, faces = ball()
    pierced = without(faces, 100)
    rim = open_edges(pierced)
    filled, closed = closed_holes(vertices, pierced, rim)
    assert open_edges(closed) == 0
    new = filled[closed[len(pierced) :]]
    assert len(new) == rim
    assert (np.einsum("fc,fc->f", face_normals(new), new.mean(1) - 9.6) > 0).all()
    assert np.isclose(face_areas(filled, closed).sum(), face_areas(vertices, faces).sum(), rtol=0.01)
    assert np.array_equal(filled[: len(vertices)], vertices)
    assert np.array_equal(closed[: len(pierced)], pierced)


def test_larger_holes_and_closed_meshes_stay_as_they_are() -> None:
    vertices, faces = ball()
    pierced = without(faces, 100)
    assert closed_holes(vertices, pierced, open_edges(pierced) - 1)[1] is pierced
    assert closed_holes(vertices, faces, 1000)[1] is faces
    none = np.empty((0, 3), np.int32)
    assert closed_holes(vertices, none, 10)[1] is none


def test_holes_that_touch_stay_open() -> None:
    vertices, faces = ball()
    neighbours = np.setdiff1d(faces[(faces == 100).any(1)], [100])
    ring = np.setdiff1d(faces[np.isin(faces, neighbours).any(1)], [*neighbours, 100])
    for other in ring:  # two holes that share one vertex
        pierced = without(without(faces, 100), other)
        filled, closed = closed_holes(vertices, pierced, 40)
        assert len(closed) >= len(pierced)
        assert closed.max() < len(filled)
