from __future__ import annotations

import math

import numpy as np
import pytest

from nst3d.cameras.spline import (
    cubic_spline,
    eased,
    even_speed,
    matrices,
    on_one_side,
    quaternions,
    rotation_spline,
    smoothed,
)


def values(count: int = 9, width: int = 3) -> np.ndarray:
    return np.random.default_rng(0).normal(size=(count, width))


def knots(count: int = 9) -> np.ndarray:
    return np.cumsum(np.random.default_rng(1).uniform(0.3, 1.5, count))


def turn_about_y(angles: np.ndarray) -> np.ndarray:
    zero = np.zeros_like(angles)
    return np.stack([np.cos(angles / 2), zero, np.sin(angles / 2), zero], axis=1)


@pytest.mark.parametrize("closed", [False, True])
def test_the_spline_meets_its_values_and_is_twice_differentiable(closed: bool) -> None:
    t, v = knots(10 if closed else 9), values()
    curve = cubic_spline(t, v, closed)
    np.testing.assert_allclose(curve(t[:9]), v, atol=1e-12)
    inner = t[:-1] if closed else t[1:-1]
    for order, step, tolerance in ((1, 1e-6, 1e-4), (2, 1e-4, 1e-2)):
        before = np.diff(np.stack([curve(inner - k * step) for k in range(order, -1, -1)]), order, axis=0)
        after = np.diff(np.stack([curve(inner + k * step) for k in range(order + 1)]), order, axis=0)
        np.testing.assert_allclose(before / step**order, after / step**order, atol=tolerance)


def test_an_open_spline_is_natural_and_held_at_its_ends() -> None:
    t, v = knots(), values()
    curve = cubic_spline(t, v)
    np.testing.assert_allclose(curve(np.array([t[0] - 5, t[-1] + 5])), v[[0, -1]])
    step = 1e-4
    bend = curve(t[0] + np.arange(3) * step)
    np.testing.assert_allclose(bend[0] - 2 * bend[1] + bend[2], 0, atol=20 * step**3)


def test_a_closed_spline_repeats() -> None:
    t, v = knots(10), values()
    curve = cubic_spline(t, v, closed=True)
    at = np.linspace(t[0], t[-1], 33)
    np.testing.assert_allclose(curve(at), curve(at + 2 * (t[-1] - t[0])), atol=1e-10)


@pytest.mark.parametrize("closed", [False, True])
def test_a_straight_line_and_a_single_value_stay(closed: bool) -> None:
    line = np.arange(5.0)[:, None] * [1.0, -2.0]
    t = np.arange(5.0)
    if not closed:
        np.testing.assert_allclose(cubic_spline(t, line)(np.array([0.5, 3.25])), [[0.5, -1], [3.25, -6.5]])
    single = cubic_spline(np.arange(1.0 + closed), line[3:4], closed)
    np.testing.assert_allclose(single(np.array([0.0, 0.7])), line[[3, 3]])


def test_quaternions_and_matrices_are_inverse() -> None:
    q = values(50, 4)
    q /= np.linalg.norm(q, axis=1, keepdims=True)
    back = quaternions(matrices(q))
    np.testing.assert_allclose(np.abs((back * q).sum(1)), 1, atol=1e-12)
    assert ((back[1:] * back[:-1]).sum(1) >= 0).all()
    half_turns = np.stack([np.diag(d) for d in ([1.0, -1, -1], [-1.0, 1, -1], [-1.0, -1, 1])])
    np.testing.assert_allclose(matrices(quaternions(half_turns)), half_turns, atol=1e-12)


def test_rotations_take_the_short_way() -> None:
    q = turn_about_y(np.array([0.0, 0.4, 0.8]))
    q[1] *= -1
    curve = rotation_spline(np.arange(3.0), q)
    np.testing.assert_allclose(
        np.abs((curve(np.array([0.5, 1.5])) * turn_about_y(np.array([0.2, 0.6]))).sum(1)), 1, atol=1e-5
    )


def test_a_closed_turn_goes_all_around_at_one_speed() -> None:
    """Four keys, a quarter turn apart: back at the start the quaternion has the other sign."""
    curve = rotation_spline(np.arange(5.0), turn_about_y(np.arange(4) * math.pi / 2), closed=True)
    m = matrices(curve(np.linspace(0, 4, 201)))
    angle = np.unwrap(np.arctan2(m[:, 0, 2], m[:, 0, 0]))
    assert angle[-1] == pytest.approx(2 * math.pi)
    np.testing.assert_allclose(np.diff(angle), 2 * math.pi / 200, rtol=1e-3)


def test_smoothing_keeps_lines_and_calms_the_rest() -> None:
    line = np.arange(20.0)[:, None] * [1.0, 2.0] + 3
    np.testing.assert_allclose(smoothed(line, 100), line, atol=1e-9)
    rough = values(40)
    calm = smoothed(rough, 100)
    np.testing.assert_allclose(calm.mean(0), rough.mean(0), atol=1e-12)
    assert np.abs(np.diff(calm, 2, axis=0)).max() < 0.02 * np.abs(np.diff(rough, 2, axis=0)).max()
    np.testing.assert_array_equal(smoothed(rough, 0), rough)


def test_smoothing_a_closed_row_has_no_seam() -> None:
    row = values(30)
    np.testing.assert_allclose(
        smoothed(np.roll(row, 11, axis=0), 50, closed=True),
        np.roll(smoothed(row, 50, closed=True), 11, axis=0),
    )
    q = turn_about_y(np.arange(24) * 2 * math.pi / 24)  # comes back with the other sign
    lengths = np.linalg.norm(smoothed(on_one_side(q), 50, closed=True), axis=1)
    np.testing.assert_allclose(lengths, lengths[0])


def test_even_speed() -> None:
    t = np.array([0.0, 1.0, 5.0])
    curve = cubic_spline(t, np.array([[0.0, 0], [3.0, 1], [4.0, 4]]))
    along = even_speed(t, lambda u: np.linalg.norm(np.diff(curve(u), axis=0), axis=1))
    steps = np.linalg.norm(np.diff(curve(along(np.linspace(0, 1, 41))), axis=0), axis=1)
    assert steps.max() / steps.min() < 1.02
    resting = even_speed(t, lambda u: np.zeros(len(u) - 1))
    np.testing.assert_allclose(resting(np.array([0.0, 0.5, 1.0])), [0, 2.5, 5])


@pytest.mark.parametrize("ramp", [0.1, 0.25, 0.5])
def test_easing_starts_and_ends_at_rest(ramp: float) -> None:
    u = np.linspace(0, 1, 1001)
    way = eased(u, ramp)
    speed = np.diff(way) * 1000
    assert (way[0], way[-1]) == (0, 1)
    assert speed[0] < 1e-3
    assert speed[-1] < 1e-3
    assert (speed >= 0).all()
    assert speed.max() == pytest.approx(1 / (1 - ramp), rel=1e-4)
    np.testing.assert_allclose(way + way[::-1], 1, atol=1e-12)
    np.testing.assert_array_equal(eased(u, 0), u)
