"""Speckle of colour, by hand and by its invariances."""

from __future__ import annotations

import math

import pytest
import torch

from nst3d.losses import IMAGE, GrainLoss, Observation
from nst3d.losses.grain import colour_grain


def wave(period: float, colour: tuple[float, float, float]) -> torch.Tensor:
    ramp = torch.sin(2 * math.pi * torch.arange(96, dtype=torch.float64) / period)
    return ramp * torch.tensor(colour, dtype=torch.float64)[:, None, None].expand(3, 96, 1)


def test_by_hand() -> None:
    """The deviations of red from the mean are 2/3, of the others -1/3 as much; 3 triples along rows, none down."""
    planes = torch.zeros(3, 1, 5)
    planes[0, 0] = torch.tensor([0.0, 0.0, 3.0, 0.0, 0.0])  # bends by 3, -6, 3
    assert colour_grain(planes) == pytest.approx((9 + 36 + 9) * (4 + 1 + 1) / 9 / (3 * 3))
    assert colour_grain(planes.transpose(1, 2)) == colour_grain(planes)
    both = colour_grain(planes, torch.tensor([[1.0, 1.0, 1.0, 1.0, 0.0]]))
    assert both == pytest.approx((9 + 36) * (4 + 1 + 1) / 9 / (2 * 3))
    assert colour_grain(planes, torch.tensor([[1.0, 1.0, 0.0, 1.0, 1.0]])) == 0
    assert colour_grain(torch.rand(3, 2, 2)) == 0


def test_light_and_even_changes_of_colour_are_free() -> None:
    generator = torch.Generator().manual_seed(0)
    light = torch.rand(1, 8, 9, generator=generator, dtype=torch.float64).expand(3, 8, 9)
    ramp = torch.linspace(0, 1, 9, dtype=torch.float64) * torch.tensor([[[1.0]], [[-2.0]], [[0.5]]])
    assert colour_grain(light + ramp) < 1e-30


@pytest.mark.parametrize("period", [3, 4, 8, 16])
def test_fine_waves_count_by_the_square_of_their_curvature(period: float) -> None:
    found = colour_grain(wave(period, (1, -1, 0)))
    assert found == pytest.approx((2 - 2 * math.cos(2 * math.pi / period)) ** 2 / 2 * (2 / 3) / 2, rel=0.05)


def test_as_a_module_it_sees_the_covered_image() -> None:
    planes, mask = torch.rand(3, 6, 7, generator=torch.Generator().manual_seed(1)), torch.zeros(6, 7)
    mask[:, :4] = 1
    loss = GrainLoss()
    assert loss(Observation({IMAGE: planes}, {IMAGE: mask})) == colour_grain(planes, mask)
    assert loss(Observation({IMAGE: planes})) == colour_grain(planes) > 0
