"""Paints frames by moving their features to a style's statistics, level by level."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import final

import torch

from nst3d.networks.pairs import Pair
from nst3d.networks.transport import AffineMap, monge_map, pooled_statistics
from nst3d.stylize.style import Style
from nst3d.stylize.teachers.style_features import encoded_styles, mixed_statistics
from nst3d.tensors import Planes


@final
class TransportedFrames:
    """Whitening and colouring with one map for all frames of a shot, from the coarsest level to the finest.

    Each frame gets the same map, so what stands still in the frames does so in the pictures.
    """

    def __init__(self, pairs: Mapping[int, Pair], styles: Sequence[Style], size: int) -> None:
        """`size`: long side of the frames in pixels, at which the styles are encoded."""
        self._pairs = [pairs[level] for level in sorted(pairs, reverse=True)]
        self._styles = [mixed_statistics(encoded_styles(pair, styles, size), styles) for pair in self._pairs]
        self._maps: list[AffineMap] = []

    def begin(self, samples: Sequence[Planes]) -> None:
        """Make the shot's maps from the statistics of these frames."""
        self._maps, pictures = [], list(samples)
        for pair, style in zip(self._pairs, self._styles):
            features = [pair.encode(picture) for picture in pictures]
            move = monge_map(pooled_statistics((f, None) for f in features), style)
            self._maps.append(move)
            pictures = [_decoded(pair, move, f, p) for f, p in zip(features, pictures)]

    def paint(self, frame: Planes) -> Planes:
        """The frame (3, h, w), moved and decoded at each level."""
        picture = frame
        for pair, move in zip(self._pairs, self._maps, strict=True):
            picture = _decoded(pair, move, pair.encode(picture), picture)
        return picture


def _decoded(pair: Pair, move: AffineMap, features: torch.Tensor, picture: Planes) -> Planes:
    height, width = picture.shape[1:]
    return Planes(pair.decode(move(features), (height, width)).clamp(0, 1))
