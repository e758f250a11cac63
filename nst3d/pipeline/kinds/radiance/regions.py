"""Regions of fields, splats and points: columns of weights beside the colour table."""

from __future__ import annotations

import numpy as np
import torch

from nst3d.errors import ConfigError
from nst3d.stylize.regions import Regions
from nst3d.tensors import Array, Colours, Share


def kept_harmonics(regions: Regions, kept: float) -> Share:
    """The share of its harmonics that each row keeps: `kept` for what is painted, all of them outside the region."""
    if regions.painted is None or kept == 1:
        return kept
    column = regions.columns[regions.painted][:, 0].numpy()
    return 1 - column * np.float32(1 - kept)


def box_region(positions: Array, corners: str) -> Colours:
    """Weights (n, 1): 1 for rows whose positions (n, 3) are in a box, 0 elsewhere.

    `corners` are two opposite corners in the scene file's coordinates, "x,y,z,x,y,z". ConfigError for invalid
    text.
    """
    try:
        numbers = np.array([float(part) for part in corners.split(",")])
    except ValueError:
        numbers = np.empty(0)
    if len(numbers) != 6 or not np.isfinite(numbers).all():
        raise ConfigError(f"region box:{corners}: expected two corners, box:x,y,z,x,y,z")
    low, high = np.minimum(numbers[:3], numbers[3:]), np.maximum(numbers[:3], numbers[3:])
    inside = ((positions >= low) & (positions <= high)).all(1)
    if not inside.any():
        least, most = positions.min(0), positions.max(0)
        reach = ",".join(f"{v:.4g}" for v in (*least, *most))
        raise ConfigError(f"region box:{corners}: contains nothing of the scene, which spans box:{reach}")
    return torch.from_numpy(inside.astype(np.float32))[:, None]
