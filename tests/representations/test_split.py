from __future__ import annotations

import numpy as np
import pytest

from nst3d.representations.split import split_vertices


def test_corners_that_agree_share_a_vertex() -> None:
    faces = np.array([[0, 1, 2], [0, 2, 3]])
    vertex_map, new_faces, values = split_vertices(faces, np.arange(8.0).reshape(4, 2)[faces])
    assert vertex_map.tolist() == [0, 1, 2, 3]
    assert new_faces.tolist() == faces.tolist()
    assert new_faces.dtype == np.int32
    assert values.tolist() == np.arange(8.0).reshape(4, 2).tolist()


def test_a_seam_splits_only_the_vertices_on_it() -> None:
    faces = np.array([[0, 1, 2], [0, 2, 3]])
    uvs = np.arange(8.0).reshape(4, 2)[faces]
    uvs[1] += 10.0
    vertex_map, new_faces, values = split_vertices(faces, uvs)
    assert vertex_map.tolist() == [0, 0, 1, 2, 2, 3]
    assert (vertex_map[new_faces] == faces).all()
    assert (values[new_faces] == uvs).all()


def test_random_corners_come_back_exactly_and_no_vertex_is_there_twice() -> None:
    random = np.random.default_rng(0)
    faces = random.integers(0, 50, (200, 3))
    values = random.integers(0, 3, (200, 3, 4)) / 7.0
    vertex_map, new_faces, found = split_vertices(faces, values)
    assert (vertex_map[new_faces] == faces).all()
    assert (found[new_faces] == values).all()
    rows = np.column_stack([vertex_map, found])
    assert len(np.unique(rows, axis=0)) == len(rows)


def test_negative_zero_is_zero_and_unused_vertices_go() -> None:
    faces = np.array([[5, 7, 9], [5, 7, 9]])
    values = np.zeros((2, 3, 2))
    values[1] = -0.0
    assert split_vertices(faces, values)[0].tolist() == [5, 7, 9]


def test_no_values_and_no_faces() -> None:
    vertex_map, faces, values = split_vertices(np.array([[4, 2, 4]]), np.empty((1, 3, 0)))
    assert vertex_map.tolist() == [2, 4]
    assert faces.tolist() == [[1, 0, 1]]
    assert values.shape == (2, 0)
    assert [len(a) for a in split_vertices(np.empty((0, 3), int), np.empty((0, 3, 2)))] == [0, 0, 0]


def test_values_of_another_shape_are_refused() -> None:
    with pytest.raises(ValueError, match="do not fit"):
        split_vertices(np.zeros((2, 3), int), np.zeros((3, 3, 2)))
