"""Edges that run through faces."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from small_meshes import sphere

from nst3d.renderers.pierced import pierced_by
from nst3d.renderers.raycast import Raycaster


def pierced(positions, faces, edges):
    surface = SimpleNamespace(positions=positions.astype(np.float32), faces=faces.astype(np.int32))
    return pierced_by(positions, faces, edges, Raycaster(surface))


def edges_of(faces):
    return np.unique(np.sort(faces[:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2), axis=1), axis=0)


def test_a_needle_through_a_triangle() -> None:
    positions = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0.2, 0.2, -1], [0.2, 0.2, 1], [5, 5, 1]], float)
    faces = np.array([[0, 1, 2], [3, 4, 5]])
    assert pierced(positions, faces, np.array([[3, 4], [4, 5], [0, 1]])).tolist() == [True, False, False]
    positions[3, 2] = 0.5  # ends before it
    assert not pierced(positions, faces, np.array([[3, 4]])).any()


@pytest.mark.parametrize(("apart", "through"), [(2.5, False), (1.7, True)])
def test_two_balls(apart, through) -> None:
    ball = sphere(12)
    positions = np.concatenate([ball.vertices, ball.vertices + np.array([apart, 0, 0])])
    faces = np.concatenate([ball.faces, ball.faces + len(ball.vertices)])
    assert pierced(positions, faces, edges_of(faces)).any() == through
