"""The axes that can be up."""

from __future__ import annotations

from typing import get_args

import numpy as np
import pytest

from nst3d.cameras.axes import UP_AND_FRONT, Up
from nst3d.cameras.rigs import Orientation, standing


def test_all_axes_can_be_up() -> None:
    assert {"auto", *UP_AND_FRONT} == set(get_args(Up))


@pytest.mark.parametrize("name", UP_AND_FRONT)
def test_up_is_the_axis_and_front_stands_across(name: str) -> None:
    up, front = map(np.array, UP_AND_FRONT[name])
    assert up["xyz".index(name[-1])] == (-1 if name.startswith("-") else 1)
    assert np.abs(up).sum() == np.abs(front).sum() == 1
    assert up @ front == 0


@pytest.mark.parametrize("name", "xyz")
def test_an_axis_upside_down_is_half_a_turn_about_the_right(name: str) -> None:
    right, up, front = Orientation(*map(np.array, UP_AND_FRONT[name])).axes().T
    turned = Orientation(*map(np.array, UP_AND_FRONT[f"-{name}"])).axes().T
    np.testing.assert_array_equal(turned, [right, -up, -front])


@pytest.mark.parametrize("name", ["y", "z", "-y"])
def test_fronts_are_those_of_scenes_that_only_know_up(name: str) -> None:
    up, front = map(np.array, UP_AND_FRONT[name])
    np.testing.assert_array_equal(standing(up).front, front)
