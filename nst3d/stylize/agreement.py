"""Remembers what each view showed, so that later views can agree with it at shared surface points.

Comparing two views in one step would render and encode twice. Instead, each view is compared with a
neighbour as last painted, at most one round ago, which needs no extra encoding.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch

from nst3d.losses.observation import IMAGE, Observation
from nst3d.losses.partner import Correspondence, Partner
from nst3d.stylize.kept import Kept
from nst3d.tensors import Features, Planes

Correspond = Callable[[int, int, int], Correspondence]
"""Maps (view, partner, pixels per cell) to the positions of the view's cells in the partner."""


class ViewMemory:
    """Features and chosen style neighbours of each view, and the geometry between views."""

    def __init__(
        self,
        neighbours: Sequence[Sequence[int]],
        correspond: Correspond,
        budget_bytes: float = math.inf,
    ) -> None:
        """`neighbours` lists, for each view, those that see most of the same surface.

        Beyond the budget, the least recently seen views are evicted and no longer available as partners.
        """
        self._neighbours, self._correspond = neighbours, correspond
        self._strides: dict[str, int] = {}
        self._layers: tuple[str, ...] = ()
        self._features: Kept[int, dict[str, torch.Tensor]] = Kept(budget_bytes)
        self._pictures: dict[int, Planes] = {}
        self._choices: dict[int, dict[str, torch.Tensor]] = {}
        self._geometry: Kept[tuple[int, int, int], tuple[torch.Tensor, ...]] = Kept(budget_bytes / 4)
        self._turn: dict[int, int] = {}

    def require(self, strides: Mapping[str, int], layers: Sequence[str] = ()) -> None:
        """Request correspondences, as pixels per cell by layer or group of layers, and features of layers."""
        self._strides |= strides
        self._layers = tuple(dict.fromkeys((*self._layers, *layers)))

    def find_partner(self, view: int) -> Partner | None:
        """The next seen neighbour of a view, or None. Unchanged until the view is noted."""
        known = [k for k in self._neighbours[view] if k in self._features]
        if not known:
            return None
        partner = known[self._turn.get(view, 0) % len(known)]
        geometry = {key: self._between(view, partner, stride) for key, stride in self._strides.items()}
        return Partner(geometry, self._features[partner], self._choices.get(partner, {}))

    def extract(self, observation: Observation) -> Observation:
        """The parts of an observation that `note` keeps, detached."""
        kept = {layer: observation.features[layer].detach() for layer in self._layers}
        if self._layers:
            kept[IMAGE] = observation.features[IMAGE].detach()
        return Observation(kept, view=observation.view, choices=dict(observation.choices))

    def note(self, observation: Observation) -> None:
        """Store a view's `extract`, and advance the view to its next neighbour."""
        view = observation.view
        self._keep(view, observation.features)
        self._choices[view] = dict(observation.choices)
        self._turn[view] = self._turn.get(view, 0) + 1

    def state(self) -> dict[str, Any]:
        """The memory for a checkpoint: the views' pictures (a fifth of the features), in order of use."""
        return {
            "views": [(view, self._pictures.get(view)) for view in self._features],
            "choices": {view: dict(choices) for view, choices in self._choices.items()},
            "turn": dict(self._turn),
        }

    def restore(self, state: Mapping[str, Any], encode: Callable[[Planes], Mapping[str, Features]]) -> None:
        """Restore a state; `encode` computes a picture's features."""
        for view, picture in state["views"]:
            # With a graph, as when it was judged, so that results are bit-identical.
            features = {} if picture is None else encode(picture.requires_grad_())
            self._keep(view, {name: found.detach() for name, found in features.items()})
        self._choices = {view: dict(choices) for view, choices in state["choices"].items()}
        self._turn = dict(state["turn"])

    def _keep(self, view: int, features: Mapping[str, torch.Tensor]) -> None:
        self._features[view] = {layer: features[layer] for layer in self._layers}
        if IMAGE in features:
            self._pictures[view] = Planes(features[IMAGE])
        self._pictures = {k: picture for k, picture in self._pictures.items() if k in self._features}

    def _between(self, view: int, partner: int, stride: int) -> Correspondence:
        key = (view, partner, stride)
        if key not in self._geometry:
            found = self._correspond(view, partner, stride)
            self._geometry[key] = (found.grid, found.valid)
        return Correspondence(*self._geometry[key])
