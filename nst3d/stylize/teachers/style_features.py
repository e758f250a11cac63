"""Features of styles, and their statistics."""

from __future__ import annotations

from collections.abc import Sequence

from nst3d.networks.any_pair import AnyPair
from nst3d.networks.transport import Statistics, blended, pooled_statistics
from nst3d.stylize.style import Style
from nst3d.tensors import Features, Mask

Encoded = Sequence[tuple[Features, Mask | None]]
"""Features of each picture of a style, and its opacity."""


def encoded_styles(pair: AnyPair, styles: Sequence[Style], size: int) -> list[Encoded]:
    """The features of all pictures of each style, for views with a long side of `size` pixels."""
    return [
        [(pair.encode(p), o) for p, o in zip(style.at(size), style.opacities_at(size))] for style in styles
    ]


def mixed_statistics(encoded: Sequence[Encoded], styles: Sequence[Style]) -> Statistics:
    """The statistics of styles, each over all of its pictures, mixed by the styles' weights."""
    found = [pooled_statistics(pictures) for pictures in encoded]
    return blended(found, [style.weight for style in styles])
