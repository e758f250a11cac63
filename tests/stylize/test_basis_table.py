"""Loose rows learnt through bases."""

from __future__ import annotations

import numpy as np
import torch

from nst3d.operators import grid_basis
from nst3d.stylize.layout import Layout
from nst3d.stylize.table import BasisTable


def table(own: bool, scale: torch.Tensor | None = None) -> BasisTable:
    where = np.random.default_rng(1).random((40, 3))
    bases = [grid_basis(where, 0.3), grid_basis(where, 0.6)]
    base = torch.rand(40, 3, dtype=torch.float64)
    return BasisTable(base, Layout(40), bases, own, scale)


def test_it_starts_at_its_base() -> None:
    start = table(own=True)
    assert torch.equal(start.colours(), start.base)
    assert len(start.steps) == 3
    assert len(table(own=False).steps) == 2


def test_equal_steps_everywhere_shift_all_rows_by_that_step() -> None:
    painted = table(own=True)
    with torch.no_grad():
        for step in painted.steps:
            step += 0.25
    shift = painted.colours() - painted.base
    torch.testing.assert_close(shift, torch.full_like(shift, 0.25), rtol=0, atol=1e-6)


def test_the_gradient_is_that_of_finite_differences() -> None:
    painted = table(own=True)
    weights = torch.rand(40, 3, dtype=torch.float64)
    (painted.colours() * weights).sum().backward()
    for step in painted.steps:
        assert step.grad is not None
        with torch.no_grad():
            before = (painted.colours() * weights).sum()
            step[3, 1] += 1.0
            after = (painted.colours() * weights).sum()
            step[3, 1] -= 1.0
        torch.testing.assert_close(after - before, step.grad[3, 1], rtol=1e-6, atol=1e-9)


def test_rows_that_no_view_sees_stay() -> None:
    scale = torch.ones(40, 1, dtype=torch.float64)
    painted = table(own=True, scale=torch.zeros_like(scale))
    with torch.no_grad():
        for step in painted.steps:
            step += 1.0
    assert torch.equal(painted.colours(), painted.base)
