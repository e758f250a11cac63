"""Rows of a colour."""

from __future__ import annotations

import pytest
import torch

from nst3d.errors import ConfigError
from nst3d.images.oklab import oklab
from nst3d.pipeline.kinds.selectors.colour import TOLERANCE, colour_region

RED = torch.tensor([[1.0, 0, 0]])


@pytest.mark.parametrize(
    "text", ["#ff0000±0.1", "#ff0000+-0.1", "#f00 +/- 0.1", "red 0.1", "red", " RED ±.1 "]
)
def test_ways_to_write_a_colour(text) -> None:
    assert TOLERANCE == 0.1
    greys = torch.linspace(0, 1, 5)[:, None].expand(-1, 3)
    assert colour_region(torch.cat([RED, greys]), text)[:, 0].tolist() == [1, 0, 0, 0, 0, 0]


def test_weights_fall_from_one_to_none_around_the_tolerance() -> None:
    greys = torch.linspace(0, 1, 200, dtype=torch.float64)[:, None].expand(-1, 3)
    light = oklab(greys)[:, 0]
    weights = colour_region(greys, "white±0.2")[:, 0].double()
    torch.testing.assert_close(weights, ((0.24 - (1 - light)) / 0.08).clamp(0, 1), atol=1e-4, rtol=0)


@pytest.mark.parametrize("text", ["", "#12", "redd", "red±0", "red±2", "red±-1", "red±0.1.2", "#ff0000±a"])
def test_what_is_refused(text) -> None:
    with pytest.raises(ConfigError, match="expected a colour and a tolerance"):
        colour_region(RED, text)
