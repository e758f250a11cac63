"""The hash grid's two readers agree, and interpolate as they should, in both layouts. Needs no nerfstudio."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from nst3d.integrations.nerfstudio.model.hash_grid import HashLevels, hashed, staggered

SIDES = torch.tensor([3.0, 7.0, 40.0])
ROWS = 1 << 8
HASHED, STAGGERED = hashed(SIDES, ROWS), staggered(4, 4, 1.6, ROWS)
GRIDS = pytest.mark.parametrize("grid", [HASHED, STAGGERED], ids=["hashed", "staggered"])


def noise(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


def places() -> torch.Tensor:
    corners = torch.tensor([[0.0, 0.0, 0.0], [1.0, 1.0, 1.0], [0.5, 0.0, 1.0], [1 / 3, 2 / 3, 1.0]])
    return torch.cat([corners, noise(200, 3, seed=1)])


@GRIDS
@pytest.mark.parametrize("width", [1, 2, 4])
def test_the_compiled_loops_are_the_tensor_operations(grid: HashLevels, width: int) -> None:
    levels = len(grid.scales)
    table = noise(int(grid.starts[-1]), width).requires_grad_()
    twin = table.detach().double().requires_grad_()
    pull = noise(204, levels * width, seed=2)
    compiled = grid.read(table, places())
    # In float64 the other way is taken; its places are those of float32.
    tensors = grid.read(twin, places())
    torch.testing.assert_close(compiled.double(), tensors, rtol=0, atol=1e-5)
    (compiled * pull).sum().backward()
    (tensors * pull).sum().backward()
    torch.testing.assert_close(table.grad.double(), twin.grad, rtol=0, atol=1e-5)


@GRIDS
def test_a_level_of_ones_is_one_everywhere(grid: HashLevels) -> None:
    features = grid.read(torch.ones(int(grid.starts[-1]), 2), places())
    torch.testing.assert_close(features, torch.ones(204, 2 * len(grid.scales)))


def test_a_node_shows_its_own_row() -> None:
    table = torch.arange(ROWS, dtype=torch.float32)[:, None]
    node = torch.tensor([[1 / 4, 2 / 4, 3 / 4]])
    wanted = (1 ^ (2 * 2654435761) ^ (3 * 805459861)) % ROWS
    assert float(hashed(torch.tensor([4.0]), ROWS).read(table, node)[0, 0]) == wanted


def test_the_staggered_layout_by_hand() -> None:
    # 3, 5.4, 9.24 and 15.384 cells along an axis: 4, 7, 11 and 17 nodes, of which the first alone fit, 64 in 256.
    np.testing.assert_allclose(STAGGERED.scales, [3, 5.4, 9.24, 15.384], rtol=1e-6)
    assert STAGGERED.nodes.tolist() == [4, 0, 0, 0]
    assert STAGGERED.starts.tolist() == [0, 64, 64 + 256, 64 + 2 * 256, 64 + 3 * 256]
    odd = staggered(1, 5, 1.0, ROWS)
    assert (odd.nodes.tolist(), odd.starts.tolist()) == ([5], [0, 128])


def test_a_staggered_node_shows_its_own_row() -> None:
    table = torch.arange(float(STAGGERED.starts[-1]))[:, None]
    # In the first level node (1, 2, 0), half a cell off: rows along x, then y, then z.
    node = torch.tensor([[0.5, 1.5, 0.0]]) / 3
    node[0, 2] = -0.5 / 3
    assert float(STAGGERED.read(table, node)[0, 0]) == 1 + 4 * 2
    # In the last, a hashed one.
    node = (torch.tensor([[3.0, 7.0, 11.0]]) - 0.5) / 15.384
    wanted = 64 + 2 * 256 + (3 ^ (7 * 2654435761) ^ (11 * 805459861)) % ROWS
    assert float(STAGGERED.read(table, node)[0, 3]) == pytest.approx(wanted, abs=0.01)
