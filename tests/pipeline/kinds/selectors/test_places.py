"""Boxes, balls, half spaces and slabs."""

from __future__ import annotations

import numpy as np
import pytest

from nst3d.errors import ConfigError
from nst3d.pipeline.kinds.selectors.places import (
    axis_region,
    bounds_of,
    box_region,
    place_selectors,
    plane_region,
    sphere_region,
)

PLACES = np.array([[0.0, 0, 0], [1, 0, 0], [0, 2, 0], [0, 0, 4], [np.nan] * 3])


@pytest.mark.parametrize(
    ("region", "text", "inside"),
    [
        (box_region, "0,0,0,1,2,1", [1, 1, 1, 0, 0]),
        (box_region, "1,2,1,-1,-1,-1", [1, 1, 1, 0, 0]),
        (sphere_region, "1, 0, 0, 1", [1, 1, 0, 0, 0]),
        (plane_region, "0,0,1,4", [0, 0, 0, 1, 0]),
        (plane_region, "1,1,0,1", [0, 1, 1, 0, 0]),
        (axis_region, "y:0.5..1", [0, 0, 1, 0, 0]),
        (axis_region, "z:..0.25", [1, 1, 1, 0, 0]),
        (axis_region, "X:1..", [0, 1, 0, 0, 0]),
    ],
)
def test_what_is_inside(region, text, inside) -> None:
    column = region(PLACES, text)
    assert column.shape == (5, 1)
    assert column[:, 0].tolist() == inside


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("box:1,2,3", "region box:1,2,3: expected two corners"),
        ("box:9,9,9,8,8,8", "contains nothing of the scene, which spans box:0,0,0,1,2,4"),
        ("sphere:0,0,0", "expected a centre and a radius"),
        ("sphere:0,0,0,0", "the radius is 0; expected a number above 0"),
        ("sphere:9,9,9,1", "contains nothing of the scene"),
        ("plane:0,0,0,1", "a, b and c are 0"),
        ("plane:1,0,0,inf", "expected plane:a,b,c,d"),
        ("plane:1,0,0,5", "contains nothing of the scene"),
        ("axis:w:0..1", "expected an axis and two shares"),
        ("axis:y", "expected an axis and two shares"),
        ("axis:y:0.8..0.2", "expected an axis and two shares"),
        ("axis:y:0.4..0.45", "contains nothing of the scene"),
    ],
)
def test_what_is_refused(text, says) -> None:
    name, _, argument = text.partition(":")
    with pytest.raises(ConfigError, match=says):
        place_selectors(lambda: PLACES)[name](argument)


def test_bounds_may_be_open() -> None:
    assert bounds_of("2..5", "", "") == (2, 5)
    assert bounds_of("..5", "", "") == (-np.inf, 5)
    assert bounds_of(" 2 ..", "", "") == (2, np.inf)
    for text in ("..", "5", "5..2", "a..b", ""):
        with pytest.raises(ConfigError, match=r"region depth:.*: expected two ends"):
            bounds_of(text, f"depth:{text}", "two ends")
