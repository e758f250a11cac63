"""Consistency by geometry: frames are carried to each other by the depths and cameras that made them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from nst3d.metrics.footage import Footage
from nst3d.metrics.measured import Measured
from nst3d.metrics.pairs import Pair, Perceptual, Protocol, compared, pair_of
from nst3d.metrics.warp import carried_by, warp_between

NO_DEPTH = "the frames have no depth"


def geometric(footage: Footage, gap: int, perceptual: Perceptual) -> tuple[Measured, Measured]:
    """RMSE and perceptual distance of each frame t from frame t − gap as it would look from there.

    The other frame is sampled bilinearly where depth and cameras say that it shows the same point, hidden points are
    excluded by depth, and only those that both see count: no flow is involved, and a painting cannot change its own
    masks. Sampling costs sharpness, so that a perfectly steady picture is above 0 if it has fine detail; compare with
    the unpainted scene and with `detail_loss`. Without depth or pairs, Measured have the reason.
    """
    return compared(geometric_pairs(footage, gap), perceptual, geometric_protocol(footage, gap))


def geometric_protocol(footage: Footage, gap: int) -> Protocol:
    """The protocol's name, with the reason if the footage has no pairs by geometry."""
    reason = NO_DEPTH if footage.seen is None else footage.lacks_pairs(gap)
    return Protocol("geometric", gap, reason, "carried by depth and cameras")


def geometric_pairs(footage: Footage, gap: int) -> Iterator[Pair | None]:
    """Frame t and frame t − gap carried to it, for each t; None where they have too few points in common.

    Raises ValueError without depth.
    """
    if footage.seen is None:
        raise ValueError(NO_DEPTH)
    for here in range(gap, len(footage)):
        warp = warp_between(footage.seen[here], footage.seen[here - gap])
        frame = footage.frames[here]
        moved = np.zeros_like(frame)
        moved[warp.valid] = carried_by(warp, footage.frames[here - gap])
        yield pair_of(frame, moved, warp.valid)
