"""Triangulation: areas add up, winding stays, and nothing reaches outside."""

from __future__ import annotations

import time

import numpy as np
import pytest

from nst3d.representations.polygons import triangulate

SHAPES = {
    "square": [(0, 0), (1, 0), (1, 1), (0, 1)],
    "dart": [(0, 0), (2, 1), (0, 2), (0.5, 1)],
    "arrow": [(0, 0), (3, -1), (2, 0), (3, 1), (0, 0.5)],
    "comb": [(0, 0), (5, 0), (5, 3), (4, 1), (3, 3), (2, 1), (1, 3)],
    "points on edges": [(0, 0), (1, 0), (2, 0), (2, 2), (1, 2), (1, 1), (0, 1)],
    "bridged hole": [(0, 0), (4, 0), (4, 4), (0, 4), (0, 0), (1, 1), (1, 3), (3, 3), (3, 1), (1, 1)],
}


def shoelace(outline: np.ndarray) -> float:
    x, y = outline[:, 0], outline[:, 1]
    return float((x * np.roll(y, -1) - y * np.roll(x, -1)).sum() / 2)


@pytest.mark.parametrize("name", SHAPES)
@pytest.mark.parametrize("flip", [False, True])
@pytest.mark.parametrize("shift", [0, 1, 3])
def test_triangles_cover_the_polygon_once(name: str, flip: bool, shift: int) -> None:
    """Positive areas that sum to the polygon's own can neither overlap nor reach outside a simple polygon."""
    outline = np.roll(np.asarray(SHAPES[name], float), shift, axis=0)[:: -1 if flip else 1]
    turn = np.linalg.qr(np.random.default_rng(0).normal(size=(3, 3)))[0]
    turn *= np.linalg.det(turn)
    points = np.column_stack([outline, np.zeros(len(outline))]) @ turn.T
    triangles, owner = triangulate(points, np.arange(len(points)), np.asarray([len(points)]))
    assert triangles.shape == (len(points) - 2, 3)
    assert (owner == 0).all()
    a, b, c = (points[triangles[:, k]] for k in range(3))
    signed = np.cross(b - a, c - a) @ turn[:, 2] / 2 * (-1 if flip else 1)
    assert (signed >= -1e-12).all()
    assert signed.sum() == pytest.approx(abs(shoelace(outline)))


def test_mixed_polygons_keep_their_order() -> None:
    points = np.asarray([[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0], [2, 0, 0]], float)
    corners = np.asarray([0, 1, 2, 3, 1, 4, 2, 0, 1, 2, 3])
    triangles, owner = triangulate(points, corners, np.asarray([4, 3, 4]))
    np.testing.assert_array_equal(owner, [0, 0, 1, 2, 2])
    np.testing.assert_array_equal(corners[triangles], [[0, 1, 2], [0, 2, 3], [1, 4, 2], [0, 1, 2], [0, 2, 3]])


def test_polygons_without_area_still_give_triangles() -> None:
    points = np.zeros((6, 3))
    triangles, _ = triangulate(points, np.arange(6), np.asarray([6]))
    assert triangles.shape == (4, 3)
    points[2] = np.nan
    assert triangulate(points, np.arange(6), np.asarray([6]))[0].shape == (4, 3)


@pytest.mark.parametrize("crossing", [False, True])
def test_a_polygon_of_thousands_of_corners_takes_no_minutes(crossing: bool) -> None:
    """A spiral, whose ears are few, and an outline that crosses itself everywhere, which has none."""
    turn = np.linspace(0, 12 * np.pi, 1000)
    arm = np.column_stack([np.cos(turn), np.sin(turn)])
    outline = np.concatenate([(turn + 2.5)[:, None] * arm, ((turn + 1)[:, None] * arm)[::-1]])
    if crossing:
        outline = np.random.default_rng(0).random((2000, 2))
    points = np.column_stack([outline, np.zeros(len(outline))])
    triangulate(points[:10], np.arange(10), np.asarray([10]))  # compiled
    began = time.perf_counter()
    triangles, _ = triangulate(points, np.arange(len(points)), np.asarray([len(points)]))
    assert time.perf_counter() - began < 5
    a, b, c = (points[triangles[:, k]] for k in range(3))
    assert np.cross(b - a, c - a)[:, 2].sum() / 2 == pytest.approx(shoelace(outline))
