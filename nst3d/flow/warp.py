"""Carries pictures along a flow, and tells where that can be trusted."""

from __future__ import annotations

from typing import Literal

import torch
import torch.nn.functional as F

from nst3d.tensors import Mask, Planes


def warped(picture: Planes, flow: torch.Tensor, mode: Literal["bilinear", "bicubic"] = "bilinear") -> Planes:
    """The picture (c, h, w) that is seen along a flow (h, w, 2): out[y, x] = picture[y + dy, x + dx].

    Borders continue outwards. "bicubic" keeps details over many repetitions, and may overshoot.
    """
    height, width = flow.shape[:2]
    rows, columns = torch.meshgrid(
        torch.arange(height, dtype=flow.dtype), torch.arange(width, dtype=flow.dtype), indexing="ij"
    )
    x = (columns + flow[..., 0]) * (2 / width) + (1 / width - 1)
    y = (rows + flow[..., 1]) * (2 / height) + (1 / height - 1)
    grid = torch.stack([x, y], -1)[None].to(picture)
    moved = F.grid_sample(picture[None], grid, mode=mode, padding_mode="border", align_corners=False)
    return Planes(moved[0])


def followed(features: Planes, back: torch.Tensor, trust: Mask) -> Planes:
    """Features (c, h', w') of the frame before, carried along its flow `back` (h, w, 2), and 0 where it is not trusted.

    `trust` (h, w) in [0, 1]. Features may be coarser than the flow.
    """
    size = features.shape[1:]
    along = F.interpolate(back.permute(2, 0, 1)[None], size, mode="area")[0].permute(1, 2, 0)
    along = along * along.new_tensor([size[1] / back.shape[1], size[0] / back.shape[0]])
    return Planes(warped(features, along) * F.interpolate(trust[None, None], size, mode="area")[0])


def trusted(back: torch.Tensor, forth: torch.Tensor) -> Mask:
    """(h, w) in {0, 1}: where a flow to another frame can be followed, by Ruder et al. 2016, section 4.

    `back` (h, w, 2) leads from this frame to the other, `forth` from that one to this. A pixel is not trusted if it is
    `disoccluded`, at `motion_boundaries`, or if it comes from outside the picture.
    """
    return (~(disoccluded(back, forth) | motion_boundaries(back) | _outside(back))).to(back.dtype)


def disoccluded(back: torch.Tensor, forth: torch.Tensor) -> torch.Tensor:
    """(h, w) bool: where the way to the other frame and back does not end near its start, as the pixel is hidden there.

    Sundaram et al. 2010: |back + forth|² > 0.01 (|back|² + |forth|²) + 0.5, `forth` (h, w, 2) taken where `back` leads.
    """
    planes = back.permute(2, 0, 1)
    returned = warped(Planes(forth.permute(2, 0, 1)), back)
    lengths = planes.square().sum(0) + returned.square().sum(0)
    return (planes + returned).square().sum(0) > 0.01 * lengths + 0.5


def motion_boundaries(back: torch.Tensor) -> torch.Tensor:
    """(h, w) bool: the edges of a flow (h, w, 2), where it is not exact.

    Sundaram et al. 2010: |∇u|² + |∇v|² > 0.01 |back|² + 0.002, with u to the right and v down.
    """
    planes = back.permute(2, 0, 1)
    return _slope(planes) > 0.01 * planes.square().sum(0) + 0.002


def _slope(planes: torch.Tensor) -> torch.Tensor:
    """(h, w): the squared gradients of all planes, by central differences."""
    padded = F.pad(planes[None], (1, 1, 1, 1), mode="replicate")[0]
    across = (padded[:, 1:-1, 2:] - padded[:, 1:-1, :-2]) / 2
    down = (padded[:, 2:, 1:-1] - padded[:, :-2, 1:-1]) / 2
    return across.square().sum(0) + down.square().sum(0)


def _outside(flow: torch.Tensor) -> torch.Tensor:
    height, width = flow.shape[:2]
    x = torch.arange(width, dtype=flow.dtype) + flow[..., 0]
    y = torch.arange(height, dtype=flow.dtype)[:, None] + flow[..., 1]
    return (x < -0.5) | (x > width - 0.5) | (y < -0.5) | (y > height - 0.5)
