from __future__ import annotations

import math

import numpy as np
import pytest

from nst3d.errors import ConfigError
from nst3d.images.colour import LUMA
from nst3d.images.grade import Grade

COLOURS = np.random.default_rng(0).uniform(0.3, 0.7, (200, 3)).astype(np.float32)


def test_neutral_values_keep_every_bit() -> None:
    assert Grade().apply(COLOURS) is COLOURS
    assert Grade(1.0, 1.0, 0.0, 0.0).neutral


@pytest.mark.parametrize(
    ("grade", "colour", "becomes"),
    [
        (Grade(saturation=0), (1, 0, 0), (LUMA[0], LUMA[0], LUMA[0])),
        (Grade(saturation=0.5), (0.8, 0.8, 0.8), (0.8, 0.8, 0.8)),
        (Grade(contrast=2), (0.4, 0.5, 0.7), (0.3, 0.5, 0.9)),
        (Grade(brightness=0.05), (0.4, 0.5, 0.98), (0.45, 0.55, 1.0)),
        (Grade(contrast=0.5, brightness=0.1), (0.1, 0.5, 0.9), (0.4, 0.6, 0.8)),
    ],
)
def test_by_hand(grade, colour, becomes) -> None:
    np.testing.assert_allclose(grade.apply(np.array([colour], float)), [becomes], atol=1e-12)


def test_a_turn_of_hue_keeps_luminance_and_makes_red_green() -> None:
    moved = Grade(hue=math.radians(120)).apply(COLOURS.astype(np.float64) * 0.2 + 0.4)
    np.testing.assert_allclose(moved @ LUMA, (COLOURS.astype(np.float64) * 0.2 + 0.4) @ LUMA, atol=1e-12)
    (red,) = Grade(hue=math.radians(120)).apply(np.array([[0.55, 0.45, 0.45]]))
    assert red.argmax() == 1
    assert red[0] == pytest.approx(red[2])


@pytest.mark.parametrize(
    ("there", "back"),
    [
        (Grade(saturation=1.25), Grade(saturation=0.8)),
        (Grade(contrast=1.25), Grade(contrast=0.8)),
        (Grade(brightness=0.2), Grade(brightness=-0.2)),
        (Grade(hue=0.3), Grade(hue=-0.3)),
    ],
)
def test_the_inverse_leads_back(there, back) -> None:
    moved = there.apply(COLOURS)
    assert np.abs(moved - COLOURS).max() > 0.02
    np.testing.assert_allclose(back.apply(moved), COLOURS, atol=1e-6)


def test_values_outside_the_cube_move_no_farther() -> None:
    moved = Grade(contrast=3).apply(np.array([[1.2, 0.9, -0.1]]))
    np.testing.assert_allclose(moved, [[1.2, 1.0, -0.1]])


def test_numbers_have_bounds() -> None:
    with pytest.raises(ConfigError, match="saturation is -1: expected a number from 0 to 8"):
        Grade(saturation=-1.0)
