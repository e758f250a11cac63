"""The CPU's fused steps against the torch twin: values, gradients, whole steps."""

from __future__ import annotations

import copy
from dataclasses import replace

import numpy as np
import pytest
import torch
from small_fits import BACKGROUND, EXACT, RAYS, grid, rays

from nst3d.reconstruct import kernels
from nst3d.reconstruct.grid import FitGrid
from nst3d.reconstruct.options import FitOptions
from nst3d.reconstruct.step import KernelStepper, smoothing
from nst3d.reconstruct.torch_fit import TorchStepper, distortion
from nst3d.renderers.voxel_reference import Marched

CPU = torch.device("cpu")
CASES = [(False, 0, 0.0), (False, 1, 0.3), (True, 1, 0.0), (True, 2, 0.0)]


def fused(g: FitGrid, options: FitOptions) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The kernels' gradient (n, 1 + 3k), which rows are touched, and the rays' colours."""
    batch, jitter = rays()
    gradients = np.zeros((kernels.TABLES, *g.squares.shape), np.float32)
    touched, shown = np.zeros((kernels.TABLES, len(g)), np.uint8), np.empty((RAYS, 3), np.float32)
    given = (batch.origins, batch.directions, batch.basis(g.degree), batch.targets, jitter)
    settings = (BACKGROUND, options.step, options.faint, options.distortion / RAYS)
    kernels.accumulate(g.kernel_grid, given, (g.density, g.colours), settings, gradients, touched, shown)
    return gradients.sum(0), np.flatnonzero(touched.max(0)), shown


def twin(g: FitGrid, options: FitOptions) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    stepper = TorchStepper(options, CPU)
    stepper.take(g)
    gradient, rows, shown = stepper.gradients(*rays())
    return gradient.numpy(), rows.numpy(), shown.numpy()


def squared(shown: np.ndarray) -> float:
    """The squared error of the rays' colours."""
    return float(((shown.astype(float) - rays()[0].targets) ** 2).sum())


def distance(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.linalg.norm(a - b) / np.linalg.norm(b))


@pytest.mark.parametrize(("contracted", "degree", "holes"), CASES)
def test_gradients_are_those_of_autograd(contracted, degree, holes) -> None:
    g = grid(contracted, degree, holes)
    found, rows, shown = fused(g, EXACT)
    expected, twin_rows, twin_shown = twin(g, EXACT)
    np.testing.assert_allclose(shown, twin_shown, atol=2e-5)
    assert np.array_equal(rows, twin_rows)
    for column in range(found.shape[1]):
        assert distance(found[:, column], expected[:, column]) < 1e-4


def test_passing_over_faint_samples_is_the_same_in_both() -> None:
    options = replace(EXACT, faint=5e-3)
    g = grid()
    found, rows, shown = fused(g, options)
    expected, twin_rows, twin_shown = twin(g, options)
    assert squared(shown) == pytest.approx(squared(twin_shown), rel=1e-4)
    assert len(rows) < len(fused(g, EXACT)[1])
    assert len(np.setxor1d(rows, twin_rows)) <= 8  # a sample may lie at the limit
    assert distance(found, expected) < 1e-2


def test_the_gradient_is_the_change_of_the_loss() -> None:
    g, options = grid(), replace(EXACT, distortion=0.0)
    gradient, _, _ = fused(g, options)
    way = np.random.default_rng(0).normal(size=gradient.shape).astype(np.float32)
    losses = []
    for sign in (-1, 1):
        moved = copy.copy(g)
        moved.density, moved.colours = (
            g.density + sign * 1e-3 * way[:, 0],
            g.colours + sign * 1e-3 * way[:, 1:],
        )
        losses.append(squared(fused(moved, options)[2]) / 2 / RAYS)
    assert (losses[1] - losses[0]) / 2e-3 == pytest.approx(float((gradient * way).sum()), rel=1e-2)


