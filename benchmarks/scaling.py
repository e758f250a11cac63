"""How time and memory of painting scale: with faces, texels, views, pixels of a view, and splats.

    python benchmarks/scaling.py [--quick] [--axes NAME ...] [--out DIR]

A wavy ring of any size is prepared, its views are compiled, and some steps are painted, on one thread. Each point is a
process of its own, whose peak memory counts; CPU times are medians, and of one call for `prepare`. An exponent is the
slope of a line through the last three points in logarithms: 1 is linear, 0 is constant. `--out` gets scaling.svg.
Last, one line of JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from common import ROOT, avx2_alone, cpu_times_ms, parser_for, report
from losses import steps_of
from scaling_scenes import write_mesh, write_splats

from nst3d.pipeline.jobs.prepare import Prepared, prepare
from nst3d.pipeline.runtime.caches import FOLDER_VARIABLE
from nst3d.pipeline.runtime.machine import peak_memory_gb, use_threads
from nst3d.pipeline.settings.config import PaintConfig
from nst3d.pipeline.settings.surface import RigOptions, SurfaceOptions
from nst3d.stylize.canvas import Canvas
from nst3d.stylize.schedule import Schedule, Stage

STYLE = ROOT / "scenes/styles/swirls.jpg"
FITTED = 3
"""Points, the last ones, of which an exponent is the slope."""


@dataclass(frozen=True)
class Point:
    """What is painted."""

    faces: int = 20_000
    """Triangles of the mesh; 0: splats."""
    texels: int = 512
    """Side of its texture."""
    views: int = 4
    pixels: int = 256
    """Side of a view."""
    splats: int = 0

    @property
    def amounts(self) -> dict[str, int]:
        """How much there is of each axis: texels and pixels are squares."""
        return asdict(self) | {"texels": self.texels**2, "pixels": self.pixels**2}


AXES: dict[str, list[Point]] = {
    "faces": [Point(faces=n) for n in (1_000, 4_000, 16_000, 64_000, 250_000, 1_000_000)],
    "texels": [Point(texels=n) for n in (128, 256, 512, 1024, 2048, 4096)],
    "views": [Point(views=n, pixels=128) for n in (4, 8, 16, 32, 64)],
    "pixels": [Point(pixels=n) for n in (64, 128, 256, 384, 512, 768)],
    "splats": [Point(0, splats=n) for n in (10_000, 30_000, 100_000, 300_000, 1_000_000)],
}
QUICK: dict[str, list[Point]] = {
    "faces": [Point(faces=n, pixels=64) for n in (1_000, 4_000, 16_000)],
    "texels": [Point(texels=n, pixels=64) for n in (64, 128, 256)],
    "views": [Point(views=n, pixels=64) for n in (2, 4, 8)],
    "pixels": [Point(pixels=n) for n in (48, 64, 96)],
    "splats": [Point(0, splats=n, pixels=64) for n in (3_000, 10_000, 30_000)],
}
MEASURED = ("prepare_s", "compile_ms", "product_ms", "step_ms", "added_gb")


def prepared(point: Point, folder: Path) -> Prepared:
    """The scene of a point, written into a folder and read like a user's."""
    scene = folder / ("ring.glb" if point.faces else "ring.splat")
    if point.faces:
        write_mesh(scene, point.faces)
    else:
        write_splats(scene, point.splats)
    config = replace(
        PaintConfig(),
        schedule=Schedule((Stage(point.pixels, 1, 0.03),)),
        rig=RigOptions(views=point.views, max_views=point.views, inside="never", crop=False),
        surface=SurfaceOptions(texture_size=point.texels, paint="texture", atlas="keep"),
    )
    return prepare(scene, STYLE, config)


def cpu_ms(call: Callable[[], Any], repeats: int) -> float:
    """The median CPU time of a call, milliseconds."""
    return statistics.median(cpu_times_ms(call, repeats))


