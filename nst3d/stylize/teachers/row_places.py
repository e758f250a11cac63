"""Where the rows of a scene's table are, found from its views alone, whatever the scene is made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from nst3d.cameras.pinhole import Camera
from nst3d.operators.base import ViewOperator
from nst3d.tensors import Image

_APART = 2e-3
"""Least eigenvalue of a row's equations, as a share of their sum, from which its place is known: views of a quarter of
a right angle apart reach five times as much."""


@dataclass(frozen=True)
class RowPlaces:
    """Places of a table's rows, and the direction in which each is seen."""

    rows: torch.Tensor
    """(m,) int64: the rows whose places are known."""
    positions: torch.Tensor
    """(m, 3) float64, in pixels: a unit is the width of a pixel at the scene's usual distance."""
    outwards: torch.Tensor
    """(m, 3) float64: unit vectors towards those who see the rows."""
    up: torch.Tensor
    """(3,) float64: the unit vector that points upwards in most views."""


def places_of(views: Sequence[ViewOperator], cameras: Sequence[Camera | None]) -> RowPlaces:
    """The places of the rows that views see; those of a single view, such as a picture, are its pixels' centres.

    A row is where the rays through the pixels that show it meet, by least squares: the point p with the least
    Σ A |(I − d dᵀ)(p − o)|² over all views, their pixels and rays of origin o and unit direction d. Rows that are seen
    from one direction alone are left out.
    """
    known = [camera for camera in cameras if camera is not None]
    if len(known) < len(views) or len(views) == 1:
        return _flat(views[0])
    equations = sum(view.adjoint(_rays(camera)) for view, camera in zip(views, known))
    assert isinstance(equations, torch.Tensor)
    matrix = equations[:, [0, 1, 2, 1, 3, 4, 2, 4, 5]].reshape(-1, 3, 3).double()
    values = torch.linalg.eigvalsh(matrix)
    rows = (values[:, 0] > _APART * values.sum(1)).nonzero()[:, 0]
    positions = torch.linalg.solve(matrix[rows], equations[rows, 6:9, None].double())[..., 0]
    outwards = torch.nn.functional.normalize(-equations[rows, 9:].double(), dim=1)
    down = torch.stack([torch.from_numpy(camera.camera_to_world[:3, 1].copy()) for camera in known]).sum(0)
    up = torch.nn.functional.normalize(-down.double(), dim=0)
    return RowPlaces(rows, positions / _pixel(positions, known), outwards, up)


def _rays(camera: Camera) -> Image:
    """(h, w, 12) float32: I − d dᵀ of each pixel's ray (6), times its origin (3), and d (3)."""
    origin, directions = (torch.from_numpy(a.copy()).double() for a in camera.rays())
    d = torch.nn.functional.normalize(directions, dim=-1)
    across = torch.eye(3, dtype=torch.float64) - d[..., :, None] * d[..., None, :]
    upper = across.flatten(-2)[..., [0, 1, 2, 4, 5, 8]]
    return Image(torch.cat([upper, across @ origin, d], -1).float())


def _pixel(positions: torch.Tensor, cameras: Sequence[Camera]) -> float:
    """The width of a pixel where the rows are: the median over them, of the camera nearest to each."""
    if not len(positions):
        return 1.0
    some = positions[:: max(1, len(positions) // 2000)]
    widths = [
        (some - torch.from_numpy(camera.position.copy())).norm(dim=1) / camera.focal for camera in cameras
    ]
    return float(torch.stack(widths).amin(0).median())


def _flat(view: ViewOperator) -> RowPlaces:
    height, width = view.size
    y, x = torch.meshgrid(torch.arange(height) + 0.5, torch.arange(width) + 0.5, indexing="ij")
    sums = view.adjoint(Image(torch.stack([x, y, torch.ones_like(x)], -1))).double()
    rows = (sums[:, 2] > 0).nonzero()[:, 0]
    flat = sums[rows, :2] / sums[rows, 2:]
    depth = torch.zeros(len(rows), 1, dtype=torch.float64)
    outwards = torch.tensor([0.0, 0.0, -1.0], dtype=torch.float64).expand(len(rows), 3)
    return RowPlaces(
        rows, torch.cat([flat, depth], 1), outwards, torch.tensor([0.0, -1.0, 0.0], dtype=torch.float64)
    )
