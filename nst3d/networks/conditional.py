"""The network of feed-forward style transfer whose normalisation depends on the style.

Convolutions that contract, residual blocks, convolutions that expand; after each, features are normalised to a mean and
deviation that are linear in a vector that describes the style (Dumoulin et al. 2017, "A learned representation for
artistic style"; Ghiasi et al. 2017). Vectors can be mixed: what they give is a style in between.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import nn

from nst3d.tensors import Mask, Planes

_EPSILON = 1e-5
_STRIDE = 4
"""Pixels from one position of the residual blocks' features to the next."""
_LEAST = 16
"""Minimum side of a picture, for the reflected borders; smaller ones are extended."""


@dataclass(frozen=True)
class Moments:
    """Mean and variance of a layer's channels, before they are normalised."""

    mean: torch.Tensor
    """(c,)."""
    variance: torch.Tensor
    """(c,)."""


class Layer(nn.Module):
    """A convolution with reflected borders; then its normalisation if it has one, otherwise its bias."""

    def __init__(
        self,
        weight: torch.Tensor,
        *,
        stride: int = 1,
        bias: torch.Tensor | None = None,
        style: tuple[nn.Linear, nn.Linear] | None = None,
    ) -> None:
        """`weight` (out, in, k, k); `style` gives the normalised deviation and mean from the vector of a style."""
        super().__init__()
        self.weight = nn.Parameter(weight.contiguous(memory_format=torch.channels_last), requires_grad=False)
        self.bias = None if bias is None else nn.Parameter(bias, requires_grad=False)
        self.stride = stride
        self.deviation = style[0] if style else None
        self.mean = style[1] if style else None

    @property
    def normalises(self) -> bool:
        """Whether the layer depends on the style."""
        return self.deviation is not None

    def convolved(self, x: torch.Tensor) -> torch.Tensor:
        """The features before normalisation."""
        border = self.weight.shape[-1] // 2
        return F.conv2d(F.pad(x, (border,) * 4, mode="reflect"), self.weight, self.bias, self.stride)

    def styled(self, x: torch.Tensor, style: torch.Tensor, moments: Moments) -> torch.Tensor:
        """Features of these moments, brought to those of the style."""
        assert self.deviation is not None
        assert self.mean is not None
        factor = self.deviation(style) * (moments.variance + _EPSILON).rsqrt()
        offset = self.mean(style) - moments.mean * factor
        return x * factor[:, None, None] + offset[:, None, None]


class ConditionalNet(nn.Module):
    """The layers in order: three that contract, pairs with a residual connection, three that expand."""

    def __init__(self, contract: Sequence[Layer], residual: Sequence[Layer], expand: Sequence[Layer]) -> None:
        super().__init__()
        self.contract, self.residual = nn.ModuleList(contract), nn.ModuleList(residual)
        self.expand = nn.ModuleList(expand)

    def forward(
        self,
        pictures: Sequence[Planes],
        style: torch.Tensor,
        moments: Sequence[Moments] | None = None,
        masks: Sequence[Mask] | None = None,
    ) -> list[Planes]:
        """The painted pictures (3, h, w) in [0, 1], differentiable in the pictures and the style.

        `style` (k,) is the style's vector. Without `moments` (see `moments`), those of all given pictures together
        are normalised, of positions that count by the `masks` (h, w); to paint a picture for itself, give it alone.
        """
        return self._run(pictures, style, moments, masks)[0]

    @torch.no_grad()
    def moments(
        self, pictures: Sequence[Planes], style: torch.Tensor, masks: Sequence[Mask] | None = None
    ) -> list[Moments]:
        """The moments of all pictures together, for each layer that normalises.

        Positions count by the masks (h, w) of the pictures; without masks, or where they are 0 throughout, alike.
        """
        return self._run(pictures, style, None, masks)[1]

    def _run(
        self,
        pictures: Sequence[Planes],
        style: torch.Tensor,
        moments: Sequence[Moments] | None,
        masks: Sequence[Mask] | None,
    ) -> tuple[list[Planes], list[Moments]]:
        found: list[Moments] = []
        given = iter(moments or ())
        weights = [_extended(mask[None], "constant") for mask in masks or ()]

        def through(layer: nn.Module, xs: list[torch.Tensor]) -> list[torch.Tensor]:
            assert isinstance(layer, Layer)
            xs = [layer.convolved(x) for x in xs]
            if not layer.normalises:
                return xs
            found.append(next(given) if moments is not None else _pooled(xs, weights))
            return [layer.styled(x, style, found[-1]) for x in xs]

        xs = [_extended(picture).contiguous(memory_format=torch.channels_last) for picture in pictures]
        for layer in self.contract:
            xs = [F.relu(x) for x in through(layer, xs)]
        for first, second in zip(self.residual[::2], self.residual[1::2]):
            ys = [F.relu(x) for x in through(first, xs)]
            xs = [x + y for x, y in zip(xs, through(second, ys))]
        for layer in self.expand[:-1]:
            xs = [F.interpolate(x, scale_factor=2.0, mode="nearest") for x in xs]
            xs = [F.relu(x) for x in through(layer, xs)]
        xs = [torch.sigmoid(x) for x in through(self.expand[-1], xs)]
        return [Planes(x[0, :, : p.shape[1], : p.shape[2]]) for x, p in zip(xs, pictures)], found


def _extended(planes: torch.Tensor, mode: str = "replicate") -> torch.Tensor:
    """(1, c, h, w): planes extended, with their last rows and columns or 0, to a size that the strides divide."""
    missing = [max(-n % _STRIDE, _LEAST - n) for n in planes.shape[1:]]
    return F.pad(planes[None], (0, missing[1], 0, missing[0]), mode=mode)


def _pooled(xs: Sequence[torch.Tensor], weights: Sequence[torch.Tensor]) -> Moments:
    """The moments over all positions of all features (1, c, h, w), by weights (1, 1, h, w) of any finer size."""
    shares = [F.adaptive_avg_pool2d(w, (x.shape[2], x.shape[3])).to(x) for w, x in zip(weights, xs)]
    if not shares or not any(bool(s.any()) for s in shares):
        shares = [x.new_ones(1, 1, *x.shape[2:]) for x in xs]
    count = torch.stack([s.sum() for s in shares]).sum()
    mean = torch.stack([(x * s).sum((0, 2, 3)) for x, s in zip(xs, shares)]).sum(0) / count
    centred = (x - mean[:, None, None] for x in xs)
    square = [(x.square() * s).sum((0, 2, 3)) for x, s in zip(centred, shares)]
    return Moments(mean, torch.stack(square).sum(0) / count)
