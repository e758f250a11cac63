"""Forward warping of a picture along a flow by softmax splatting (Niklaus & Liu 2020)."""

from __future__ import annotations

import torch

_EPSILON = 1e-7
"""Added to the weights that arrive at a pixel, as in the authors' default mode."""


def softmax_splat(picture: torch.Tensor, flow: torch.Tensor, importance: torch.Tensor) -> torch.Tensor:
    """The picture (h, w, c) pushed along a flow (h, w, 2): each pixel lands on the four around [y + dy, x + dx].

    Where several land, they are weighted by bilinear coverage times exp(`importance`), (h, w). The sum of the weights
    has 1e-7 added, so that a pixel where little arrives is darkened; where nothing arrives, it is 0.
    """
    height, width, channels = picture.shape
    weight = importance.exp()[..., None]
    carried = torch.cat([picture * weight, weight], -1).reshape(-1, channels + 1)
    rows, columns = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    x, y = (columns + flow[..., 0]).reshape(-1), (rows + flow[..., 1]).reshape(-1)
    finite = torch.isfinite(x) & torch.isfinite(y)
    x, y, carried = x[finite], y[finite], carried[finite]
    left, top = x.floor(), y.floor()
    landed = carried.new_zeros(height * width, channels + 1)
    for right in (0, 1):
        for down in (0, 1):
            share = (1 - (x - left - right).abs()) * (1 - (y - top - down).abs())
            inside = (left + right >= 0) & (left + right < width) & (top + down >= 0) & (top + down < height)
            pixel = ((top + down) * width + left + right)[inside].long()
            landed.index_add_(0, pixel, carried[inside] * share[inside, None])
    result = landed[:, :-1] / (landed[:, -1:] + _EPSILON)
    return result.reshape(height, width, channels)
