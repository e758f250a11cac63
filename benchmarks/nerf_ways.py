"""The two ways to paint a nerfacto, `native` and `baked`, given the same time, views and size.

    python benchmarks/nerf_ways.py RUN/config.yml [STYLE] [--out DIR] [--views 8] [--size 128] [--steps 60]

Needs nerfstudio. Paints natively for so many steps, then baked for as many as take the same processor time, all
of the job counted. Prints the style losses of both written runs in six views that painting did not use, and of
the run as it was; writes these views below each other. Last, one line of JSON. Run it on one thread
(OMP_NUM_THREADS=1 NUMBA_NUM_THREADS=1), where processor time is what an idle machine takes.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from common import ROOT, parser_for, report

from nst3d.cameras.pinhole import Camera
from nst3d.formats.nerfstudio.run import load_run
from nst3d.images.io import write_image
from nst3d.integrations.bridges import BRIDGES
from nst3d.integrations.nerfstudio.dataparsers import run_cameras
from nst3d.pipeline.jobs.paint import run_job
from nst3d.pipeline.kinds.paint_job import Job
from nst3d.pipeline.kinds.radiance.scene import spread_out
from nst3d.pipeline.runtime.events import Events
from nst3d.pipeline.settings.config import PaintConfig, load_preset
from nst3d.pipeline.styles import find_encoder, read_style
from nst3d.stylize.feature_guide import Viewing
from nst3d.stylize.look import Look
from nst3d.stylize.stage_guide import StageInputs, build_guide
from nst3d.stylize.stage_scene import StageScene
from nst3d.tensors import Array

HELD_OUT = 6


def settings(views: int, size: int, steps: int, way: str) -> PaintConfig:
    """Those of a capture, for so many views of a long side of `size` pixels."""
    base = load_preset("capture")
    schedule = replace(base.schedule.at_most(size).shared_out(steps), patience=0)
    output = replace(base.output, turntable=False, size=size)
    return replace(base, schedule=schedule, output=output, capture_views=views, nerf=way)  # type: ignore[arg-type]


def painted(job: Job) -> tuple[Path, float, dict[str, Any]]:
    """The config.yml of the painted run, the processor time of the job, and its metrics."""
    start = time.process_time()
    result = run_job(job, bridges=BRIDGES)
    return result.paths[0], time.process_time() - start, result.metrics


def drawn(run: Path, cameras: Sequence[Camera]) -> list[Array]:
    """What a run shows, as nerfstudio renders it: pictures (h, w, 3)."""
    from nst3d.integrations.nerfstudio.model.nerfacto import Nerfacto

    nerf = Nerfacto(load_run(run))
    return [nerf.draw(camera).over(np.asarray(nerf.background, np.float32)) for camera in cameras]


def style_losses(pictures: Sequence[Array], style: Path, config: PaintConfig) -> dict[str, float]:
    """The recipe's style losses of pictures, averaged; less is nearer to the style."""
    terms = tuple(term for term in config.recipe.terms if term.name in ("gram", "nnfm"))
    recipe = replace(config.recipe, terms=terms)
    encoder = find_encoder(config, torch.device("cpu"), Events())
    painting = read_style(style, Events())
    viewing = Viewing(painting.background)
    inputs = StageInputs((painting,), StageScene(1), config.schedule.finest, viewing)
    guide = build_guide(recipe, encoder, inputs)
    found = []
    for picture in pictures:
        image = torch.from_numpy(picture).permute(2, 0, 1)
        with torch.no_grad():
            found.append(guide.judge(Look(image, torch.ones(image.shape[1:])))[1])
    return {name: round(float(np.mean([f[name] for f in found])), 3) for name in ("gram", "nnfm")}


def main() -> None:
    """Paint both ways and compare."""
    parser = parser_for(__doc__)
    parser.add_argument("run", type=Path)
    parser.add_argument("style", nargs="?", default=ROOT / "scenes/styles/swirls.jpg", type=Path)
    parser.add_argument("--out", default=Path("renders/nerf_ways"), type=Path)
    parser.add_argument("--views", default=8, type=int)
    parser.add_argument("--size", default=128, type=int)
    parser.add_argument("--steps", default=60, type=int)
    given = parser.parse_args()
    cameras = [photo.camera for photo in run_cameras(load_run(given.run)).of("train")]
    used = set(spread_out(cameras, given.views))
    others = [camera for number, camera in enumerate(cameras) if number not in used]
    scale = given.size / max(max(c.size) for c in cameras)
    held = [others[k].scaled(scale) for k in spread_out(others, HELD_OUT)]

    def paint(way: str, steps: int) -> tuple[Path, float, dict[str, Any]]:
        config = settings(given.views, given.size, steps, way)
        return painted(Job(given.run, (given.style,), given.out / way, config, overwrite=True))

    config = settings(given.views, given.size, given.steps, "native")
    native, native_s, _ = paint("native", given.steps)
    # As many steps baked tell how many more or fewer would take the same time.
    _, probe_s, metrics = paint("baked", given.steps)
    step_s = probe_s * metrics["paint_s"] / metrics["wall_s"] / given.steps
    steps = max(1, given.steps + round((native_s - probe_s) / step_s))
    baked, baked_s, metrics = paint("baked", steps)
    numbers: dict[str, Any] = {"native_steps": given.steps, "baked_steps": steps}
    numbers |= {"native_s": round(native_s, 1), "baked_s": round(baked_s, 1)}
    numbers["baked_written_psnr"] = metrics["written_psnr"]
    rows = []
    for name, run in (("before", given.run), ("native", native), ("baked", baked)):
        pictures = drawn(run, held)
        losses = style_losses(pictures, given.style, config)
        numbers |= {f"{key}_{name}": value for key, value in losses.items()}
        rows.append(np.concatenate(pictures, axis=1))
    write_image(given.out / "ways.png", np.concatenate(rows, axis=0))
    report("ways to paint a nerfacto", numbers, given.save)


if __name__ == "__main__":
    main()
