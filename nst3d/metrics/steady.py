"""Loss of steady detail: a measure of consistency that neither a blur nor a flat colour improves."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from nst3d.metrics.gaussian import BANDS, bands_of
from nst3d.metrics.measured import Measured
from nst3d.metrics.pairs import Pair, Protocol
from nst3d.tensors import Array

_LEVEL = (1 / 255) ** 2
"""The energy of one level of 8 bits, below which there is neither detail nor flicker."""


class Energies(NamedTuple):
    """The detail of a pair of frames, by octave from the finest."""

    common: Array
    """The covariance of the frame and the carried frame, (n,)."""
    each: Array
    """The geometric mean of their own energies, (n,)."""


Masked = tuple[Array, Array | None]
"""A picture (h, w, 3) in [0, 1], and the mask (h, w) bool of what counts; None: everything."""


def detail_loss(
    pairs: Iterable[Pair | None],
    unpainted: Iterable[Pair | None],
    protocol: Protocol,
    style: Sequence[float] | None = None,
) -> Measured:
    """The part of the detail that is not seen again in the other frame, or that is missing: amplitude, in [0, 1].

    A distance such as RMSE is least where nothing is to be seen. Here the detail of an octave (a difference of
    Gaussians) is what counts: C, the covariance of frame and carried frame, is the energy of what both show; E is the
    energy of the two, of which flicker is the part beyond C; and W is the energy that is wanted. Energies are
    geometric means of both pictures', so that sharpness lost by carrying is no loss. With M = max(E, W), the value is
    the root mean over octaves of (E − C − c E) / M + (1 − √(E / M))²:

    - steady and as detailed as wanted: 0;
    - with flicker of energy N over detail S: √(N / (S + N));
    - steady, but blurred: 1 less the blur's response;
    - one colour: 1.

    c is (E − C) / E of the unpainted scene, which has no flicker: sampling between pixels makes fine detail differ in
    every painting. W is the `style`'s energy (`detail_energy` of its pictures at the same scale): a style of flat
    washes wants no blades of grass, and strokes are wanted on a wall that has no detail of its own. None: the unpainted
    frame's. Where nothing is wanted and nothing seen, the value is 0, with one level of 8 bits as the measure. `pairs`
    and `unpainted` are the same flight's, in the same order.
    """
    return detail_loss_beside(pairs, energies_of(unpainted), protocol, style)


def detail_loss_beside(
    pairs: Iterable[Pair | None],
    unpainted: Sequence[Energies | None],
    protocol: Protocol,
    style: Sequence[float] | None = None,
) -> Measured:
    """See `detail_loss`; with `energies_of` the unpainted pairs, which are the same for all paintings."""
    losses = [
        None if own is None or bare is None else _loss(own, bare, style)
        for own, bare in zip(energies_of(pairs), unpainted, strict=True)
    ]
    return protocol.consistency("detail_loss", losses)


def detail_energy(pictures: Iterable[Masked]) -> tuple[float, ...]:
    """The mean square of the pictures' detail in each octave, from the finest. ValueError if nothing counts."""
    total, count = np.zeros(len(BANDS) - 1), 0
    for picture, mask in pictures:
        held = np.ones(picture.shape[:2], bool) if mask is None else mask
        total += [float(np.square(band[held], dtype=np.float64).mean(-1).sum()) for band in bands_of(picture)]
        count += int(held.sum())
    if not count:
        raise ValueError("nothing counts in the pictures: their masks are empty")
    return tuple(float(each) for each in total / count)


def energies_of(pairs: Iterable[Pair | None]) -> list[Energies | None]:
    """The energies of each pair."""
    return [None if pair is None else _energies(pair) for pair in pairs]


def _loss(own: Energies, unpainted: Energies, style: Sequence[float] | None) -> float:
    common, energy = own
    bare_common, bare = unpainted
    most = np.maximum(energy, bare if style is None else np.asarray(style))
    carrying = np.maximum(bare - bare_common, 0) / (bare + _LEVEL)
    flicker = np.maximum(energy * (1 - carrying) - np.maximum(common, 0), 0)
    missing = np.sqrt(most) - np.sqrt(energy)
    return math.sqrt(float(np.mean((flicker + missing**2) / (most + _LEVEL))))


def _energies(pair: Pair) -> Energies:
    here, carried = ([band[pair.valid] for band in bands_of(each)] for each in (pair.here, pair.carried))

    def products(one: list[Array], other: list[Array]) -> Array:
        return np.array([float(np.mean(a * b, dtype=np.float64)) for a, b in zip(one, other)])

    return Energies(products(here, carried), np.sqrt(products(here, here) * products(carried, carried)))
