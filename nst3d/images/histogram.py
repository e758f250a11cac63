"""Gives colours the distribution of others in three dimensions, by one smooth map."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F

from nst3d.tensors import Array, Colours

_NODES = 33
"""Nodes along each side of the cube of colours."""
_ROUNDS = 12
"""Number of rotations; distances to the other distribution hardly fall any more."""
_LEVELS = 65
"""Quantiles that are matched along an axis."""
_STEEPEST = 3.0
"""Largest amplification along an axis in one round: more would make speckle of the grain in flat areas."""


@dataclass(frozen=True, eq=False)
class ColourLookup:
    """A map of colours as a table of nodes in the cube [0, 1]³, between which it is trilinear."""

    nodes: torch.Tensor
    """(m, m, m, 3) float32, in the order red, green, blue."""

    def apply(self, colours: Colours) -> Colours:
        """The mapped colours (…, 3), in their own dtype; not clamped. Colours outside the cube count as its border."""
        rows = colours.reshape(-1, 3).float().clamp(0, 1) * 2 - 1
        volume = self.nodes.permute(3, 0, 1, 2)[None]
        places = rows.flip(1)[None, None, None]  # the last axis of the volume comes first
        found = F.grid_sample(volume, places, padding_mode="border", align_corners=True)
        return found[0, :, 0, 0].T.reshape(colours.shape).to(colours)


def sampled(colours: Colours, weights: torch.Tensor | None = None, count: int = 1 << 14) -> Colours:
    """At most `count` of the colours (n, 3), each as often as its weight (n,) demands, evenly spread over the rows.

    ValueError unless there is a weight above 0.
    """
    rows = colours.detach().reshape(-1, 3).cpu()
    if weights is None:
        weights = torch.ones(len(rows))
    share = weights.detach().reshape(-1).cpu().double().cumsum(0)
    if not (len(share) and share[-1] > 0):
        raise ValueError("a sample needs at least one colour with a weight above 0")
    count = min(count, len(rows))
    places = (torch.arange(count, dtype=torch.float64) + 0.5) * (share[-1] / count)
    return rows[torch.searchsorted(share, places).clamp_max(len(rows) - 1)]


def match_histogram(source: Colours, target: Colours) -> ColourLookup:
    """The map that gives source colours (n, 3) about the distribution of the target's (m, 3).

    After Pitié, Kokaram & Dahyot 2007, "Automated colour grading using colour distribution transfer": quantiles are
    matched along the axes of one rotation after the other. Deviates from it: slopes are limited, and the map is applied
    through a table of nodes, which also smooths it.
    """
    axis = torch.linspace(0, 1, _NODES, dtype=torch.float64)
    nodes = torch.stack(torch.meshgrid(axis, axis, axis, indexing="ij"), dim=-1).reshape(-1, 3).numpy()
    start, goal = (rows.detach().cpu().double().numpy() for rows in (source, target))
    generator = np.random.default_rng(0)
    for number in range(_ROUNDS):
        turn = np.eye(3) if number == 0 else np.linalg.qr(generator.normal(size=(3, 3)))[0]
        goal_axes, start_axes, node_axes = goal @ turn, start @ turn, nodes @ turn
        for k in range(3):
            knots, values = _quantile_map(start_axes[:, k], goal_axes[:, k])
            start_axes[:, k] = _extended(start_axes[:, k], knots, values)
            node_axes[:, k] = _extended(node_axes[:, k], knots, values)
        start, nodes = start_axes @ turn.T, node_axes @ turn.T
    table = torch.from_numpy(nodes).float().reshape(_NODES, _NODES, _NODES, 3)
    return ColourLookup(table)


def _quantile_map(source: Array, target: Array) -> tuple[Array, Array]:
    """Knots and values of the rising map from quantiles of one set of numbers to those of another."""
    levels = np.linspace(0, 1, _LEVELS)
    knots, group = np.unique(np.quantile(source, levels), return_inverse=True)
    count = np.bincount(group)
    values = np.bincount(group, np.quantile(target, levels)) / count
    steps = np.minimum(np.diff(values), _STEEPEST * np.diff(knots))
    limited = np.concatenate([[0.0], np.cumsum(steps)])
    return knots, limited + np.average(values - limited, weights=count)


def _extended(numbers: Array, knots: Array, values: Array) -> Array:
    """The piecewise linear map, which beyond its knots moves all numbers alike."""
    return np.interp(numbers, knots, values) + (numbers - np.clip(numbers, knots[0], knots[-1]))
