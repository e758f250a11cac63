"""What turns pictures into features and back, whichever network it is."""

from __future__ import annotations

from typing import Protocol

import torch
import torch.nn.functional as F

from nst3d.tensors import Features, Planes

LEVELS = (1, 2, 3, 4)
"""The levels, from fine to coarse: features are like those of VGG-19's relu1_1, relu2_1, relu3_1 or relu4_1."""


class AnyPair(Protocol):
    """An encoder and the decoder that inverts it."""

    level: int
    """One of `LEVELS`."""

    kept: float
    """Share of what coding loses of a picture that is added to what it becomes, 0 to 1."""

    @property
    def stride(self) -> int:
        """Pixels from one position of the features to the next."""

    @property
    def dtype(self) -> torch.dtype:
        """Dtype of weights and features."""

    def encode(self, image: Planes) -> Features:
        """Features (c, ⌊h / stride⌋, ⌊w / stride⌋) of an image (3, h, w)."""

    def decode(self, features: Features, size: tuple[int, int], smooth: bool = True) -> Planes:
        """The picture (3, h, w) of features, float32, not clamped; `size` is that of the encoded image.

        Unless `smooth`, faint slopes may become stairs, which finer levels can turn into strokes.
        """


def repainted(
    pair: AnyPair, features: Features, own: Features, picture: Planes, smooth: bool = True
) -> Planes:
    """What `features` show in place of a picture's `own`: (3, h, w) float32 in [0, 1]; `smooth` as in `decode`.

    Where a decoder blurs, as small ones do at coarse levels, the scene would lose detail at each of them. What is
    lost of the picture as it is can be measured, and the pair's share of it is added.
    """
    size = (picture.shape[1], picture.shape[2])
    painted: torch.Tensor = pair.decode(features, size, smooth)
    if pair.kept > 0:
        painted = painted + pair.kept * (picture.to(painted) - pair.decode(own, size))
    return Planes(painted.clamp(0, 1))


def fitted(decoded: torch.Tensor, size: tuple[int, int]) -> Planes:
    """A decoded picture (1, 3, h, w) with its last rows and columns repeated up to `size`, (3, H, W) float32.

    Pooling drops odd rows and columns.
    """
    height, width = size
    missing = (0, width - decoded.shape[3], 0, height - decoded.shape[2])
    return Planes((F.pad(decoded, missing, mode="replicate") if any(missing) else decoded)[0].float())
