"""The motion of a flight, found once on its unpainted frames, by which all its paintings are measured."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch

from nst3d.flow.method import FlowMethod
from nst3d.flow.warp import trusted, warped
from nst3d.images.levels import to_bytes
from nst3d.metrics.footage import Footage
from nst3d.metrics.pairs import Pair, pair_of
from nst3d.tensors import planes_of


@dataclass(frozen=True, eq=False)
class Motions:
    """The flows between frames t − gap and t of a flight, for each t."""

    method: str
    """The name of what found them, such as dis."""
    gap: int
    unpainted: Footage
    """The frames between which they were found."""
    forth: tuple[torch.Tensor, ...]
    """(h, w, 2) each, float32 pixels right and down, from frame t − gap to frame t."""
    back: tuple[torch.Tensor, ...]
    """(h, w, 2) each, from frame t to frame t − gap."""


def motions_of(unpainted: Footage, gap: int, flow: FlowMethod) -> Motions:
    """The motion in unpainted footage; there is none if it has no pairs of the gap."""
    levels = [to_bytes(frame) for frame in unpainted.frames]
    numbers = range(0 if unpainted.lacks_pairs(gap) is None else len(unpainted), len(unpainted) - gap)
    forth = tuple(flow.between(levels[n], levels[n + gap]) for n in numbers)
    back = tuple(flow.between(levels[n + gap], levels[n]) for n in numbers)
    return Motions(flow.name, gap, unpainted, forth, back)


def flow_pairs(footage: Footage, motions: Motions) -> Iterator[Pair | None]:
    """Frame t − gap and frame t carried back to it, for each t, where the flow can be trusted.

    None where fewer than 1 % of the pixels are left. Raises ValueError for footage of another size than the motions'.
    """
    motions.unpainted.need_size_of(footage)
    for number, (forth, back) in enumerate(zip(motions.forth, motions.back, strict=True)):
        moved = warped(planes_of(footage.frames[number + motions.gap]), forth)
        valid = trusted(forth, back).numpy() > 0
        yield pair_of(footage.frames[number], moved.permute(1, 2, 0).numpy(), valid)
