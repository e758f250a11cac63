"""RMSProp by rows: torch's own where every row has a gradient, and rest where one has none."""

from __future__ import annotations

import copy

import pytest
import torch

from nst3d.stylize.rmsprop import RowRMSProp


def noise(seed: int, rows: int = 50) -> torch.Tensor:
    return torch.randn(rows, 3, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_it_is_torchs_where_every_row_has_a_gradient(dtype) -> None:
    own = noise(0).to(dtype).requires_grad_()
    other = own.detach().clone().requires_grad_()
    first, second = RowRMSProp([own], lr=0.02), torch.optim.RMSprop([other], lr=0.02, alpha=0.95)
    for step in range(1, 6):
        own.grad, other.grad = noise(step).to(dtype), noise(step).to(dtype)
        first.step()
        second.step()
    torch.testing.assert_close(own, other)


def test_rows_without_a_gradient_neither_move_nor_forget() -> None:
    table = noise(0).requires_grad_()
    optimiser = RowRMSProp([table], lr=0.02)
    table.grad = noise(1)
    optimiser.step()
    before, squares = table.detach().clone(), optimiser.state[table]["squares"].clone()
    table.grad = noise(2)
    table.grad[::2] = 0
    optimiser.step()
    assert torch.equal(table[::2], before[::2])
    assert torch.equal(optimiser.state[table]["squares"][::2], squares[::2])
    assert (table[1::2] != before[1::2]).all()


def test_its_state_goes_on_elsewhere() -> None:
    table = noise(0).requires_grad_()
    optimiser = RowRMSProp([table], lr=0.02)
    table.grad = noise(1)
    optimiser.step()
    twin = table.detach().clone().requires_grad_()
    resumed = RowRMSProp([twin], lr=0.5)
    resumed.load_state_dict(copy.deepcopy(optimiser.state_dict()))
    table.grad, twin.grad = noise(2), noise(2)
    optimiser.step()
    resumed.step()
    assert torch.equal(table, twin)
