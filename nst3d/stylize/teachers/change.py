"""How references change a scene's table of colours, and where the change is not decided yet."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch

from nst3d.errors import ConfigError
from nst3d.operators.base import ViewOperator
from nst3d.stylize.look import Look
from nst3d.stylize.teachers.reference import Reference, claims, seen_rows
from nst3d.tensors import Array, Image, Mask

_ROUNDS = 6
"""Times that what a picture lacks is given back to the rows that it sees."""
_GOOD = 0.5
"""Sight of a row, relative to the view that sees it best, from which a view may paint it."""
_KNOWN = 0.5
"""Part of a pixel that is decided, from which all of it is."""
_REST = 0.002
"""Part of what views see that may be left over, for the solver to fill."""


class Change:
    """The change (n, 3) of a table that references make, grown view by view."""

    def __init__(self, references: Sequence[Reference], looks: Sequence[Look]) -> None:
        """Bake the references' own changes. ConfigError for looks at a scene that is not a table of colours."""
        through, coarse = looks[0].through, [look.coarse for look in looks]
        if through is None or None in coarse:
            raise ConfigError("`references` need a scene that is a table of colours, which this one is not")
        self._views: list[ViewOperator] = [view(1) for view in coarse if view is not None]
        sources = [through(reference.camera) for reference in references]
        self._sources = dict(zip(map(id, references), sources))
        weights = claims(sources, references)
        self._table = torch.zeros(sources[0].num_colours, 3)
        self._known = self._table[:, :1]
        for view, weight, r in zip(sources, weights, references):
            self._take(view, Image((r.painted - r.original) * r.changed[..., None]), weight)
            self._known = torch.maximum(self._known, seen_rows(view, weight[..., 0] > 0))
        self._sight = [view.adjoint(Image(torch.ones(*view.size, 1))) for view in self._views]
        self._best = torch.stack(self._sight).amax(0)

    def views_to_paint(self) -> Iterator[int]:
        """The numbers of the views, each once: the next is the one that sees most of what is not decided."""
        left = dict(enumerate(self._views))
        enough = _REST * sum(float(view.coverage.sum()) for view in self._views)
        while left:
            sums = {k: float(v.mask(self._open(k)).sum()) for k, v in left.items()}
            number = max(sums, key=lambda k: sums[k])
            if sums[number] <= enough / len(self._views):
                return
            del left[number]
            yield number

    def shown(self, number: int) -> Array:
        """(h, w, 3): the change in a view."""
        shown: Array = self._views[number].apply(self._table).numpy()
        return shown

    def coverage(self, number: int) -> Array:
        """(h, w): the opacity of a view."""
        opacity: Array = self._views[number].coverage[..., 0].numpy()
        return opacity

    def todo(self, number: int) -> Array:
        """(h, w) bool: the pixels of a view that are not decided."""
        return (self._undecided(number) & (self._views[number].coverage[..., 0] > 0)).numpy()

    def paint(self, number: int, change: Array) -> None:
        """Take the change (h, w, 3) of a view where it sees well enough what is not decided."""
        view = self._views[number]
        good = view.mask(self._open(number))[..., 0] > _KNOWN * view.coverage[..., 0]
        taken = self._undecided(number) & good & (view.coverage[..., 0] > 0)
        now = view.apply(self._table)
        target = torch.where(taken[..., None], torch.from_numpy(change), now)
        weight = view.coverage.square() * (taken | ~self._undecided(number))[..., None]
        self._take(view, Image(target), Image(weight))
        self._known = torch.maximum(self._known, seen_rows(view, taken))

    def opacity(self, reference: Reference) -> Image:
        """(h, w, 1): what the scene covers of a reference."""
        return self._sources[id(reference)].coverage

    def pixel_ratio(self, reference: Reference) -> float:
        """How many times as wide as the pixels of the views those of a reference are on the scene."""
        view = self._sources[id(reference)]
        sight = view.adjoint(Image(torch.ones(*view.size, 1)))
        both = (sight > 0) & (self._best > 0)
        if not bool(both.any()):
            return 1.0
        plain = both & (sight >= sight[both].median())  # the others are seen at a slant
        return float((self._best[plain] / sight[plain]).median().sqrt().clamp(0.1, 4))

    def _take(self, view: ViewOperator, target: Image, weight: Image) -> None:
        """Move what is not decided towards a picture (h, w, 3): Landweber's iteration, scaled by rows and pixels."""
        sums = view.adjoint(Image(weight * view.coverage))
        scale = torch.where(sums > 0, (1 - self._known) / sums.clamp_min(1e-2), 0)
        for _ in range(_ROUNDS):
            self._table += scale * view.adjoint(Image(weight * (target - view.apply(self._table))))

    def _undecided(self, number: int) -> Mask:
        view = self._views[number]
        return view.mask(self._known)[..., 0] < _KNOWN * view.coverage[..., 0]

    def _open(self, number: int) -> torch.Tensor:
        """(n, 1): how much of each row is undecided, where the view sees it about as well as any."""
        return (1 - self._known) * (self._sight[number] >= _GOOD * self._best)
