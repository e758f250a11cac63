"""Square pieces of a view, each seen from a direction of its own."""

from __future__ import annotations

import torch
import torch.nn.functional as F

from nst3d.tensors import Mask, Planes

_CELLS = 32
"""Cells a side, at most, among which the middles of pieces are drawn."""


def draw_corners(
    coverage: Mask, count: int, share: float, tilt: float, generator: torch.Generator
) -> torch.Tensor:
    """The corners (count, 4, 2), x and y in pixels, of pieces of a view whose middles are covered.

    A piece lies within a square whose side is `share` of the view's short side, and within the view. Each corner is
    drawn from the square's own towards its middle, by at most `tilt` (0 to 1) of the way in x and in y, so that the
    piece seems to be seen from some side. In order: upper left, upper right, lower right, lower left.
    """
    height, width = coverage.shape
    side = max(2.0, share * min(height, width))
    half = torch.full((2,), side / 2)
    size = torch.tensor([width, height], dtype=torch.float32)
    middles = _covered_places(coverage.detach().float().cpu(), count, generator)
    middles = torch.minimum(torch.maximum(middles, half), size - half)
    signs = torch.tensor([[-1.0, -1], [1, -1], [1, 1], [-1, 1]])
    inwards = tilt * torch.rand(count, 4, 2, generator=generator)
    return middles[:, None] + signs * half * (1 - inwards)


def pieces(image: Planes, corners: torch.Tensor, side: int) -> torch.Tensor:
    """The pieces (n, 3, side, side) of a view (3, h, w) between `corners` (n, 4, 2), by projective maps.

    Differentiable. What becomes much smaller is averaged first, so that nothing between the samples is passed over.
    """
    if not len(corners):
        return image.new_empty(0, len(image), side, side)
    height, width = image.shape[1:]
    longest = float((corners - corners.roll(1, 1)).norm(dim=2).max())
    step = max(1, int(longest / side))
    planes = F.avg_pool2d(image[None], step, ceil_mode=True) if step > 1 else image[None]
    # With ceil_mode the last cells may reach beyond the border.
    extent = torch.tensor([planes.shape[3] * step, planes.shape[2] * step], dtype=torch.float32)
    places = (
        _projected(corners.float(), side) / (extent if step > 1 else torch.tensor([width, height])) * 2 - 1
    )
    grid = places.to(planes)
    return F.grid_sample(
        planes.expand(len(corners), -1, -1, -1), grid, padding_mode="border", align_corners=False
    )


def _covered_places(coverage: torch.Tensor, count: int, generator: torch.Generator) -> torch.Tensor:
    """Places (count, 2), x and y in pixels, drawn by coverage (h, w); anywhere if nothing is covered."""
    height, width = coverage.shape
    rows, columns = min(_CELLS, height), min(_CELLS, width)
    weights = F.adaptive_avg_pool2d(coverage[None], (rows, columns)).flatten()
    weights = weights if float(weights.sum()) > 0 else torch.ones_like(weights)
    if not count:
        return torch.empty(0, 2)
    cells = torch.multinomial(weights, count, replacement=True, generator=generator)
    cell = torch.stack([cells % columns, cells // columns], 1)
    within = torch.rand(count, 2, generator=generator)
    return (cell + within) * torch.tensor([width / columns, height / rows])


def _projected(corners: torch.Tensor, side: int) -> torch.Tensor:
    """Where the pixels (n, side, side, 2) of a square are, if its corners are at `corners` (n, 4, 2).

    By the map from the unit square to a quadrilateral (Heckbert 1989, "Fundamentals of texture mapping and image
    warping", 2.2.3).
    """
    first, right, far, down = corners.unbind(1)
    one, other, rest = right - far, down - far, first - right + far - down
    g, h = _cross(rest, other) / _cross(one, other), _cross(one, rest) / _cross(one, other)
    along, across = right - first + g * right, down - first + h * down
    middles = (torch.arange(side) + 0.5) / side
    v, u = (each[..., None] for each in torch.meshgrid(middles, middles, indexing="ij"))
    parts = (each[:, None, None] for each in (along, across, first, g, h))
    along, across, first, g, h = parts
    return (along * u + across * v + first) / (g * u + h * v + 1)


def _cross(one: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
    """The cross products (n, 1) of vectors (n, 2)."""
    return (one[:, 0] * other[:, 1] - one[:, 1] * other[:, 0])[:, None]


def whole(image: Planes, side: int, background: torch.Tensor) -> torch.Tensor:
    """The view (3, h, w), in the middle of a square (1, 3, side, side) of its background (3,)."""
    height, width = image.shape[1:]
    scale = side / max(height, width)
    size = max(1, round(height * scale)), max(1, round(width * scale))
    small = F.interpolate(image[None], size, mode="bilinear", antialias=True, align_corners=False)
    top, left = (side - size[0]) // 2, (side - size[1]) // 2
    margins = (left, side - size[1] - left, top, side - size[0] - top)
    colour = background.to(image)[None, :, None, None]
    return F.pad(small - colour, margins) + colour
