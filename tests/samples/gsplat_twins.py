"""gsplat's routines the plain way, on the CPU: what its renderer is tested with where there is no GPU."""

from __future__ import annotations

import torch

from nst3d.renderers.gsplat_routines import Routines


def plain_routines(axes: int = 2) -> Routines:
    """All four. Radii are one number (`axes` 1, gsplat 1.4) or one for each side of a footprint (2, since 1.5)."""

    def project(*arguments, **options):
        radii, *rest = plain_projection(*arguments, **options)
        return (3 * (radii / 3.33).amax(-1) if axes == 1 else radii).ceil().int(), *rest

    return Routines(project, plain_tiles, plain_offsets, plain_indices)


def plain_projection(
    means, covars, quats, scales, views, lenses, width, height, eps2d, near_plane, calc_compensations
):
    """Radii (1, n, 2), centres, depths, conics and dimming of splats before one pinhole camera."""
    assert covars is None
    view, lens = views[0].double(), lenses[0].double()
    local = means.double() @ view[:3, :3].T + view[:3, 3]
    depths = local[:, 2]
    size, focal = torch.tensor([width, height]).double(), lens.diagonal()[:2]
    margin = 0.15 * size / focal
    flat = local[:, :2] / depths[:, None]
    held = flat.clamp(-lens[:2, 2] / focal - margin, (size - lens[:2, 2]) / focal + margin)
    slopes = torch.cat([torch.eye(2).expand(len(means), 2, 2), -held[..., None]], -1) * focal[:, None]
    axes = view[:3, :3] @ _matrices(quats.double()) * scales[:, None].double()
    sides = slopes / depths[:, None, None] @ axes
    sharp = sides @ sides.mT
    blurred = sharp + eps2d * torch.eye(2)
    inverse = torch.linalg.inv(torch.where(blurred.isfinite(), blurred, 1) + 0)
    centres = flat * focal + lens[:2, 2]
    radii = 3.33 * blurred.diagonal(dim1=-2, dim2=-1).sqrt()
    inside = ((centres + radii > 0) & (centres - radii < size)).all(-1) & (depths >= near_plane)
    dimming = (sharp.det() / blurred.det()).clamp_min(0).sqrt() if calc_compensations else None
    conics = torch.stack([inverse[:, 0, 0], inverse[:, 0, 1], inverse[:, 1, 1]], -1)
    # What is not seen has no values: gsplat leaves anything in its memory.
    found = [torch.where(inside[:, None], a, torch.nan) for a in (centres, depths[:, None], conics)]
    centres, depths, conics = (a.float()[None] for a in found)
    radii = torch.where(inside[:, None], radii, 0)[None]
    return radii, centres, depths[..., 0], conics, None if dimming is None else dimming.float()[None]


def plain_tiles(centres, radii, depths, side, across, down):
    """How many tiles each footprint reaches; keys (tile, then depth) and splats, both sorted by key."""
    radii = radii[0].reshape(len(depths[0]), -1).expand(-1, 2)
    tiles, splats, counts = [], [], []
    for i in range(len(radii)):
        if (radii[i] <= 0).any():
            counts.append(0)
            continue
        low, high = ((centres[0, i] - radii[i]) / side).floor(), ((centres[0, i] + radii[i]) / side).ceil()
        (left, top), (right, bottom) = low.clamp(min=0).int().tolist(), high.int().tolist()
        mine = [
            y * across + x for y in range(top, min(bottom, down)) for x in range(left, min(right, across))
        ]
        tiles += mine
        splats += [i] * len(mine)
        counts.append(len(mine))
    found = torch.tensor(splats, dtype=torch.int64)
    keys = torch.tensor(tiles, dtype=torch.int64) << 32 | depths[0, found].view(torch.int32)
    keys, order = torch.sort(keys, stable=True)
    return torch.tensor([counts], dtype=torch.int32), keys, found[order].int()


def plain_offsets(keys, cameras, across, down):
    """Where the list of each tile starts, (1, down, across) int32."""
    assert cameras == 1
    counts = torch.bincount(keys >> 32, minlength=down * across)
    return (counts.cumsum(0) - counts).view(1, down, across).int()


def plain_indices(start, end, light, centres, conics, opacities, width, height, side, offsets, entries):
    """Splats, pixels and cameras of all pairs, sorted by pixel, nearest first."""
    assert start == 0
    assert end * side * side >= len(entries)
    starts = [*offsets.flatten().tolist(), len(entries)]
    found = [torch.empty(0, 2, dtype=torch.int64)]
    for tile in range(len(starts) - 1):
        top, left = tile // offsets.shape[2] * side, tile % offsets.shape[2] * side
        y, x = torch.meshgrid(
            torch.arange(top, min(top + side, height)),
            torch.arange(left, min(left + side, width)),
            indexing="ij",
        )
        pixels, mine = (y * width + x).flatten(), entries[starts[tile] : starts[tile + 1]].long()
        gap = torch.stack([x.flatten(), y.flatten()], -1)[:, None] + 0.5 - centres[0, mine]
        a, b, c = conics[0, mine].unbind(-1)
        power = 0.5 * (a * gap[..., 0] ** 2 + c * gap[..., 1] ** 2) + b * gap[..., 0] * gap[..., 1]
        alpha = (opacities[0, mine] * torch.exp(-power)).clamp_max(0.999)
        alpha = torch.where((alpha >= 1 / 255) & (power >= 0), alpha, 0)
        after = light[0].flatten()[pixels, None] * torch.cumprod(1 - alpha, -1)
        which, order = ((alpha > 0) & (after > 1e-4)).nonzero().unbind(-1)
        found.append(torch.stack([mine[order], pixels[which]], -1))
    pairs = torch.cat(found)
    splats, pixels = pairs[torch.sort(pairs[:, 1], stable=True).indices].unbind(-1)
    return splats, pixels, torch.zeros_like(pixels)


def _matrices(quaternions: torch.Tensor) -> torch.Tensor:
    w, x, y, z = (quaternions / quaternions.norm(dim=1, keepdim=True)).unbind(-1)
    rows = [
        torch.stack([1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)], -1),
        torch.stack([2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)], -1),
        torch.stack([2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)], -1),
    ]
    return torch.stack(rows, 1)
