"""Whether places that were alike still are, whatever they now look like."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F

from nst3d.features.encoder import Encoder
from nst3d.tensors import Array, Features, planes_of

_LAYERS = ("relu3_1", "relu4_1")
_MOST = 1024
"""Positions of a layer at most, evenly spaced."""
_ALIKE = 1e-5
"""A mean distance that counts as none."""


@torch.no_grad()
def self_similarity_distance(
    encoder: Encoder,
    painting: Array,
    content: Array,
    mask: Array | None = None,
    layers: Sequence[str] | None = None,
) -> float | None:
    """How much the likeness between places of a painting differs from the content's: 0, the same, to 2; symmetric.

    Pictures (h, w, 3) in [0, 1]; a mask (h, w) counts above 0.5. Of each layer, the cosine distances between all
    positions, each column divided by its sum, are compared: the mean over columns of the sum of differences (Kolkin,
    Salavon & Shakhnarovich 2019, "Style transfer by relaxed optimal transport and self-similarity", eq. 7). The mean
    over layers; None for the encoder's own in place of VGG's relu3_1 and relu4_1. Gives None for a mask that covers
    fewer than two positions of a layer; ValueError for pictures of different sizes.
    """
    if painting.shape != content.shape:
        raise ValueError(f"pictures {painting.shape} and {content.shape} cannot be compared")
    layers = encoder.own(_LAYERS) if layers is None else layers
    features = [encoder(planes_of(picture), layers) for picture in (painting, content)]
    found = []
    for layer in layers:
        ours, wanted = (each[layer].float().flatten(1).T for each in features)
        places = _places(features[0][layer], mask)
        if len(places) < 2:
            return None
        difference = _distances(ours[places]) - _distances(wanted[places])
        found.append(float(difference.abs().sum(0).mean()))
    return sum(found) / len(found)


def _distances(rows: torch.Tensor) -> torch.Tensor:
    """The cosine distances (n, n) between rows (n, c), each column divided by its sum."""
    units = F.normalize(rows.double(), dim=1)
    distances = (1 - units @ units.T).clamp_min(0)
    return distances / distances.sum(0).clamp_min(_ALIKE * len(rows))


def _places(features: Features, mask: Array | None) -> torch.Tensor:
    """The positions of features (c, h, w) that count, at most `_MOST`."""
    height, width = features.shape[1:]
    inside = torch.ones(height, width)
    if mask is not None:
        whole = torch.from_numpy(np.asarray(mask, np.float32))[None, None]
        inside = F.adaptive_avg_pool2d(whole, (height, width))[0, 0]
    places = (inside.flatten() > 0.5).nonzero()[:, 0]
    if len(places) <= _MOST:
        return places
    return places[torch.linspace(0, len(places) - 1, _MOST, dtype=torch.float64).round().long()]
