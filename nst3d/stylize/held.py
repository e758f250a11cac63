"""Bakes the pixels of references into a table of colours, where they show the scene."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch

from nst3d.cameras.pinhole import Camera
from nst3d.errors import ConfigError
from nst3d.operators.base import ViewOperator
from nst3d.operators.solve import SolveOptions, bake
from nst3d.stylize.teachers.reference import Reference, claims, seen_rows
from nst3d.tensors import Colours, Image, Mask

_BAKE = SolveOptions(damping=2e-2, iterations=20, tolerance=1e-4)
"""Damping that rows which are well seen overcome within the rounds; without it, rows that are hardly seen take any
colour to fit what the scene is too coarse for."""
_CLOSE = 2.5 / 255
"""Difference that counts as met, half a level more than two for the rounding of files."""
_ROUNDS = 2
"""Times that it is baked, each time from colours clamped to [0, 1], as clamping one row leaves a pixel to others."""


@dataclass(frozen=True)
class Fit:
    """How well the pixels of references are met, over all channels."""

    squared: float
    """Mean squared difference."""
    mean: float
    """Mean difference, in [0, 1]."""
    close: float
    """Share of the pixels that differ by 2 of 255 levels at most."""


class Rows(ViewOperator):
    """A view of some rows of a table alone, the others 0, which makes sums over the table as short as they can be."""

    def __init__(self, view: ViewOperator, rows: Mask) -> None:
        """`rows` (n,) bool; all that the view is to be fitted in."""
        self._view, self._rows = view, rows
        self.size, self.num_colours = view.size, int(rows.sum())

    def apply(self, colours: Colours) -> Image:
        """A c of the table that has these colours in its rows."""
        table = colours.new_zeros(len(self._rows), colours.shape[1])
        table[self._rows] = colours
        return self._view.apply(table)

    def adjoint(self, image: Image) -> Colours:
        """The rows of Aᵀ g."""
        return self._view.adjoint(image)[self._rows]

    @property
    def coverage(self) -> Image:
        """The view's opacity."""
        return self._view.coverage

    @property
    def nbytes(self) -> int:
        """The view's memory, in bytes."""
        return self._view.nbytes


class Held:
    """References as a table sees them."""

    @torch.no_grad()
    def __init__(
        self,
        through: Callable[[Camera], ViewOperator] | None,
        references: Sequence[Reference],
        start: Colours,
    ) -> None:
        """Pixels that were left alone are those of `start` (n, 3). ConfigError without `through`, of no table."""
        if through is None:
            raise ConfigError("`references` need a scene that is a table of colours, which this one is not")
        self._views = [through(reference.camera) for reference in references]
        self._weights = claims(self._views, references)
        self._targets = [
            Image(torch.where(r.changed[..., None], r.painted.to(start), view.render(start, 1.0)))
            for view, r in zip(self._views, references)
        ]

    @property
    def rows(self) -> Mask:
        """(n,) bool: the rows that references see well enough to decide them."""
        sight = (seen_rows(v, w[..., 0] > 0)[:, 0] for v, w in zip(self._views, self._weights))
        return torch.stack([s >= 1 for s in sight]).any(0)

    @torch.no_grad()
    def change(self, colours: Colours) -> tuple[Colours, Fit]:
        """The least change (n, 3) of a table (n, 3) that shows the references as they were painted, and how well.

        Rows that no deciding pixel sees (`claims`) keep their colours; it is measured over all such pixels.
        """
        pairs = list(zip(self._views, self._weights))
        rows = torch.stack([view.adjoint(weight)[:, 0] > 0 for view, weight in pairs]).any(0)
        some, part = [Rows(view, rows) for view in self._views], colours[rows]
        for _ in range(_ROUNDS):
            part = bake(some, self._targets, part, _BAKE, self._weights, 1.0).clamp(0, 1)
        before, colours = colours, colours.index_put((rows,), part)
        missing = [(v.render(colours, 1.0) - t)[w[..., 0] > 0] for (v, w), t in zip(pairs, self._targets)]
        apart = torch.cat(missing)
        close = (apart.abs().amax(1) <= _CLOSE).double().mean()
        return colours - before, Fit(float(apart.square().mean()), float(apart.abs().mean()), float(close))
