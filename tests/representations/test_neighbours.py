"""The nearest of many points, and what follows from them."""

from __future__ import annotations

import numpy as np

from nst3d.representations.neighbours import Neighbours
from nst3d.representations.points import estimated_normals, splat_widths


def test_equal_to_measuring_all() -> None:
    rng = np.random.default_rng(0)
    points, places = rng.normal(size=(700, 3)), rng.normal(size=(60, 3)) * 2
    found, distance = Neighbours(points).of(places, 6)
    apart = np.linalg.norm(places[:, None] - points, axis=-1)
    np.testing.assert_array_equal(found, np.argsort(apart, axis=1)[:, :6])
    np.testing.assert_allclose(distance, np.sort(apart, axis=1)[:, :6], rtol=1e-12)


def test_points_out_of_reach_are_not_found() -> None:
    rng = np.random.default_rng(1)
    points, places = rng.normal(size=(300, 3)), rng.normal(size=(40, 3)) * 2
    (all_found, all_distances), (found, distance) = (
        Neighbours(points).of(places, 4, reach) for reach in (np.inf, 0.5)
    )
    far = all_distances >= 0.5
    assert 0 < far.sum() < far.size
    np.testing.assert_array_equal(found, np.where(far, -1, all_found))
    np.testing.assert_array_equal(distance, np.where(far, np.inf, all_distances))


def test_points_at_one_place_and_fewer_than_wanted() -> None:
    assert (Neighbours(np.ones((100, 3))).of(np.zeros((1, 3)), 5)[1] == np.sqrt(3)).all()
    found, distance = Neighbours(np.eye(3)[:2]).of(np.array([[1.0, 0, 0]]), 4)
    assert found.tolist() == [[0, 1, -1, -1]]
    assert distance[0, 2:].tolist() == [np.inf, np.inf]


def test_widths_follow_the_spacing_within_limits() -> None:
    grid = np.stack(np.meshgrid(np.arange(10.0), np.arange(10.0), [0.0]), axis=-1).reshape(-1, 3)
    widths = splat_widths(np.concatenate([grid, [[500, 0, 0]], grid[:1]]))
    assert np.isclose(widths[44], 0.55)  # in the middle: four neighbours at distance 1
    assert widths[100] <= 3.01 * np.median(widths)
    assert (splat_widths(2 * grid) == 2 * splat_widths(grid)).all()
    assert splat_widths(grid[:1]).tolist() == [1]
    assert (splat_widths(np.zeros((5, 3))) > 0).all()


def test_normals_of_a_sphere_look_out() -> None:
    places = np.random.default_rng(1).normal(size=(600, 3))
    places /= np.linalg.norm(places, axis=1, keepdims=True)
    assert (np.einsum("nk,nk->n", estimated_normals(places + 7.0), places) > 0.97).all()


def test_normals_of_a_bowl_do_not_flip_inside() -> None:
    """A torus: its inner side looks to its axis, away from where the middle would say."""
    turn, around = np.random.default_rng(2).random((2, 3000)) * 2 * np.pi
    middle = np.stack([np.cos(turn), np.sin(turn), 0 * turn], axis=1)
    truth = middle * np.cos(around)[:, None] + np.array([0, 0, 1.0]) * np.sin(around)[:, None]
    normals = estimated_normals(middle + 0.4 * truth)
    assert (np.einsum("nk,nk->n", normals, truth) > 0.8).all()
