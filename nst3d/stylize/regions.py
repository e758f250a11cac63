"""Regions of a scene, as weights on its colours."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import torch

from nst3d.errors import ConfigError
from nst3d.stylize.coat import Coat, painted
from nst3d.tensors import Colours

PAINTED = "painted regions"
"""Name of all painted regions together, if there are several."""


@dataclass(frozen=True)
class Regions:
    """Regions of a scene, as columns of weights on its colour table."""

    columns: Mapping[str, Colours] = field(default_factory=dict)
    """Name to weights (n, 1) in [0, 1], one per row of the finest table."""
    painted: str | None = None
    """The only region whose colours change; None: all of them do."""
    strength: Colours | None = None
    """How far finished colours are from the scene's own, (n, 1) in [0, 1]; None: all the way."""

    def inside(self, colours: Colours, outside: Colours) -> Colours:
        """`colours` (n, 3) blended with `outside` (n, 3) by the painted region's weights."""
        if self.painted is None:
            return colours
        return outside + self.columns[self.painted].to(outside) * (colours - outside)

    def weighted(self, rows: Colours) -> Colours:
        """Rows (n, c) times the painted region's weights."""
        return rows if self.painted is None else rows * self.columns[self.painted].to(rows)

    def restored(self, colours: Colours, outside: Colours) -> Colours:
        """Finished `colours` (n, 3) at their strength; exactly `outside` (n, 3) where nothing is painted."""
        if self.strength is not None:
            colours = torch.lerp(outside.to(colours), colours, self.strength.to(colours))
        if self.painted is None:
            return colours
        return torch.where(self.columns[self.painted].to(colours.device) > 0, colours, outside.to(colours))

    def mixed(
        self, coats: Sequence[Coat], colours_of: Callable[[Coat], Colours], outside: Colours
    ) -> Colours:
        """The colours (n, 3) that `colours_of` gives for each coat, by the weights of their regions; else `outside`."""
        if len(coats) == 1:
            return self.inside(colours_of(coats[0]), outside)
        total = outside.clone()
        for coat in coats:
            total += self.columns[coat.name].to(total) * (colours_of(coat) - outside)
        return total


def layered(coats: Sequence[Coat], columns: Mapping[str, Colours], rows: int) -> Regions:
    """The regions of coats, of which earlier ones cover later ones: each has the weight that those before leave.

    `columns` (rows, 1) are the weights of the coats' regions, and of any others, by name. If several coats paint, their
    regions together are `PAINTED`. ConfigError for a coat of which nothing is left.
    """
    found, left = dict(columns), torch.ones(rows, 1)
    total, strength, kept = torch.zeros(rows, 1), torch.zeros(rows, 1), torch.zeros(rows, 1)
    for coat in coats:
        own = left if coat.region is None else left * columns[coat.region]
        if not bool((own > 0).any()):
            raise ConfigError(
                f"{coat.told}: the regions before it cover all of it; move it up, or leave it out"
            )
        left = left - own
        if coat.styles:
            total, strength = total + own, strength + own * coat.strength
            found[coat.name] = own
        else:
            kept = kept + own
    # Sums of soft weights round to a little less than 1, which must not count as a rest that is not painted.
    total = torch.where(kept + left > 0, total.clamp_max(1), 1)
    names = [coat.name for coat in painted(coats)]
    whole = not bool((total < 1).any())
    if len(names) > 1 and not whole:
        found[PAINTED] = total
    if whole and len(names) == 1 and names[0] not in columns:  # no mask is needed of it
        found.pop(names[0], None)
    full = all(coat.strength == 1 for coat in coats)
    return Regions(
        found,
        None if whole else PAINTED if len(names) > 1 else names[0],
        None if full else torch.where(total > 0, strength / total.clamp_min(1e-6), 1),
    )
