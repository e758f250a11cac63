"""What painting the lighthouse by the default preset costs, with bfloat16 and in float32.

    python benchmarks/paint_times.py [--steps N]
    python benchmarks/paint_times.py --avx2        # as on a laptop that has neither bfloat16 nor AVX-512

The median CPU time of a step in each stage, on one thread, times the stage's steps. Views and targets are compiled
before; reading, preparing and pictures are not counted. Also what `nst3d paint` would choose with two free cores, by
the rate at which one of them convolves. Last, one line of JSON.
"""

from __future__ import annotations

import statistics
import time
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any, Literal

import torch
from common import ROOT, parser_for, report
from losses import steps_of

from nst3d.cli.pace import PAINTING_SECONDS
from nst3d.features.precision import fast_dtype
from nst3d.features.speed import peak_rates
from nst3d.pipeline.jobs.prepare import prepare
from nst3d.pipeline.runtime.machine import use_threads
from nst3d.pipeline.settings.config import PaintConfig
from nst3d.stylize.schedule import Schedule

SCENE, STYLE = ROOT / "scenes/lighthouse/lighthouse.glb", ROOT / "scenes/styles/swirls.jpg"
VIEWS = 4
"""Views that are painted, of the default's 20: steps of all are alike."""
CORES = 2


def measured(precision: Literal["float32", "bfloat16"], steps: int, scene: Path) -> dict[str, Any]:
    """A precision's steps, the whole painting, and the choice of `nst3d paint`."""
    whole = replace(PaintConfig(), precision=precision)
    rig = replace(whole.rig, views=VIEWS, max_views=VIEWS)
    made = prepare(scene, STYLE, replace(whole, rig=rig))
    stages = whole.schedule.stages
    found = []
    for stage in stages:
        alone = replace(made.config, schedule=Schedule((stage,)))
        canvas = made.canvas(stage.size / whole.schedule.finest)
        run = steps_of(replace(made, config=alone), canvas, {})
        times = []
        for _ in islice(run, 2 * VIEWS + steps):
            times.append(time.process_time())
        gaps = [b - a for a, b in zip(times[2 * VIEWS - 1 :], times[2 * VIEWS :])]
        found.append(statistics.median(gaps))
    seconds = sum(step * stage.iterations for step, stage in zip(found, stages))
    rate = peak_rates(getattr(torch, precision))["convolution"]
    chosen = whole.within(PAINTING_SECONDS, CORES * rate).schedule
    return {
        "step_ms": [round(step * 1e3) for step in found],
        "paint_cpu_s": round(seconds),
        "convolution_gflops": round(rate / 1e9),
        "chosen": f"{chosen.finest} pixels, {chosen.total} steps",
    }


def main() -> None:
    """Measure the precisions that this CPU paints in."""
    parser = parser_for(__doc__)
    parser.add_argument("scene", nargs="?", default=SCENE, type=Path)
    parser.add_argument("--steps", type=int, default=7)
    given = parser.parse_args()
    use_threads(1)
    fast = str(fast_dtype()).removeprefix("torch.")
    stages = PaintConfig().schedule.stages
    numbers: dict[str, Any] = {"sizes": [s.size for s in stages], "steps": [s.iterations for s in stages]}
    for precision in dict.fromkeys((fast, "float32")):
        numbers[precision] = measured(precision, given.steps, given.scene)  # type: ignore[arg-type]
        print(precision, numbers[precision], flush=True)
    report("painting the lighthouse", numbers, given.save)


if __name__ == "__main__":
    main()
