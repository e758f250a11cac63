"""Bakes images into a colour table: linear least squares over many views, by conjugate gradients."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch

from nst3d.operators.base import ViewOperator
from nst3d.tensors import Colours, Image


@dataclass(frozen=True)
class SolveOptions:
    """Stopping criteria of conjugate gradients, and damping of rows that are hardly seen."""

    damping: float = 1e-3
    """Pull of each row towards its start, in units of pixels that show only that row."""
    iterations: int = 50
    """Maximum number of iterations."""
    tolerance: float = 1e-4
    """Stop when the preconditioned gradient's norm is below this fraction of its first, in every channel."""


Precondition = Callable[[Colours], Callable[[Colours], Colours]]
"""From the row sums (n, 1) of Σ Aᵀ W A, a symmetric positive map of tables (n, c) that is close to its inverse."""


def bake(
    views: Sequence[ViewOperator],
    images: Sequence[Image],
    start: Colours,
    options: SolveOptions | None = None,
    weights: Sequence[Image] | None = None,
    background: torch.Tensor | float = 0.0,
    progress: Callable[[int, int], None] = lambda done, total: None,
    precondition: Precondition | None = None,
) -> Colours:
    """The table (n, c) whose views are closest to the images (h, w, c), by least squares.

    Minimises Σ weight · |render(c, background) − image|² + damping · |c − start|², in the dtype
    of `start` (n, c), and returns a new table. `weights` are (h, w, 1), non-negative, one per view; None: 1.
    Rows that no weighted pixel sees keep their start exactly.

    Conjugate gradients on the normal equations (Hestenes & Stiefel 1952; the objective falls with every
    iteration), with separate steps per channel, preconditioned with the row sums of Σ Aᵀ W A: for
    non-negative weights these bound its diagonal, and they need no access to the operators' internals.
    `precondition` makes a better one from these row sums; with one that spreads, rows that are not seen follow those
    that are. Each view is indexed once per iteration and not kept, so `views` may compile, load or render them lazily.
    """
    options = options or SolveOptions()
    problem = _Normal(views, weights, options.damping)
    residual, rowsums = problem.first(images, start, background)
    preconditioned = (precondition or _diagonal)(rowsums)
    change = torch.zeros_like(start)
    direction = preconditioned(residual)
    energy = _dot(residual, direction)
    goal = energy * options.tolerance**2
    for done in range(options.iterations):
        if bool((energy <= goal).all()):
            break
        product = problem.times(direction)
        step = _ratio(energy, _dot(direction, product)).to(start)
        change += step * direction
        residual -= step * product
        descent = preconditioned(residual)
        before, energy = energy, _dot(residual, descent)
        direction = descent + _ratio(energy, before).to(start) * direction
        progress(done + 1, options.iterations)
    return start + change


class _Normal:
    """Σ Aᵀ W A + damping, applied view by view."""

    def __init__(
        self, views: Sequence[ViewOperator], weights: Sequence[Image] | None, damping: float
    ) -> None:
        self._views, self._weights, self._damping = views, weights, damping

    def _weigh(self, image: torch.Tensor, index: int) -> Image:
        return Image(image if self._weights is None else image * self._weights[index].to(image))

    def first(
        self, images: Sequence[Image], start: Colours, background: torch.Tensor | float
    ) -> tuple[Colours, Colours]:
        """The negative gradient at the start (n, c), and the matrix's row sums (n, 1); 0 for unseen rows."""
        residual, rowsums = torch.zeros_like(start), start.new_zeros(len(start), 1)
        for index in range(len(self._views)):
            view = self._views[index]
            coverage = view.coverage.to(start)
            with torch.no_grad():
                missing = images[index].to(start) - view.render(start, background)
            residual += view.adjoint(self._weigh(missing, index))
            rowsums += view.adjoint(self._weigh(coverage, index))
        return residual, torch.where(rowsums > 0, rowsums + self._damping, rowsums)

    def times(self, direction: Colours) -> Colours:
        """The matrix times a table (n, c)."""
        product = direction * self._damping
        for index in range(len(self._views)):
            view = self._views[index]
            product += view.adjoint(self._weigh(view.apply(direction), index))
        return product


def _diagonal(rowsums: Colours) -> Callable[[Colours], Colours]:
    scale = torch.where(rowsums > 0, 1 / rowsums.clamp_min(torch.finfo(rowsums.dtype).tiny), 0)
    return lambda table: scale * table


def _dot(a: Colours, b: Colours) -> torch.Tensor:
    """Inner products of the columns, (c,) float64."""
    return (a.double() * b.double()).sum(0)


def _ratio(above: torch.Tensor, below: torch.Tensor) -> torch.Tensor:
    """Quotients, 0 for converged channels."""
    return torch.where(below > 0, above / below.where(below > 0, 1), 0)
