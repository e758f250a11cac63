"""L-BFGS with one evaluation a step: it agrees with torch's where that needs no line search, and it goes back."""

from __future__ import annotations

import copy
from collections.abc import Callable

import pytest
import torch

from nst3d.stylize.lbfgs import OncePerStep

Objective = Callable[[torch.Tensor], torch.Tensor]


def bowl(x: torch.Tensor) -> torch.Tensor:
    """A quadratic whose curvatures differ a thousandfold; its minimum is at 1."""
    weights = torch.logspace(-1, 2, x.numel(), dtype=x.dtype).view_as(x)
    return (weights * (x - 1).square()).sum()


def valley(x: torch.Tensor) -> torch.Tensor:
    """Rosenbrock's function in pairs; its minimum is 0, at 1."""
    a, b = x.flatten()[::2], x.flatten()[1::2]
    return (100 * (b - a * a).square() + (1 - a).square()).sum()


def closure_of(optimiser: torch.optim.Optimizer, x: torch.Tensor, objective: Objective, seen: list[float]):
    def evaluate() -> torch.Tensor:
        optimiser.zero_grad()
        loss = objective(x)
        loss.backward()
        seen.append(float(loss.detach()))
        return loss.detach()

    return evaluate


def start(value: float, count: int = 12) -> torch.Tensor:
    return torch.full((count, 1), value, dtype=torch.float64).requires_grad_()


@pytest.mark.parametrize("objective", [bowl, valley])
def test_it_finds_the_minimum_with_one_evaluation_a_step(objective) -> None:
    x, seen = start(-0.5), []
    optimiser = OncePerStep([x], lr=1.0)
    evaluate = closure_of(optimiser, x, objective, seen)
    for _ in range(150):
        optimiser.step(evaluate)
    assert len(seen) == 150
    assert (x.detach() - 1).abs().max() < 1e-5


def test_directions_are_those_of_torch() -> None:
    """From the same two points on, both take the same steps: torch's without a line search always has length 1."""
    ours, theirs, seen = start(0.2), start(0.2), []
    optimiser = OncePerStep([ours], lr=1.0)
    optimiser.step(closure_of(optimiser, ours, bowl, seen))
    reference = torch.optim.LBFGS([theirs], lr=1.0, max_iter=1, tolerance_grad=0, tolerance_change=0)
    reference.step(closure_of(reference, theirs, bowl, []))
    with torch.no_grad():  # torch chooses its first step by another rule
        state, length = reference.state[theirs], float((ours - 0.2).norm() / (theirs - 0.2).norm())
        state["t"] *= length
        theirs.copy_(ours)
    for _ in range(6):
        optimiser.step(closure_of(optimiser, ours, bowl, seen))
        reference.step(closure_of(reference, theirs, bowl, []))
        assert torch.allclose(ours, theirs, rtol=1e-9)
    assert seen == sorted(seen, reverse=True)  # so that it never went back


def test_a_step_that_raised_the_loss_is_shortened_to_the_parabolas_minimum() -> None:
    """On a parabola that minimum is exact, wherever the step ended."""
    x, seen = start(0.0, 1), []
    optimiser = OncePerStep([x], lr=180.0)  # 0.02 · 180 = 3.6: beyond 1 and up the other side
    evaluate = closure_of(optimiser, x, lambda x: (x - 1).square().sum(), seen)
    optimiser.step(evaluate)
    assert float(x.detach()) == pytest.approx(3.6)
    optimiser.step(evaluate)
    assert seen[1] > seen[0]
    assert float(x.detach()) == pytest.approx(1.0)


def test_a_run_goes_on_from_its_state() -> None:
    x = start(-0.5)
    optimiser = OncePerStep([x], lr=1.0)
    for _ in range(9):
        optimiser.step(closure_of(optimiser, x, valley, []))
    other = x.detach().clone().requires_grad_()
    resumed = OncePerStep([other], lr=1.0)
    resumed.load_state_dict(copy.deepcopy(optimiser.state_dict()))
    for _ in range(9):
        optimiser.step(closure_of(optimiser, x, valley, []))
        resumed.step(closure_of(resumed, other, valley, []))
    assert torch.equal(x, other)


def test_at_the_minimum_it_stays() -> None:
    x, seen = start(1.0), []
    optimiser = OncePerStep([x], lr=1.0)
    for _ in range(3):
        optimiser.step(closure_of(optimiser, x, bowl, seen))
    assert seen == [0.0, 0.0, 0.0]
    assert bool((x == 1).all())


def test_it_needs_a_closure() -> None:
    with pytest.raises(TypeError, match="closure"):
        OncePerStep([start(0.0)], lr=1.0).step()
