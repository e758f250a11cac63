"""What each loss costs and how it paints, in place of its counterparts in the default recipe.

    python benchmarks/losses.py                      # CPU time of a step, relative to a default step
    python benchmarks/losses.py --memory             # peak memory of some steps, each loss in a process of its own
    python benchmarks/losses.py --sheet sheet.png    # the lighthouse painted with each, as one picture

A style loss takes the place of `gram` and `nnfm`, a content loss that of `content`, with the weight that docs/losses.md
recommends. Times are of all threads together, as other processes disturb them less. Last, one line of JSON.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from common import ROOT, parser_for, report
from PIL import Image, ImageDraw

from nst3d.pipeline.jobs.prepare import Prepared, prepare
from nst3d.pipeline.runtime.machine import peak_memory_gb
from nst3d.pipeline.settings.config import PaintConfig
from nst3d.pipeline.settings.surface import RigOptions, SurfaceOptions
from nst3d.stylize.canvas import Canvas
from nst3d.stylize.schedule import Schedule, Stage

STYLES = {
    "gram": 1.0,
    "moments": 1.5,
    "covariance": 1.0,
    "histogram": 1.5,
    "sliced": 2.0,
    "nnfm": 2.0,
    "hypercolumn": 3.0,
    "contextual": 1.5,
}
CONTENTS = {"content": 0.15, "self_similarity": 1.0, "laplacian": 3.0, "edges": 2.0}
"""Recommended weights."""
TOGETHER = {"contextual": {"gram": 0.5}}
"""What a style loss is recommended with."""


def variants() -> dict[str, dict[str, float]]:
    """Name to changes of the default terms."""
    neither = {"gram": 0.0, "nnfm": 0.0}
    styles = {name: neither | TOGETHER.get(name, {}) | {name: weight} for name, weight in STYLES.items()}
    contents = {name: {"content": 0.0} | {name: weight} for name, weight in CONTENTS.items()}
    return {"default": {}} | styles | contents


def chosen(given: argparse.Namespace) -> dict[str, dict[str, float]]:
    """Those that the command line asks for."""
    return {k: v for k, v in variants().items() if not given.only or k in ("default", *given.only)}


def painter(given: argparse.Namespace, steps: int) -> Prepared:
    """The scene, read once."""
    config = dataclasses.replace(
        PaintConfig(),
        schedule=Schedule((Stage(given.size, steps, 0.03),)),
        rig=RigOptions(views=given.views, max_views=given.views, inside="never"),
        surface=SurfaceOptions(texture_size=given.size),
    )
    return prepare(given.scene, given.style, config)


def steps_of(made: Prepared, canvas: Canvas, changes: dict[str, float]) -> Iterator[dict[str, float]]:
    """Paint with changed terms, without end, and give the parts of each step's loss."""
    config = dataclasses.replace(made.config, recipe=made.config.recipe.with_terms(changes))
    guide = dataclasses.replace(made, config=config).guide(canvas)
    optimiser = canvas.optimiser("adam", config.schedule.stages[-1].learning_rate)
    order = torch.Generator().manual_seed(0)
    step = 0
    while True:
        for view in torch.randperm(canvas.num_views, generator=order).tolist():
            optimiser.zero_grad()
            look = canvas.look(view, guide.background, step)
            loss, parts = guide.judge(look)
            loss.backward()
            canvas.collect_()
            optimiser.step()
            canvas.project_()
            guide.note(look)
            step += 1
            yield parts


def times(given: argparse.Namespace) -> dict[str, Any]:
    """The median CPU time of each variant's step, divided by the default's; all take turns."""
    made = painter(given, 1)
    runs = {name: steps_of(made, made.canvas(), v) for name, v in chosen(given).items()}
    spent: dict[str, list[float]] = {name: [] for name in runs}
    for turn in range(2 * given.views + given.steps):
        for name, run in runs.items():
            start = time.process_time()
            next(run)
            if turn >= 2 * given.views:  # all views' targets are made by then
                spent[name].append(time.process_time() - start)
    medians = {name: statistics.median(values) for name, values in spent.items()}
    ratios = {name: round(value / medians["default"], 2) for name, value in medians.items()}
    return {"default_cpu_ms": round(medians["default"] * 1e3, 1)} | ratios


