"""Two bases side by side. Needs no nerfstudio."""

from __future__ import annotations

import pytest
import torch

from nst3d.integrations.nerfstudio.model.hash_grid import hashed
from nst3d.integrations.nerfstudio.model.layout import Base, Layer, widened

GRID = hashed(torch.tensor([2.0, 5.0]), 32)


def noise(*shape: int, seed: int) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def base(outputs: int, seed: int, biased: bool) -> Base:
    first = Layer(noise(6, 4, seed=seed), noise(6, seed=seed + 1) if biased else None)
    last = Layer(noise(outputs, 6, seed=seed + 2), noise(outputs, seed=seed + 3) if biased else None)
    return Base(noise(64, 2, seed=seed + 4), first, last)


def values(net: Base, places: torch.Tensor) -> torch.Tensor:
    return net.last(net.first(GRID.read(net.table, places)).relu())


@pytest.mark.parametrize("biased", [True, False])
def test_the_density_is_the_old_ones_and_features_are_the_sum(biased: bool) -> None:
    old, new = base(16, 0, biased), base(15, 10, biased)
    new = Base(new.table, new.first, Layer(new.last.weight))
    both = widened(old, new)
    assert both.table.shape == (64, 4)
    assert both.first.weight.shape == (12, 8)
    assert both.last.weight.shape == (16, 12)
    places = torch.rand(40, 3, generator=torch.Generator().manual_seed(7))
    was, more, found = (values(net, places) for net in (old, new, both))
    torch.testing.assert_close(found[:, 0], was[:, 0])
    torch.testing.assert_close(found[:, 1:], was[:, 1:] + more)


def test_layers_move_and_are_moved() -> None:
    layer = Layer(torch.eye(2))
    assert layer(torch.tensor([[1.0, 2.0]])).tolist() == [[1, 2]]
    moved = layer.moved(torch.tensor([1.0, 0.0])).moved(torch.tensor([1.0, 5.0]))
    assert moved(torch.tensor([[1.0, 2.0]])).tolist() == [[3, 7]]
