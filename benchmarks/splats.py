"""Gaussian splats: compiling views at 256 x 256 and drawing frames at 512 x 512, of a scene of 100,000.

    python benchmarks/splats.py [SCENE]    # default: violin_100k.splat

Prints a table, and last one line of JSON.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from common import data_dir, median_ms, parser_for, report
from splat_agreement import views

from nst3d.formats.splats.registry import load_splats
from nst3d.pipeline.runtime.machine import peak_memory_gb
from nst3d.renderers.splats import SplatOptions, SplatRenderer
from nst3d.tensors import ImageSize

COMPILED, DRAWN = ImageSize(256, 256), ImageSize(512, 512)


def measure(path: Path) -> dict[str, Any]:
    """All numbers of a scene, over three cameras."""
    splats = load_splats(path)
    renderer = SplatRenderer(splats)
    cameras = views(splats, COMPILED)
    compiled = [renderer.compile(c) for c in cameras]
    turn = iter(range(10**9))
    compile_ms = median_ms(lambda: renderer.compile(cameras[next(turn) % 3]), 9)
    frames = views(splats, DRAWN)
    draw_ms = median_ms(lambda: renderer.draw(frames[next(turn) % 3], splats.colours, 1.0), 9)
    noise = torch.rand(len(splats), 3, generator=torch.Generator().manual_seed(0))
    apply_ms = median_ms(lambda: compiled[0].adjoint(compiled[0].apply(noise)), 9)
    whole = SplatRenderer(splats, SplatOptions(cutoff=0))
    errors = [
        (v.apply(noise) - whole.compile(c).apply(noise)).square().mean() for v, c in zip(compiled, cameras)
    ]
    covered = sum(len(v.pixels) for v in compiled)
    entries = sum(len(v._matrix.columns) for v in compiled)
    return {
        "scene": path.name,
        "splats": len(splats),
        "compile_s": round(compile_ms / 1e3, 4),
        "draw_fps": round(1e3 / draw_ms, 2),
        "apply_and_adjoint_ms": round(apply_ms, 2),
        "entries_per_pixel": round(entries / covered, 1),
        "covered_pixels": round(covered / len(compiled)),
        "bytes_per_view": round(np.mean([v.nbytes for v in compiled])),
        "cutoff_psnr_db": round(float(-10 * torch.log10(max(errors))), 1),
        "peak_rss_gb": peak_memory_gb(),
    }


def main() -> None:
    """Measure the scene that the command line names."""
    parser = parser_for(__doc__)
    parser.add_argument("scene", nargs="?", type=Path)
    given = parser.parse_args()
    scene = given.scene or data_dir() / "gaussians/splat/violin_100k.splat"
    report("splats", measure(scene), given.save)


if __name__ == "__main__":
    main()
