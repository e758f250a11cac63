"""What the view-consistency terms do: one asset painted with and without them.

    python benchmarks/consistency.py [SCENE] [STYLE] [--out DIR] [--preset NAME]

Prints for each the sharpness of views that painting did not use (mean gradient of the unlit render inside the
mesh, eroded by two pixels; more is sharper), and the loss of view consistency. Writes the renders beside each
other. Last, one line of JSON.
"""

from __future__ import annotations

import dataclasses
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from common import ROOT, parser_for, report

from nst3d.cameras.orbits import Orbit
from nst3d.formats.mesh_files import load_mesh
from nst3d.images.io import write_image
from nst3d.pipeline.jobs.paint import run_job
from nst3d.pipeline.kinds.mesh.gallery import orbit_cameras
from nst3d.pipeline.kinds.mesh.shown import show_mesh
from nst3d.pipeline.kinds.paint_job import Job
from nst3d.pipeline.settings.config import PaintConfig, load_preset
from nst3d.pipeline.settings.overrides import override
from nst3d.renderers.frames import draw_frame
from nst3d.tensors import Array, ImageSize

VARIANTS = {
    "without": {"consistency": 0.0, "nnfm": {"agree": 0.0}},
    "features": {"nnfm": {"agree": 0.0}},
    "choices": {"consistency": 0.0},
    "both": {},
}


def sharpness(image: Array) -> float:
    """Mean gradient length of a premultiplied picture (h, w, 4) inside its opaque part."""
    planes = torch.from_numpy(image).permute(2, 0, 1)
    inside = 1 - F.max_pool2d(1 - (planes[3:] > 0.999).float(), 5, 1, 2)[0]
    dx, dy = planes[:3, :-1, 1:] - planes[:3, :-1, :-1], planes[:3, 1:, :-1] - planes[:3, :-1, :-1]
    length = (dx.square() + dy.square()).sum(0).sqrt()
    mask = inside[:-1, :-1]
    return float((length * mask).sum() / mask.sum().clamp_min(1))


def painted_views(scene: Path, style: Path, config: PaintConfig) -> tuple[list[Array], dict[str, Any]]:
    """Unlit renders of the painted asset from six sides, and the run's metrics."""
    orbit = Orbit(6, ImageSize(512, 512))
    with tempfile.TemporaryDirectory() as folder:
        result = run_job(Job(scene, (style,), Path(folder) / "out", config))
        shown = show_mesh(load_mesh(Path(folder) / "out" / "painted.glb"), orbit)
        cameras = orbit_cameras(shown, orbit)
        return [draw_frame(shown.renderer, c, shown.colours) for c in cameras], result.metrics


def main() -> None:
    """Paint every variant and compare."""
    parser = parser_for(__doc__)
    parser.add_argument("scene", nargs="?", default=ROOT / "scenes/lighthouse/lighthouse.glb", type=Path)
    parser.add_argument("style", nargs="?", default=ROOT / "scenes/styles/swirls.jpg", type=Path)
    parser.add_argument("--out", default=Path("renders/consistency"), type=Path)
    parser.add_argument("--preset", default="default")
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    base = load_preset(given.preset)
    base = override(base, {"output": {"turntable": False}}, "benchmark")
    numbers: dict[str, Any] = {}
    for name, changes in VARIANTS.items():
        recipe = base.recipe.with_terms(changes)
        views, metrics = painted_views(given.scene, given.style, dataclasses.replace(base, recipe=recipe))
        numbers[f"sharpness_{name}"] = round(float(np.mean([sharpness(v) for v in views])), 5)
        numbers[f"paint_s_{name}"] = metrics["paint_s"]
        row = np.concatenate([v[..., :3] + 1 - v[..., 3:] for v in views[:4]], 1)
        write_image(given.out / f"{name}.png", row)
    report("view consistency", numbers, given.save)


if __name__ == "__main__":
    main()
