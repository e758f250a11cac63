"""Seams, texel density, and what views show of an asset."""

from __future__ import annotations

import numpy as np
import pytest
from small_meshes import camera_at

from nst3d.metrics.seams import seam_error
from nst3d.metrics.texels import pixel_size, seen_points, texel_density
from nst3d.metrics.warp import Seen


def pairs(*jumps: float) -> np.ndarray:
    """Pairs of colours that differ by this much in red."""
    found = np.full((len(jumps), 2, 3), 0.3)
    found[:, 1, 0] += jumps
    return found


def test_equal_jumps_are_no_seam_and_flat_colours_neither() -> None:
    assert seam_error(pairs(0.2, 0.2), pairs(0.2)) == pytest.approx(1)
    assert seam_error(pairs(0.0), pairs(0.0, 0.0)) == 1


def test_jumps_count_by_the_length_of_their_cut() -> None:
    expected = (0.4 + 1 / 255) / (0.1 + 1 / 255)
    assert seam_error(pairs(0.5, 0.1), pairs(0.1), np.array([3, 1])) == pytest.approx(expected)
    assert seam_error(pairs(0.5, 0.1), pairs(0.1, 0.9), None, np.array([1, 0])) == pytest.approx(
        (0.3 + 1 / 255) / (0.1 + 1 / 255)
    )


def test_without_pairs_that_count_there_is_no_seam_error() -> None:
    assert seam_error(pairs(), pairs(0.1)) is None
    assert seam_error(pairs(0.1), pairs(0.1), None, np.zeros(1)) is None


def test_density_is_by_area() -> None:
    sides = np.array([0.5, 0.1, 0.1, 0.1])
    even = texel_density(sides[1:], np.ones(3))
    assert even == pytest.approx((10, 1))
    assert texel_density(sides, sides**2) == pytest.approx((2, 5))
    assert texel_density(sides, np.array([0, 1, 0, 0])) == pytest.approx((10, 1))
    assert texel_density(sides, np.zeros(4)) is None


def test_a_point_is_seen_unless_it_is_behind_or_beside() -> None:
    camera = camera_at((0, 0, 4), 32, 0.5)
    wall = Seen(camera, np.full((32, 32), 4.0))
    points = np.array([[0, 0, 0], [0, 0, -1], [0, 0, 0.03], [9, 0, 0], [0, 0, 5.0]])
    assert seen_points(points, [wall]).tolist() == [True, False, True, False, False]
    empty = Seen(camera, np.full((32, 32), np.inf))
    assert not seen_points(points, [empty]).any()
    assert seen_points(points, [empty, wall])[0]


def test_the_size_of_a_pixel_is_depth_over_focal_length() -> None:
    camera = camera_at((0, 0, 4), 32, 0.5)
    depth = np.full((32, 32), np.inf)
    depth[4:6] = 2.0
    assert pixel_size([Seen(camera, depth)]) == pytest.approx(2 / camera.focal)
    assert pixel_size([Seen(camera, np.full((32, 32), np.inf))]) is None
