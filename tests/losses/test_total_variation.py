from __future__ import annotations

import pytest
import torch

from nst3d.errors import ConfigError
from nst3d.losses import IMAGE, Observation, TotalVariationLoss, texture_variation
from nst3d.losses.total_variation import total_variation

STEP = torch.tensor([[[0.0, 2.0], [0.0, 3.0]]])  # differences: 2, 3 across; 0, 1 down


def test_by_hand() -> None:
    assert total_variation(STEP) == (4 + 9 + 0 + 1) / 4
    assert total_variation(STEP, kind="absolute") == (2 + 3 + 0 + 1) / 4
    assert total_variation(STEP.repeat(3, 1, 1)) == 14 / 4


def test_a_silhouette_costs_nothing() -> None:
    planes = torch.zeros(3, 6, 6)
    planes[:, 2:4, 2:4] = 1
    mask = planes[0]
    assert total_variation(planes) > 0
    assert total_variation(planes, mask) == 0
    assert total_variation(STEP, torch.tensor([[1.0, 1.0], [1.0, 0.0]])) == (4 + 0) / 2
    assert total_variation(STEP, torch.eye(2)) == 0


def test_does_not_depend_on_brightness_nor_on_mirroring() -> None:
    planes = torch.rand(3, 5, 7, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    for kind in ("squared", "absolute"):
        wanted = total_variation(planes, kind=kind)
        torch.testing.assert_close(total_variation(planes + 0.3, kind=kind), wanted)
        torch.testing.assert_close(total_variation(planes.flip(2).transpose(1, 2), kind=kind), wanted)


def test_of_a_texture_and_as_a_module() -> None:
    planes = torch.rand(3, 5, 7, generator=torch.Generator().manual_seed(0))
    wanted = total_variation(planes)
    assert texture_variation(planes.permute(1, 2, 0)) == wanted
    assert TotalVariationLoss()(Observation({IMAGE: planes})) == wanted
    assert total_variation(torch.ones(3, 1, 1)) == 0
    with pytest.raises(ConfigError, match="choose squared or absolute"):
        TotalVariationLoss("cubic")
