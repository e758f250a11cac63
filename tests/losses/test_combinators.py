from __future__ import annotations

import pytest
import torch

from nst3d.errors import ConfigError
from nst3d.losses import IMAGE, ContentLoss, Observation, TotalVariationLoss, WeightedSum


def test_sum_and_parts() -> None:
    picture = torch.tensor([[[0.0, 2.0]]], requires_grad=True)
    content = ContentLoss({0: {"a": torch.zeros(1, 1, 1)}}, ("a",))
    view = Observation({IMAGE: picture, "a": picture[:, :, 1:]})
    criterion = WeightedSum({"content": (0.5, content), "smooth": (3.0, TotalVariationLoss())})
    assert criterion.layers == ("a", IMAGE)
    total, parts = criterion.parts(view)
    assert {name: float(part) for name, part in parts.items()} == {"content": 1.0, "smooth": 12.0}
    assert total == criterion(view) == 13
    total.backward()
    assert picture.grad.tolist() == [[[-12.0, 13.0]]]
    assert not any(part.requires_grad for part in parts.values())


def test_terms_of_weight_zero_are_not_computed() -> None:
    blind = ContentLoss({}, ("a",))  # would fail: it has no target
    criterion = WeightedSum({"content": (0.0, blind), "smooth": (1.0, TotalVariationLoss())})
    assert criterion.layers == (IMAGE,)
    assert list(criterion.parts(Observation({IMAGE: torch.rand(3, 4, 4)}))[1]) == ["smooth"]
    with pytest.raises(ConfigError, match="nothing to optimise"):
        WeightedSum({"content": (0.0, blind)})
