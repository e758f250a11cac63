from __future__ import annotations

import math

import numpy as np
import pytest
from small_meshes import camera_at

from nst3d.cameras.rigs import (
    MARGIN,
    Orientation,
    close_ups,
    fibonacci_directions,
    framing_distance,
    greedy_cover,
    orbit_directions,
    tight,
    views_from,
    zoom_to_fill,
)
from nst3d.tensors import ImageSize

Y_UP = Orientation(np.array([0.0, 1.0, 0.0]), np.array([0.0, 0.0, 1.0]))
Z_UP = Orientation(np.array([0.0, 0.0, 2.0]), np.array([0.0, -1.0, 0.5]))
SIZE = ImageSize(64, 64)


def cloud(count: int = 60) -> np.ndarray:
    points = np.random.default_rng(0).normal(size=(count, 3)) * [1.0, 0.3, 0.6]
    return points / np.linalg.norm(points, axis=1).max()


@pytest.mark.parametrize("orientation", [Y_UP, Z_UP, Orientation(Y_UP.up, Y_UP.up)])
def test_axes_are_right_up_front(orientation) -> None:
    axes = orientation.axes()
    np.testing.assert_allclose(axes.T @ axes, np.eye(3), atol=1e-12)
    assert np.linalg.det(axes) == pytest.approx(1)
    np.testing.assert_allclose(axes[:, 1], orientation.up / np.linalg.norm(orientation.up))
    assert axes[:, 2] @ orientation.front >= 0


@pytest.mark.parametrize("count", [12, 20, 60])
def test_fibonacci_directions_are_unit_and_spread(count) -> None:
    directions = fibonacci_directions(count, Z_UP, height=0.9)
    np.testing.assert_allclose(np.linalg.norm(directions, axis=1), 1)
    assert np.abs(directions[:, 2]).max() < 0.9
    cosine = directions @ directions.T - 2 * np.eye(count)
    nearest = np.arccos(cosine.max(1))
    even = math.sqrt(4 * math.pi / count)  # side of the square cell that each direction would own
    assert nearest.min() > 0.6 * even
    assert nearest.max() < 1.4 * even
    assert np.linalg.norm(directions.mean(0)) < 0.1


def test_orbits_begin_in_front_and_turn_around_the_up_axis() -> None:
    directions = orbit_directions(8, Z_UP, math.radians(30))
    np.testing.assert_allclose(np.linalg.norm(directions, axis=1), 1)
    np.testing.assert_allclose(directions[:, 2], 0.5)
    np.testing.assert_allclose(directions[0], [0, -math.cos(math.radians(30)), 0.5], atol=1e-12)
    np.testing.assert_allclose(directions[4], [0, math.cos(math.radians(30)), 0.5], atol=1e-12)


def test_views_look_at_the_origin_from_their_distance() -> None:
    for camera, direction in zip(views_from(np.eye(3), Y_UP.up, 4.0, SIZE, 0.7), np.eye(3), strict=True):
        np.testing.assert_allclose(camera.position, 4 * direction)
        np.testing.assert_allclose(camera.project(np.zeros((1, 3)))[0], [[32, 32]], atol=1e-9)


def test_the_framing_distance_frames_all_points_with_its_margin_and_no_more() -> None:
    points, directions = cloud(), fibonacci_directions(30, Y_UP)
    distance = framing_distance(points, directions, Y_UP.up, 0.7)
    reach = []
    for camera in views_from(directions, Y_UP.up, distance, SIZE, 0.7):
        pixels, depth = camera.project(points)
        assert (depth > 0).all()
        reach.append(np.abs(pixels - 32).max())
    assert max(reach) == pytest.approx(32 / MARGIN)


def test_tight_contains_all_points_and_little_else() -> None:
    points = cloud() * [1, 1, 0.2]
    for position in ((0, 0, 6), (1, 2, 6), (-4, 1, 4)):
        full = camera_at(position, 256, 0.5)
        part = tight(full, points, multiple=16)
        pixels, _ = part.project(points)
        assert (pixels >= 0).all()
        assert (pixels <= [part.size.width, part.size.height]).all()
        assert part.size.width % 16 == part.size.height % 16 == 0
        assert part.focal == full.focal
        span = np.ptp(pixels, axis=0) + 2 * 0.04 * 256
        assert (np.array([part.size.width, part.size.height]) < span + 16 + 1e-9).all()
        assert part.size.height < 256


