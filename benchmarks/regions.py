"""What several styles by region cost: steps of a run with one style, and of one with four in four regions.

    python benchmarks/regions.py [SCENE] [--size N] [--steps N]

Both runs take their steps in turn, on one thread, and the processor's time is counted, so that other work on the
machine changes little. Prints the median step of each, their ratio, and that of preparing them. Last, one line of JSON.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import torch
from common import ROOT, parser_for, report

from nst3d.pipeline.jobs.prepare import prepare
from nst3d.pipeline.settings.config import PaintConfig, load_preset
from nst3d.pipeline.settings.direction import Direction, PaintEntry, StyleEntry
from nst3d.stylize.engine import Progress, Run
from nst3d.stylize.phases import Please
from nst3d.stylize.schedule import Stage

STYLES = ("woodblock", "swirls", "cubist", "ink_wash")
WARM = 8
"""First steps of each run, which compile views and masks."""
VIEWS = 6


def direction(count: int) -> Direction:
    """So many styles in as many bands of the scene."""
    styles = {name: StyleEntry((ROOT / f"scenes/styles/{name}.jpg",)) for name in STYLES[:count]}
    bands = [PaintEntry(f"axis:y:..{k / count:g}", {name: 1.0}) for k, name in enumerate(styles, start=1)]
    return Direction(styles, paint=(*bands[:-1], PaintEntry(None, bands[-1].style)))


def steps(scene: Path, config: PaintConfig, count: int) -> tuple[Iterator[Progress], float]:
    """The steps of a run, and the seconds that it took to prepare it."""
    start = time.process_time()
    prepared = prepare(scene, config=config, direction=direction(count))
    canvas = prepared.subject.canvas()
    schedule = prepared.config.schedule.over(prepared.subject.num_views)
    run = Run(canvas, [Please(schedule, lambda stage: prepared.guide(canvas, stage))], schedule.seed)
    return iter(run), time.process_time() - start


def main() -> None:
    """Time both in turn."""
    parser = parser_for(__doc__)
    parser.add_argument("scene", nargs="?", default=ROOT / "scenes/lighthouse/lighthouse.glb", type=Path)
    parser.add_argument("--size", default=256, type=int)
    parser.add_argument("--steps", default=20, type=int)
    given = parser.parse_args()
    torch.set_num_threads(1)
    base = load_preset("quick")
    schedule = replace(base.schedule, stages=(Stage(given.size, given.steps + WARM, 0.02),))
    config = replace(base, schedule=schedule, rig=replace(base.rig, views=VIEWS, max_views=VIEWS))
    runs = {count: steps(given.scene, config, count) for count in (1, len(STYLES))}
    times: dict[int, list[float]] = {count: [] for count in runs}
    for _ in range(given.steps + WARM):
        for count, (run, _) in runs.items():
            start = time.process_time()
            next(run)
            times[count].append(time.process_time() - start)
    one, four = (statistics.median(found[WARM:]) * 1e3 for found in times.values())
    report(
        f"styles by region, {given.size} pixels",
        {
            "one_style_ms": round(one, 1),
            "four_styles_ms": round(four, 1),
            "ratio": round(four / one, 3),
            "prepare_ratio": round(runs[len(STYLES)][1] / runs[1][1], 3),
        },
        given.save,
    )


if __name__ == "__main__":
    main()
