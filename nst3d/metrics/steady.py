"""Loss of steady detail: a measure of consistency that neither a blur nor a flat colour improves."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import numpy as np

from nst3d.metrics.gaussian import BANDS, bands_of
from nst3d.metrics.measured import Measured
from nst3d.metrics.pairs import Pair, Protocol
from nst3d.tensors import Array

_LEVEL = (1 / 255) ** 2
"""The energy of one level of 8 bits, below which there is neither detail nor flicker."""

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
    geometric means of both pictures', so that sharpness lost by carrying is no loss. The value is the
    root mean square over octaves of √((E − C) + max(√W − √E, 0)²) / √max(E, W):

    - steady and as detailed as wanted: 0, but for what carrying costs, which the unpainted scene's own value shows;
    - with flicker of energy N over detail S: √(N / (S + N));
    - steady, but blurred: 1 less the blur's response;
    - one colour: 1.

    W is the unpainted frame's energy, but no more than the `style`'s (`detail_energy` of its pictures at the same
    scale) where that is given: a style of flat washes does not want a lawn's blades. Where nothing is wanted and
    nothing seen, the value is 0, with one level of 8 bits as the measure: a white wall without detail is steady.
    `pairs` and `unpainted` are the same flight's, in the same order.
    """
    most = np.inf if style is None else np.asarray(style)
    losses = [
        None if pair is None or bare is None else _loss(pair, bare, most)
        for pair, bare in zip(pairs, unpainted, strict=True)
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


def _loss(pair: Pair, unpainted: Pair, most: Array | float) -> float:
    common, energy = _energies(pair)
    _, wanted = _energies(unpainted)
    wanted = np.minimum(wanted, most)
    flicker = np.maximum(energy - np.maximum(common, 0), 0)
    missing = np.maximum(np.sqrt(wanted) - np.sqrt(energy), 0)
    losses = (flicker + missing**2) / (np.maximum(energy, wanted) + _LEVEL)
    return math.sqrt(float(losses.mean()))


def _energies(pair: Pair) -> tuple[Array, Array]:
    """The covariance of frame and carried frame in each octave, and the geometric mean of their energies."""
    here, carried = ([band[pair.valid] for band in bands_of(each)] for each in (pair.here, pair.carried))

    def products(one: list[Array], other: list[Array]) -> Array:
        return np.array([float(np.mean(a * b, dtype=np.float64)) for a, b in zip(one, other)])

    return products(here, carried), np.sqrt(products(here, here) * products(carried, carried))
