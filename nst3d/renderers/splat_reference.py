"""Splat rendering in plain torch: every splat at every pixel. The readable twin for tests."""

from __future__ import annotations

import torch

from nst3d.cameras.pinhole import Camera
from nst3d.renderers.radiance import NOTHING
from nst3d.renderers.splat_composite import MAX_ALPHA, MIN_LIGHT
from nst3d.renderers.splat_project import BLUR, GUARD, MIN_ALPHA, Projection
from nst3d.representations.splats import Splats


def splat_weights(splats: Splats, camera: Camera, options: Projection | None = None) -> torch.Tensor:
    """The weight (h, w, n) with which each pixel sees each splat, float64.

    w_i = α_i Π (1 − α_j) over the splats j in front of i (Kerbl et al. 2023, eq. 3), with the rules of
    `SplatRenderer` for footprints, faint splats and the end of a ray.
    """
    options = options or Projection()
    centres, depths = (torch.from_numpy(a) for a in camera.project(splats.positions.astype(float)))
    covariance = _covariances(splats, camera, depths)
    blurred = covariance + BLUR * torch.eye(2, dtype=torch.float64)
    opacity = torch.from_numpy(splats.opacities).double()
    if options.antialiased:
        opacity = opacity * (covariance.det() / blurred.det()).clamp_min(0).sqrt()
    y, x = (torch.arange(n, dtype=torch.float64) + 0.5 for n in camera.size)
    gap = torch.stack(torch.meshgrid(x, y, indexing="xy"), -1)[:, :, None] - centres
    distance = torch.einsum("hwni,nij,hwnj->hwn", gap, torch.linalg.inv(blurred), gap)
    alpha = (opacity * torch.exp(-0.5 * distance)).clamp_max(MAX_ALPHA)
    alpha = torch.where((alpha >= MIN_ALPHA) & (depths > options.near), alpha, 0.0)
    order = torch.argsort(depths, stable=True)
    alpha = alpha[..., order]
    after = torch.cumprod(1 - alpha, -1)
    before = torch.cat([torch.ones_like(after[..., :1]), after[..., :-1]], -1)
    weights = torch.empty_like(alpha)
    weights[..., order] = torch.where(after > MIN_LIGHT, before * alpha, 0.0)
    return weights


def render_splats(
    splats: Splats, camera: Camera, colours: torch.Tensor, options: Projection | None = None
) -> torch.Tensor:
    """The premultiplied image (h, w, 3) of colours (n, 3), float64, differentiable in the colours."""
    return splat_weights(splats, camera, options) @ colours.double()


def splat_depths(splats: Splats, camera: Camera, options: Projection | None = None) -> torch.Tensor:
    """The depth (h, w) of each pixel, as defined by `Frame`, float64."""
    depths = torch.from_numpy(camera.project(splats.positions.astype(float))[1])
    order = torch.argsort(depths, stable=True)
    depths, weights = depths[order], splat_weights(splats, camera, options)[..., order]
    opacity = weights.cumsum(-1)
    passed = opacity > 0.5
    mean = (weights @ depths) / opacity[..., -1]
    median = depths[passed.to(torch.uint8).argmax(-1)]  # argmax returns the first of equal values
    seen = torch.where(passed[..., -1], median, mean)
    return torch.where(opacity[..., -1] < NOTHING, torch.inf, seen)


def _covariances(splats: Splats, camera: Camera, depths: torch.Tensor) -> torch.Tensor:
    """Footprints (n, 2, 2) without blur: J R Σ Rᵀ Jᵀ (Zwicker et al. 2001)."""
    pose = torch.from_numpy(camera.camera_to_world)
    local = (torch.from_numpy(splats.positions).double() - pose[:3, 3]) @ pose[:3, :3]
    size = torch.tensor([camera.size.width, camera.size.height], dtype=torch.float64)
    focal = torch.tensor([camera.focal, camera.focal * camera.aspect], dtype=torch.float64)
    corners = torch.stack([torch.zeros(2, dtype=torch.float64), size])
    sides = torch.cartesian_prod(corners[:, 0], corners[:, 1])
    seen = torch.from_numpy(camera.directions(sides.numpy())) @ pose[:3, :2]
    margin = GUARD * size / (2 * focal)
    flat = local[:, :2] / depths[:, None]
    flat = torch.minimum(torch.maximum(flat, seen.amin(0) - margin), seen.amax(0) + margin)
    derivative = torch.cat([torch.eye(2).expand(len(flat), 2, 2), -flat[..., None]], -1)
    derivative = focal[:, None] * _lens_slopes(camera, flat) @ derivative / depths[:, None, None]
    axes = _matrices(torch.from_numpy(splats.rotations).double()) * torch.from_numpy(splats.scales)[:, None]
    spread = derivative @ pose[:3, :3].T @ axes
    return spread @ spread.mT


def _lens_slopes(camera: Camera, flat: torch.Tensor) -> torch.Tensor:
    """The derivative (n, 2, 2) of the lens at normalised coordinates (n, 2)."""
    if camera.lens is None:
        return torch.eye(2, dtype=torch.float64)
    step = 1e-5
    sides = [
        [torch.from_numpy(camera.lens.distort((flat + sign * axis).numpy())) for sign in (-step, step)]
        for axis in torch.eye(2, dtype=torch.float64)
    ]
    return torch.stack([(after - before) / (2 * step) for before, after in sides], -1)


def _matrices(quaternions: torch.Tensor) -> torch.Tensor:
    """Rotations (n, 3, 3) of unit quaternions (n, 4): w, x, y, z."""
    w, v = quaternions[:, :1, None], quaternions[:, 1:]
    cross = torch.linalg.cross(v[:, None], torch.eye(3).expand(len(v), 3, 3).to(v), dim=-1).mT
    eye = torch.eye(3, dtype=v.dtype)
    return eye + 2 * (w * cross + cross @ cross)
