"""Bakes the pixels of references into a table of colours, where they show the scene."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from nst3d.cameras.pinhole import Camera
from nst3d.errors import ConfigError
from nst3d.operators.base import ViewOperator
from nst3d.operators.rows import of_rows
from nst3d.operators.solve import Precondition, SolveOptions, bake
from nst3d.stylize.teachers.reference import Reference, claims
from nst3d.tensors import Colours, Image

_BAKE = SolveOptions(damping=2e-2, iterations=10, tolerance=1e-4)
"""Damping that rows which are well seen overcome within the rounds; without it, rows that are hardly seen take any
colour to fit what the scene is too coarse for."""
_ROUNDS = 8
"""Times that it is baked at most, each time from where the last ended, without what has reached 0 or 1."""
_GAIN = 0.99
"""The root mean square that a round must leave of the last one's to be worth another; it is that or less while texels
still follow, and nearly 1 where the scene cannot show more."""
_CLOSE = 2.5 / 255
"""Difference that counts as met, half a level more than two for the rounding of files."""
_ALIKE = 1.01 / 255
"""Difference from the scene as it is, up to which a pixel that was left alone is the scene's: pictures are rounded."""


@dataclass(frozen=True)
class Fit:
    """How well the pixels of a reference are met that decide what the scene looks like."""

    name: str
    """The reference's."""
    squared: float
    """Mean squared difference of a channel, of [0, 1]."""
    close: float
    """Share of the pixels that differ by 2 of 255 levels at most."""
    pixels: int
    """Their number."""
    rows: int
    """The number of colours that they see."""

    def facts(self) -> dict[str, Any]:
        """For metrics."""
        return {
            "name": self.name,
            "pixels": self.pixels,
            "within_2": round(self.close, 4),
            "rms": round(self.squared**0.5 * 255, 3),
            "colours": self.rows,
        }

    def told(self) -> str:
        """A sentence for the user."""
        text = (
            f"reference {self.name}: {self.close:.1%} of its {self.pixels:,} pixels are within 2 of 255 levels of what"
            f" was painted (root mean square difference {self.squared**0.5 * 255:.1f})"
        )
        if self.close < _MET and self.rows < _FEW * self.pixels:
            text += f": the scene has {self.rows:,} colours there, too few for details as fine as its pixels"
        return text


_MET = 0.95
"""Share of close pixels below which the user is told why."""
_FEW = 2.0
"""Colours for each pixel below which they limit what can be shown."""


class Held:
    """References as a table sees them."""

    @torch.no_grad()
    def __init__(
        self,
        through: Callable[[Camera], ViewOperator] | None,
        references: Sequence[Reference],
        start: Colours,
    ) -> None:
        """What was left alone is to look like `start` (n, 3). ConfigError without `through`, of no table."""
        if through is None:
            raise ConfigError("`references` need a scene that is a table of colours, which this one is not")
        views = [through(reference.camera) for reference in references]
        self._names = [reference.name for reference in references]
        self._weights = claims(views, references)
        self._targets = [_target(view, r, start) for view, r in zip(views, references)]
        self._loose = [~r.changed[..., None] & r.strokes_only for r in references]
        self._rows = torch.stack([v.adjoint(w)[:, 0] > 0 for v, w in zip(views, self._weights)]).any(0)
        self._views = [of_rows(view, self._rows) for view in views]

    @torch.no_grad()
    def change(self, colours: Colours) -> Colours:
        """The least change (n, 3) of a table (n, 3) that shows the references as they were painted.

        Rows that no deciding pixel sees (`claims`) keep their colours, and all stay in [0, 1]. Conjugate gradients
        alternate with projections, between which the colours at 0 or 1 that would leave it are fixed (Moré and Toraldo
        1991, "On the solution of large quadratic programming problems with bound constraints").
        """
        before = colours[self._rows]
        part = best = before.clamp(0, 1)
        shown = (view.render(part, 1.0) for view in self._views)
        targets = [Image(torch.where(*three)) for three in zip(self._loose, shown, self._targets)]
        error = found = self._squared(best, targets)
        for _ in range(_ROUNDS):
            free = self._free(part, targets)
            part = bake(self._views, targets, part, _BAKE, self._weights, 1.0, precondition=free).clamp(0, 1)
            last, error = error, self._squared(part, targets)
            if error < found:
                best, found = part, error
            if error > _GAIN**2 * last:
                break
        return colours.new_zeros(colours.shape).index_put((self._rows,), best - before)

    @torch.no_grad()
    def fits(self, colours: Colours) -> list[Fit]:
        """How well a table (n, 3) meets each reference."""
        part, found = colours[self._rows].to(self._targets[0]), []
        missing = self._missing(part, self._targets)
        for name, view, weight, image in zip(self._names, self._views, self._decisive, missing):
            apart = image[weight[..., 0] > 0]
            close = float((apart.abs().amax(1) <= _CLOSE).double().mean()) if len(apart) else 1.0
            squared = float(apart.square().mean()) if len(apart) else 0.0
            rows = int((view.adjoint(weight) > 0).sum())
            found.append(Fit(name, squared, close, len(apart), rows))
        return found

    def squared(self, colours: Colours) -> float:
        """The mean squared difference of a table (n, 3) from all references."""
        fits = self.fits(colours)
        return sum(fit.squared * fit.pixels for fit in fits) / max(1, sum(fit.pixels for fit in fits))

    @property
    def _decisive(self) -> list[Image]:
        """The weights (h, w, 1) of pixels whose colours are given."""
        return [Image(weight * ~loose) for weight, loose in zip(self._weights, self._loose)]

    def _missing(self, part: Colours, targets: Sequence[Image]) -> list[Image]:
        """What the pixels that decide lack, (h, w, 3), 0 elsewhere."""
        views = zip(self._views, targets, self._weights)
        return [Image((target - view.render(part, 1.0)) * weight) for view, target, weight in views]

    def _squared(self, part: Colours, targets: Sequence[Image]) -> float:
        return sum(float(missing.square().sum()) for missing in self._missing(part, targets))

    def _free(self, part: Colours, targets: Sequence[Image]) -> Precondition:
        """Steps in proportion to the sight of rows, without those that lead out of [0, 1]."""
        missing = self._missing(part, targets)
        pull = torch.stack([v.adjoint(m) for v, m in zip(self._views, missing)]).sum(0)
        free = ~(((part <= 0) & (pull < 0)) | ((part >= 1) & (pull > 0)))

        def precondition(sums: Colours) -> Callable[[Colours], Colours]:
            scale = free * torch.where(sums > 0, 1 / sums.clamp_min(torch.finfo(sums.dtype).tiny), 0)
            return lambda table: scale * table

        return precondition


def _target(view: ViewOperator, reference: Reference, start: Colours) -> Image:
    """What the scene should show (h, w, 3)."""
    now, original = view.render(start, 1.0), reference.original.to(start)
    alike = (now - original).abs().amax(2, keepdim=True) <= _ALIKE
    alone = torch.where(alike, now, original)
    return Image(torch.where(reference.changed[..., None], reference.painted.to(start), alone))