def measure(point: Point, folder: Path) -> dict[str, float]:
    """One point, in this process."""
    tiny = replace(
        point, faces=min(point.faces, 500), texels=64, views=2, pixels=48, splats=min(point.splats, 500)
    )
    made = prepared(tiny, folder)
    steps(made, made.canvas(), 1)  # kernels and encoder are loaded
    base = peak_memory_gb() or 0.0
    start = time.process_time()
    made = prepared(point, folder)
    prepare_s = time.process_time() - start
    views = made.subject.stage(1.0).views  # before there is a canvas, which compiles and keeps them
    compile_ms = [cpu_of(lambda k=k: views[k]) for k in range(point.views)]
    table = torch.rand(views[0].num_colours, 3)
    product_ms = cpu_ms(lambda: views[0].adjoint(views[0].apply(table)), 9)
    step_ms = steps(made, made.canvas(), 7)
    peak = peak_memory_gb() or 0.0
    found = {"texels": views[0].num_colours, "views": len(views), "splats": views[0].num_colours}
    asked = {
        name: point.amounts[name] for name in (("views", "texels") if point.faces else ("views", "splats"))
    }
    if any(found[name] != amount for name, amount in asked.items()):
        sys.exit(f"asked for {asked}, and there are {found}")
    return {
        "prepare_s": round(prepare_s, 2),
        "compile_ms": round(statistics.median(compile_ms), 1),
        "product_ms": round(product_ms, 2),
        "step_ms": round(step_ms, 1),
        "peak_gb": round(peak, 3),
        "added_gb": round(peak - base, 3),
    }


def cpu_of(call: Callable[[], Any]) -> float:
    """The CPU time of one call, milliseconds."""
    start = time.process_time()
    call()
    return (time.process_time() - start) * 1e3


def steps(made: Prepared, canvas: Canvas, count: int) -> float:
    """The median CPU time of a step, milliseconds, once all views and targets are made."""
    run = steps_of(made, canvas, {})
    for _ in range(2 * canvas.num_views):
        next(run)
    return cpu_ms(lambda: next(run), count)


def in_a_process(point: Point) -> dict[str, float]:
    """The same in a process of its own, which finds nothing in nst3d's caches."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, __file__, "--point", json.dumps(asdict(point)), "--folder", folder]
        command += ["--avx2"] * avx2_alone()
        surroundings = os.environ | {FOLDER_VARIABLE: f"{folder}/cache", "OMP_NUM_THREADS": "1"}
        done = subprocess.run(command, capture_output=True, text=True, env=surroundings, check=False)
    if done.returncode:
        sys.exit(f"{point} failed:\n{done.stderr}")
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def exponents(rows: list[dict[str, float]]) -> dict[str, float]:
    """The slope of each number over the last points, in logarithms; without those that are hardly above 0."""
    last = rows[-FITTED:]
    amounts = np.log([row["amount"] for row in last])
    return {
        name: round(float(np.polyfit(amounts, np.log([row[name] for row in last]), 1)[0]), 2)
        for name in MEASURED
        if all(row[name] > 0.01 for row in last)
    }


def scaled(axis: str, points: list[Point]) -> list[dict[str, float]]:
    """An axis, with a line of a table for each point."""
    print(f"\n{axis:>12}" + "".join(f"{name:>12}" for name in (*MEASURED, "peak_gb")), flush=True)
    rows = []
    for point in points:
        rows.append({"amount": point.amounts[axis]} | in_a_process(point))
        print("".join(f"{rows[-1][name]:>12}" for name in ("amount", *MEASURED, "peak_gb")), flush=True)
    slopes = exponents(rows)
    print(f"{'exponent':>12}" + "".join(f"{slopes.get(name, ''):>12}" for name in MEASURED), flush=True)
    return rows


def main() -> None:
    """Measure all axes, or one point."""
    parser = parser_for(__doc__)
    parser.add_argument("--quick", action="store_true", help="small scenes and views")
    parser.add_argument("--axes", nargs="+", choices=list(AXES), default=list(AXES))
    parser.add_argument("--out", type=Path, help="folder for the plot")
    parser.add_argument("--point", type=json.loads, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    use_threads(1)
    if given.point:
        print(json.dumps(measure(Point(**given.point), given.folder)))
        return
    found = {axis: scaled(axis, (QUICK if given.quick else AXES)[axis]) for axis in given.axes}
    if given.out:
        from plots import scaling_plot

        scaling_plot(given.out / "scaling.svg", found)
    slopes = {f"{axis}_exponents": exponents(rows) for axis, rows in found.items()}
    ranges = {
        f"{a}_fitted": [r["amount"] for r in rows[-FITTED:]][:: FITTED - 1] for a, rows in found.items()
    }
    report("scaling", found | slopes | ranges, given.save)


if __name__ == "__main__":
    main()