def test_tight_follows_points_out_of_the_image() -> None:
    full = camera_at((0, 0, 3), ImageSize(50, 70), 0.8)
    for points in (cloud() * 2, np.array([[-4.0, 2.0, 0.0], [-4.5, 2.2, 0.1]])):
        part = tight(full, points)
        pixels, _ = part.project(points)
        assert (pixels >= 0).all()
        assert (pixels <= [part.size.width, part.size.height]).all()
        assert part.size.width % 32 == part.size.height % 32 == 0
        assert part.focal == full.focal


def test_zooming_until_the_largest_view_is_full() -> None:
    points = cloud() * 0.5
    cameras = views_from(fibonacci_directions(12, Y_UP), Y_UP.up, 4.0, SIZE, 0.7)
    zoom = zoom_to_fill(cameras, points, margin=0.05)
    spans = [np.ptp(c.zoomed(zoom).project(points)[0], axis=0).max() for c in cameras]
    assert max(spans) == pytest.approx(0.9 * 64)
    for camera in cameras:
        part = tight(camera.zoomed(zoom), points, multiple=1, margin=0.05)
        assert max(part.size) <= 64


def test_greedy_cover_takes_what_adds_most_and_stops_at_its_target() -> None:
    visible = np.zeros((10, 5), bool)
    visible[:2, 0] = visible[2:4, 1] = visible[2:8, 2] = visible[8:9, 3] = visible[1:3, 4] = True
    assert greedy_cover(visible, 1, 1.0, 5) == [0, 2, 3]  # the tenth point is never seen
    assert greedy_cover(visible, 1, 0.85, 5) == [0, 2]
    assert greedy_cover(visible, 1, 1.0, 2) == [0, 2]
    assert greedy_cover(visible, 2, 0.1, 5) == [0, 1]
    assert greedy_cover(visible, 9, 1.0, 9) == [0, 1, 2, 3, 4]


def test_greedy_cover_reaches_its_target() -> None:
    visible = np.random.default_rng(1).random((500, 60)) < 0.12
    chosen = greedy_cover(visible, 4, 0.98, 60)
    assert chosen[:4] == [0, 1, 2, 3]
    assert len(set(chosen)) == len(chosen) < 60
    assert visible[:, chosen].any(1).sum() >= 0.98 * visible.any(1).sum()
    assert visible[:, chosen[:-1]].any(1).sum() < 0.98 * visible.any(1).sum()


def test_close_ups_fill_their_images_and_keep_a_sense_of_size() -> None:
    """Of a long thing, from its side and from its end."""
    points = np.random.default_rng(0).uniform(-1, 1, (200, 3)) * [1.0, 0.1, 0.1] + [0.3, 0.2, 0]
    directions = np.array([[0.0, 0.0, 1.0], [1.0, 0.0, 0.0]])
    cameras = views_from(directions, Y_UP.up, 6.0, ImageSize(40, 60), 0.8)
    closer = close_ups(cameras, points)
    for before, camera in zip(cameras, closer, strict=True):
        np.testing.assert_array_equal(camera.camera_to_world, before.camera_to_world)
        pixels, _ = camera.project(points)
        np.testing.assert_allclose(pixels.min(0) + pixels.max(0), [60, 40], atol=1e-6)
    assert np.ptp(closer[0].project(points)[0][:, 0]) == pytest.approx(54)
    assert closer[1].focal == pytest.approx(1.5 * closer[0].focal)


def test_greedy_cover_leaves_views_that_add_little() -> None:
    visible = np.zeros((14, 3), bool)
    visible[:8, 0] = visible[8:13, 1] = visible[13:, 2] = True
    assert greedy_cover(visible, 0, 1.0, 3) == [0, 1, 2]
    assert greedy_cover(visible, 0, 1.0, 3, worth=0.5) == [0, 1]
