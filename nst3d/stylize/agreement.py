"""Remembers what each view showed, so that the next view can agree with it at common surface points.

Comparing two views in one step would render and encode twice. Here each view is compared with a
neighbour as it was when last painted, at most one round ago: no extra encoding.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

import torch

from nst3d.losses.consistency import Correspondence, Partner
from nst3d.losses.observation import Observation
from nst3d.stylize.kept import Kept

Correspond = Callable[[int, int, int], Correspondence]
"""(view, partner, pixels a cell) to where the view's cells lie in the partner."""


class ViewMemory:
    """Features and chosen style neighbours of each view, and the geometry between views."""

    def __init__(
        self,
        neighbours: Sequence[Sequence[int]],
        correspond: Correspond,
        strides: Mapping[str, int],
        layers: tuple[str, ...],
        budget_bytes: float = math.inf,
    ) -> None:
        """`neighbours` lists for each view those that see most of the same surface.

        `strides` gives for each layer (and group of layers that choices are made for) the pixels a cell;
        features of `layers` are kept. Beyond the budget views are forgotten, those seen longest ago first: they
        are no partners then.
        """
        self._neighbours, self._correspond, self._strides = neighbours, correspond, strides
        self._layers = layers
        self._features: Kept[int, dict[str, torch.Tensor]] = Kept(budget_bytes)
        self._choices: dict[int, dict[str, torch.Tensor]] = {}
        self._geometry: Kept[tuple[int, int, int], tuple[torch.Tensor, ...]] = Kept(budget_bytes / 4)
        self._turn: dict[int, int] = {}

    def find_partner(self, view: int) -> Partner | None:
        """The next of the view's neighbours that has been seen, or None."""
        known = [k for k in self._neighbours[view] if k in self._features]
        if not known:
            return None
        partner = known[self._turn.get(view, 0) % len(known)]
        geometry = {key: self._between(view, partner, stride) for key, stride in self._strides.items()}
        return Partner(geometry, self._features[partner], self._choices.get(partner, {}))

    def note_choices(self, view: int, choices: Mapping[str, torch.Tensor]) -> None:
        """Keep the style neighbours that a view chose."""
        self._choices[view] = dict(choices)

    def note(self, observation: Observation) -> None:
        """Keep a view's features, and let it meet another neighbour next time."""
        kept = {layer: observation.features[layer].detach() for layer in self._layers}
        self._features[observation.view] = kept
        self._turn[observation.view] = self._turn.get(observation.view, 0) + 1

    def _between(self, view: int, partner: int, stride: int) -> Correspondence:
        key = (view, partner, stride)
        if key not in self._geometry:
            found = self._correspond(view, partner, stride)
            self._geometry[key] = (found.grid, found.valid)
        return Correspondence(*self._geometry[key])