def test_distortion_is_the_sum_over_pairs() -> None:
    rng = np.random.default_rng(1)
    weights = torch.from_numpy(rng.random((4, 9))).requires_grad_()
    paths = torch.from_numpy(np.sort(rng.random((4, 9)) * 5, axis=1))
    none = torch.zeros(4, 9)
    marched = Marched(weights, none, none, paths, torch.zeros(4), torch.zeros(0, 8))
    naive = (weights[:, :, None] * weights[:, None] * (paths[:, :, None] - paths[:, None]).abs()).sum()
    naive = naive + (weights**2).sum() * 0.8 / 3
    fast = distortion(marched, 0.8)
    torch.testing.assert_close(fast, naive)
    torch.testing.assert_close(*(torch.autograd.grad(loss, weights)[0] for loss in (fast, naive)))


def test_smoothing_is_the_gradient_of_total_variation() -> None:
    """Held against autograd over all pairs, every row touched."""
    g = grid(degree=1, holes=0.2)
    gradients = np.zeros((kernels.TABLES, *g.squares.shape), np.float32)
    touched = np.ones((kernels.TABLES, len(g)), np.uint8)
    kernels.smooth(g.density, g.colours, (g.links, g.nodes), smoothing(EXACT), gradients, touched)
    values = torch.from_numpy(np.column_stack([g.density, g.colours])).double().requires_grad_()
    weights = np.repeat(smoothing(EXACT).astype(float), [1, 3, 9])
    loss = torch.zeros((), dtype=torch.float64)
    for axis in range(3):
        pairs = np.stack([np.roll(g.links, s, axis).take(range(1, 12), axis) for s in (0, 1)], -1)
        first, second = pairs[(pairs >= 0).all(-1)].T
        d = values[first] - values[second]
        parts = torch.cat([torch.sqrt(1 + d[:, :1] ** 2), d[:, 1:] ** 2 / 2], 1)
        loss = loss + (parts * torch.from_numpy(weights)).sum()
    (expected,) = torch.autograd.grad(loss, values)
    np.testing.assert_allclose(gradients.sum(0), expected.numpy(), atol=1e-6)


def test_update_is_rmsprop_by_hand_and_clears() -> None:
    density, colours = np.array([1.0, 2.0], np.float32), np.zeros((2, 3), np.float32)
    squares = np.zeros((2, 4), np.float32)
    squares[0, 0] = 0.04
    gradients = np.zeros((kernels.TABLES, 2, 4), np.float32)
    gradients[0, 0, 0], gradients[1, 0, 0], gradients[0, 0, 2] = 0.1, 0.2, -3.0
    gradients[0, 1] = 9.0
    touched = np.zeros((kernels.TABLES, 2), np.uint8)
    touched[0, 0] = 1
    rates = np.full(4, 0.5, np.float32)
    kernels.update(density, colours, squares, (rates, np.float32(0.9)), gradients, touched)
    square = 0.9 * 0.04 + 0.1 * 0.09
    assert density.tolist() == pytest.approx([1 - 0.5 * 0.3 / square**0.5, 2], rel=1e-6)
    assert colours[0].tolist() == pytest.approx(
        [0, 0.5, 0], abs=1e-6
    )  # the first step has the size of its rate
    assert squares[0].tolist() == pytest.approx([square, 0, 9, 0], rel=1e-6)
    assert squares[1].max() == 0
    assert touched.max() == 0
    assert gradients[:, 0].max() == 0


@pytest.mark.parametrize("contracted", [False, True])
def test_whole_steps_agree(contracted) -> None:
    rates = np.full(13, 0.01, np.float32)
    rates[0] = 0.1
    results = []
    for make in (lambda: KernelStepper(EXACT), lambda: TorchStepper(EXACT, CPU)):
        g, stepper = grid(contracted), make()
        errors = [squared(stepper.step(g, *rays(), rates)) for _ in range(4)]
        stepper.settle()
        results.append((errors, g))
    (errors, ours), (twin_errors, theirs) = results
    assert errors == pytest.approx(twin_errors, rel=1e-3)
    assert errors[-1] < errors[0]
    # RMSProp moves by the sign of a gradient at first, and tiny ones may differ in it.
    close = np.abs(ours.density - theirs.density) < 1e-3
    assert close.mean() > 0.99
    assert (np.abs(ours.colours - theirs.colours) < 1e-3).mean() > 0.99
