"""Normals of views from their exact depth, and the colours that ControlNets for normals learnt."""

from __future__ import annotations

import torch

from nst3d.cameras.pinhole import Camera
from nst3d.losses.depth import depth_jumps

FRONT = (0.5, 0.5, 1.0)
"""The colour of what faces the camera, and of where nothing is seen."""
_JUMP = 0.01
"""Gap of inverse depth, as a fraction of the nearer side's, from which two pixels are of different surfaces."""


def normals(depth: torch.Tensor, camera: Camera) -> torch.Tensor:
    """The unit normals (h, w, 3) float64, towards the camera, in its axes (x right, y down, z forward); NaN where none.

    `depth` (h, w) is along the viewing axis, inf where nothing is seen, and `camera` has the same size. A point at
    depth z on the ray (u, v, 1) is z (u, v, 1), so a plane a x + b y + c z = 1 has the inverse depth a u + b v + c:
    differences of inverse depth between pixels are exact on planes, at any tilt, and (a, b, c) is the normal. A pixel
    takes the mean of the differences to both sides, or that to the one side from which no jump of depth parts it; it
    has no normal where all neighbours in its row, or in its column, are other surfaces.
    """
    far = depth.double()
    seen = far.isfinite() & (far > 0)
    inverse = torch.where(seen, 1 / far.clamp_min(1e-300), 0)
    local = camera.rays()[1] @ camera.camera_to_world[:3, :3]
    rays = torch.from_numpy(local[..., :2]).to(inverse)
    values = torch.cat(
        [rays, inverse[..., None]], 2
    )  # u, v and inverse depth, whose differences are taken alike
    shown = torch.where(seen, far, torch.inf)
    across, in_row = _differences(values, shown)
    down, in_column = (each.transpose(0, 1) for each in _differences(values.transpose(0, 1), shown.mT))
    # Lenses bend rows and columns: a Δu + b Δv = Δ(1/z) along both.
    determinant = across[..., 0] * down[..., 1] - across[..., 1] * down[..., 0]
    known = seen & in_row & in_column & (determinant != 0)
    safe = torch.where(known, determinant, 1)
    a = (across[..., 2] * down[..., 1] - across[..., 1] * down[..., 2]) / safe
    b = (across[..., 0] * down[..., 2] - across[..., 2] * down[..., 0]) / safe
    c = inverse - a * rays[..., 0] - b * rays[..., 1]
    plane = torch.stack([a, b, c], 2)
    away = plane / plane.norm(dim=2, keepdim=True).clamp_min(
        1e-300
    )  # n · p = 1: it points away from the camera
    return torch.where(known[..., None], -away, torch.nan)


def _differences(values: torch.Tensor, depth: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The step of values (h, w, k) from one pixel of a row to the next, and whether there is one, (h, w)."""
    joined = depth.isfinite()[:, 1:] & depth.isfinite()[:, :-1]
    if depth.shape[1] > 1:
        joined = joined & (depth_jumps(depth, _JUMP) == 0)
    steps = values.diff(dim=1) * joined[..., None]
    none, blank = joined.new_zeros(len(depth), 1), values.new_zeros(len(depth), 1, values.shape[2])
    count = torch.cat([none, joined], 1).double() + torch.cat([joined, none], 1)
    total = torch.cat([blank, steps], 1) + torch.cat([steps, blank], 1)
    return total / count.clamp_min(1)[..., None], count > 0


def normal_picture(depth: torch.Tensor, camera: Camera) -> torch.Tensor:
    """(3, h, w) in [0, 1]: the picture of normals that a ControlNet for normals sees.

    ControlNet 1.1 (control_v11p_sd15_normalbae), after the colours of Bae, Budvytis & Cipolla 2021: what faces left is
    red, up green, and the camera blue, each from 0 to 1. In the camera's axes that is (1 − n) / 2. What has no normal
    is like what faces the camera. ControlNet 1.0 (sd-controlnet-normal) learnt slopes of an estimated inverse depth
    without its units, with red and blue exchanged: it is not what this picture is for.
    """
    found = (1 - normals(depth, camera)) / 2
    known = found.isfinite().all(2, keepdim=True)
    return torch.where(known, found, found.new_tensor(FRONT)).permute(2, 0, 1).float()
