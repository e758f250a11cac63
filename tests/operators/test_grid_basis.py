"""The grid basis: a linear map that keeps what is constant or linear in space."""

from __future__ import annotations

import numpy as np
import torch

from nst3d.operators import dot_test, grid_basis


def points(count: int = 500) -> np.ndarray:
    return np.random.default_rng(0).random((count, 3)).astype(np.float32)


def test_adjoint_is_the_transpose() -> None:
    assert dot_test(grid_basis(points(), 0.11)) < 1e-12


def test_constants_come_out_as_they_go_in() -> None:
    basis = grid_basis(points(), 0.11)
    ones = basis.apply(torch.ones(basis.num_colours, 1, dtype=torch.float64))
    torch.testing.assert_close(ones, torch.ones_like(ones), rtol=0, atol=1e-6)


def test_least_squares_reproduces_a_linear_field() -> None:
    where = points()
    basis = grid_basis(where, 0.2)
    matrix = basis.apply(torch.eye(basis.num_colours, dtype=torch.float64))[:, 0]
    field = torch.from_numpy(where).double() @ torch.tensor([[1.0], [-2.0], [0.5]], dtype=torch.float64)
    nodes = torch.linalg.lstsq(matrix, field, driver="gelsd").solution
    torch.testing.assert_close(matrix @ nodes, field, rtol=0, atol=1e-6)


def test_only_nodes_next_to_points_exist() -> None:
    assert grid_basis(np.array([[0.5, 0.5, 0.5]]), 1.0).num_colours == 8
    far = np.array([[0.5, 0.5, 0.5], [100.5, 0.5, 0.5]])
    assert grid_basis(far, 1.0).num_colours == 16
