"""Connected patches of a mask."""

from __future__ import annotations

import numpy as np

from nst3d.tensors import Array


def patches(mask: Array) -> Array:
    """The patch of each pixel of a mask (h, w), (h, w) int64: 0 … k − 1 for k patches, and -1 where it is False.

    Pixels of one patch are connected through their four neighbours.
    """
    number = np.full(mask.shape, -1, np.int64)
    number[mask] = np.arange(np.count_nonzero(mask))
    across, down = mask[:, 1:] & mask[:, :-1], mask[1:] & mask[:-1]
    one = np.concatenate([number[:, 1:][across], number[1:][down]])
    other = np.concatenate([number[:, :-1][across], number[:-1][down]])
    root = np.arange(np.count_nonzero(mask))
    while True:
        low, high = np.minimum(root[one], root[other]), np.maximum(root[one], root[other])
        apart = low != high
        if not apart.any():
            break
        np.minimum.at(root, high[apart], low[apart])
        while (root[root] != root).any():
            root = root[root]
    number[mask] = np.unique(root, return_inverse=True)[1]
    return number
