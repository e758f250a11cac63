"""The hash grid's two readers agree, and interpolate as they should. Needs no nerfstudio."""

from __future__ import annotations

import pytest
import torch

from nst3d.integrations.nerfstudio.hash_grid import grid_features

SIDES = torch.tensor([3.0, 7.0, 40.0])
ROWS = 1 << 8


def noise(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


def places() -> torch.Tensor:
    corners = torch.tensor([[0.0, 0.0, 0.0], [1.0, 1.0, 1.0], [0.5, 0.0, 1.0], [1 / 3, 2 / 3, 1.0]])
    return torch.cat([corners, noise(200, 3, seed=1)])


@pytest.mark.parametrize("width", [1, 2, 4])
def test_the_compiled_loops_are_the_tensor_operations(width: int) -> None:
    table = noise(3 * ROWS, width).requires_grad_()
    twin = table.detach().double().requires_grad_()
    pull = noise(204, 3 * width, seed=2)
    compiled = grid_features(table, places(), SIDES)
    # In float64 the other way is taken; its places are those of float32.
    tensors = grid_features(twin, places(), SIDES)
    torch.testing.assert_close(compiled.double(), tensors, rtol=0, atol=1e-5)
    (compiled * pull).sum().backward()
    (tensors * pull).sum().backward()
    torch.testing.assert_close(table.grad.double(), twin.grad, rtol=0, atol=1e-5)


def test_a_level_of_ones_is_one_everywhere() -> None:
    features = grid_features(torch.ones(3 * ROWS, 2), places(), SIDES)
    torch.testing.assert_close(features, torch.ones(204, 6))


def test_a_node_shows_its_own_row() -> None:
    table = torch.arange(ROWS, dtype=torch.float32)[:, None]
    node = torch.tensor([[1 / 4, 2 / 4, 3 / 4]])
    wanted = (1 ^ (2 * 2654435761) ^ (3 * 805459861)) % ROWS
    assert float(grid_features(table, node, torch.tensor([4.0]))[0, 0]) == wanted