def memory(given: argparse.Namespace) -> dict[str, Any]:
    """The peak memory of a process that takes a few steps with each variant, GB."""
    peaks = {}
    for name in chosen(given):
        command = [sys.executable, __file__, "--one", name, "--views", "2", "--size", str(given.size)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        peaks[f"{name}_gb"] = json.loads(done.stdout)
    return peaks


def one(given: argparse.Namespace) -> float:
    """The peak memory of this process after a few steps with one variant, GB."""
    made = painter(given, 1)
    run = steps_of(made, made.canvas(), variants()[given.one])
    for _ in range(6):
        next(run)
    return round(peak_memory_gb(), 2)


def sheet(given: argparse.Namespace) -> None:
    """Paint with each variant, and write one view of each into a picture."""
    made = painter(given, given.steps)
    shown: dict[str, np.ndarray] = {}
    for name, changes in chosen(given).items():
        canvas = made.canvas()
        if not shown:
            shown["start"] = _view(canvas, given.view)
        start = time.process_time()
        run = steps_of(made, canvas, changes)
        parts = [next(run) for _ in range(given.steps)]
        shown[name] = _view(canvas, given.view)
        ends = {k: (round(parts[0].get(k, 0), 3), round(v, 3)) for k, v in parts[-1].items()}
        print(f"{name:<16} {time.process_time() - start:6.1f} s", ends, flush=True)
        _write(given.sheet, shown, given.columns)


def _view(canvas: Canvas, view: int) -> np.ndarray:
    with torch.no_grad():
        image = canvas.look(view, torch.ones(3), 0).image
    return (image.permute(1, 2, 0).clamp(0, 1) * 255).round().byte().numpy()


def _write(path: Path, shown: dict[str, np.ndarray], columns: int) -> None:
    height, width = next(iter(shown.values())).shape[:2]
    rows = -(-len(shown) // columns)
    page = Image.new("RGB", (columns * width, rows * (height + 14)), "white")
    for k, (name, pixels) in enumerate(shown.items()):
        left, top = k % columns * width, k // columns * (height + 14)
        page.paste(Image.fromarray(pixels), (left, top + 14))
        ImageDraw.Draw(page).text((left + 4, top + 1), name, fill="black")
    path.parent.mkdir(parents=True, exist_ok=True)
    page.save(path, optimize=True, quality=85)


def main() -> None:
    """Do what the command line asks for."""
    parser = parser_for(__doc__)
    parser.add_argument("--scene", default=ROOT / "scenes/lighthouse/lighthouse.glb", type=Path)
    parser.add_argument("--style", default=ROOT / "scenes/styles/swirls.jpg", type=Path)
    parser.add_argument("--size", default=256, type=int)
    parser.add_argument("--views", default=8, type=int)
    parser.add_argument("--view", default=0, type=int, help="the view that the sheet shows")
    parser.add_argument("--steps", default=100, type=int, help="steps that are painted, or timed")
    parser.add_argument("--columns", default=7, type=int)
    parser.add_argument("--only", nargs="*", choices=list(variants()), help="those beside the default")
    parser.add_argument("--sheet", type=Path)
    parser.add_argument("--memory", action="store_true")
    parser.add_argument("--one", choices=list(variants()), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one:
        print(one(given))
    elif given.sheet:
        sheet(given)
    elif given.memory:
        report(f"peak memory at {given.size} pixels", memory(given), given.save)
    else:
        report(f"a step at {given.size} pixels, relative to the default's", times(given), given.save)


if __name__ == "__main__":
    main()
