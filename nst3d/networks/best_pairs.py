"""The best pairs of encoder and decoder whose weights are on this machine."""

from __future__ import annotations

import torch

from nst3d.networks.any_pair import AnyPair
from nst3d.networks.pairs import load_pairs
from nst3d.networks.universal import load_universal
from nst3d.weights.find import find_weights


def best_pairs(*, dtype: torch.dtype = torch.float32) -> dict[int, AnyPair]:
    """The pairs of all levels: "wct-16x" if they were fetched, otherwise those that come with nst3d.

    Raises InputError for a damaged file.
    """
    if find_weights("wct-16x") is not None:
        return {**load_pairs(dtype=dtype)}
    return {**load_universal(dtype=dtype)}
