"""Splat frames held against gsplat's own PyTorch reference: three cameras a scene, PSNR in dB.

    pip install --no-deps gsplat    # only its Python files are used: nothing is compiled, no GPU is needed
    python benchmarks/splat_agreement.py [SCENE ...]

gsplat projects the splats and evaluates their harmonics; its rasteriser needs CUDA, so its footprints are
composited here, tile by tile, by the rule that its kernel states. Prints last one line of JSON; leaves with
an error if any view is below 35 dB.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import torch
from common import data_dir, parser_for, report

from nst3d.cameras.pinhole import Camera, look_at, perspective
from nst3d.formats.splats.registry import load_splats
from nst3d.renderers.splats import SplatRenderer
from nst3d.representations.splats import Splats
from nst3d.tensors import Array, ImageSize

SIZE = ImageSize(320, 400)
LEAST = 35.0
SCENES = ("derived/playbot_4_0.ply", "splat/violin_100k.splat", "splat/academic_tarot_cards.splat")


def views(splats: Splats, size: ImageSize) -> list[Camera]:
    """From the front, from above, and from close by, so that splats leave the image on all sides."""
    low, high = np.percentile(splats.positions, [2, 98], axis=0)
    centre, radius = (low + high) / 2, np.linalg.norm(high - low) / 2
    across = np.cross(splats.up, [0.0, 0.3, 1.0] if abs(splats.up[2]) < 0.9 else [1.0, 0.3, 0.0])
    across /= np.linalg.norm(across)
    ahead = np.cross(across, splats.up)
    places = ((0.4, 0.3, 2.2), (-1.2, 1.6, 1.0), (0.2, 0.25, 0.7))
    return [
        perspective(
            look_at(centre + radius * (x * across + y * splats.up + z * ahead), centre, splats.up), size, 0.9
        )
        for x, y, z in places
    ]


def footprints(splats: Splats, camera: Camera) -> tuple[torch.Tensor, ...]:
    """gsplat's radii, centres, depths, inverse covariances and colours of all splats."""
    from gsplat.cuda import _torch_impl as gsplat

    as_doubles = (splats.positions, splats.rotations, splats.scales, splats.harmonics)
    means, turns, scales, harmonics = (torch.from_numpy(np.asarray(a, np.float64)) for a in as_doubles)
    covariances, _ = gsplat._quat_scale_to_covar_preci(turns, scales, True, False)
    world_to_camera = torch.from_numpy(np.linalg.inv(camera.camera_to_world))[None]
    matrix = torch.tensor(
        [[camera.focal, 0, camera.centre[0]], [0, camera.focal * camera.aspect, camera.centre[1]], [0, 0, 1]]
    )[None].double()
    radii, centres, depths, conics, _ = gsplat._fully_fused_projection(
        means, covariances, world_to_camera, matrix, camera.size.width, camera.size.height
    )
    away = means - torch.from_numpy(camera.position)
    colours = (gsplat._spherical_harmonics(splats.degree, away, harmonics) + 0.5).clamp_min(0)
    return radii[0], centres[0], depths[0], conics[0], colours


def reference(splats: Splats, camera: Camera) -> Array:
    """The frame (h, w, 3) on white, from gsplat's footprints."""
    radii, centres, depths, conics, colours = footprints(splats, camera)
    opacities = torch.from_numpy(np.asarray(splats.opacities, np.float64))
    height, width = camera.size
    image = torch.ones(height, width, 3, dtype=torch.float64)
    order = torch.argsort(depths, stable=True)
    order = order[(radii[order] > 0).all(1)]
    low, high = centres[order] - radii[order], centres[order] + radii[order]
    for top in range(0, height, 16):
        rows = order[(high[:, 1] > top) & (low[:, 1] < top + 16)]
        for left in range(0, width, 16):
            near = (centres[rows, 0] + radii[rows, 0] > left) & (
                centres[rows, 0] - radii[rows, 0] < left + 16
            )
            chosen = rows[near]
            y, x = torch.meshgrid(
                torch.arange(top, min(top + 16, height)) + 0.5,
                torch.arange(left, min(left + 16, width)) + 0.5,
                indexing="ij",
            )
            dx, dy = (p[..., None] - centres[chosen, k] for k, p in enumerate((x, y)))
            a, b, c = conics[chosen].T
            alpha = opacities[chosen] * torch.exp(-0.5 * (a * dx * dx + c * dy * dy) - b * dx * dy)
            alpha = torch.where(alpha < 1 / 255, 0.0, alpha.clamp_max(0.999))
            after = torch.cumprod(1 - alpha, -1)
            before = torch.cat([torch.ones_like(after[..., :1]), after], -1)[..., :-1]
            weights = torch.where(after > 1e-4, alpha * before, 0.0)
            part = weights @ colours[chosen] + 1 - weights.sum(-1, keepdim=True)
            image[top : top + 16, left : left + 16] = part
    return image.clamp(0, 1).numpy()


def psnr(a: Array, b: Array) -> float:
    """Of two images in [0, 1], dB."""
    return float(-10 * np.log10(max(((a - b) ** 2).mean(), 1e-12)))


def main() -> None:
    """Compare the scenes that the command line names."""
    try:
        import gsplat.cuda._torch_impl  # noqa: F401
    except ImportError as error:
        sys.exit(f"gsplat cannot be imported ({error}): pip install --no-deps gsplat")
    parser = parser_for(__doc__)
    parser.add_argument("scenes", nargs="*", type=Path)
    given = parser.parse_args()
    scenes = given.scenes or [data_dir() / "gaussians" / s for s in SCENES]
    numbers = {}
    for path in scenes:
        splats = load_splats(path)
        renderer = SplatRenderer(splats)
        for k, camera in enumerate(views(splats, SIZE)):
            own = renderer.draw(camera, splats.colours, 1.0).over(1.0)
            numbers[f"{path.stem}_{k}_db"] = round(psnr(own, reference(splats, camera)), 2)
    report("agreement with gsplat's reference", numbers, given.save)
    if min(numbers.values()) < LEAST:
        sys.exit(f"a view is below {LEAST} dB")


if __name__ == "__main__":
    main()
