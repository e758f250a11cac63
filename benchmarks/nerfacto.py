"""Photographs to a radiance field: `nst3d reconstruct` beside nerfstudio's nerfacto, on one thread of a processor.

    python benchmarks/nerfacto.py [CAPTURE] [--cap SECONDS] [--lean] [--rays N] [--repeats N] [--out DIR]

Both get the same photographs, at most 240 pixels long, and the same cameras; every 8th photograph is held out, and
one evaluator compares both sides' pictures with these. The processor's time is counted from the first step, that of
reading and of evaluating left out. nerfacto is nerfstudio's own in torch, without its camera optimiser, with its
defaults or (`--lean`) smaller tables and fewer samples, which take a step less time; it stops at `--cap` seconds of
processor time. Where it has not reached a PSNR by then, the ratio is a lower bound. Needs nerfstudio. Last, one line of
JSON.
"""

from __future__ import annotations

import argparse
import math
import statistics
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import numba
import numpy as np
import torch
from common import data_dir, parser_for, report
from nerfacto_sides import Nerfacto, Own, Side

from nst3d.errors import MissingDependencyError
from nst3d.formats.captures.registry import save_transforms
from nst3d.images.io import write_image
from nst3d.integrations.nerfstudio.package import need_nerfstudio
from nst3d.metrics.image import psnr, ssim
from nst3d.metrics.lpips import Lpips
from nst3d.pipeline.captures.photographs import Photographs, read_photographs
from nst3d.tensors import Array

SIZE = 240
GOAL = 22.0
MARKS = (18.0, 20.0, GOAL, 24.0, 26.0)
"""PSNR on held-out photographs, dB, to which the times are given."""
FIRST_S = {"nst3d": 2.0, "nerfacto": 30.0}
"""Processor seconds until the first evaluation."""
LATER = 1.5
"""How much later each evaluation is than the one before."""


class Limit(NamedTuple):
    """When a side is stopped."""

    cpu_s: float = math.inf
    psnr: float = math.inf


@dataclass
class Course:
    """How far a side has come: steps, processor seconds and held-out PSNR."""

    points: list[tuple[int, float, float]] = field(default_factory=list)
    pictures: list[Array] = field(default_factory=list)
    cpu_s: float = 0.0
    steps: int = 0

    def run(self, side: Side, wanted: Sequence[Array], limit: Limit, name: str) -> None:
        """Step until the side is at its end, its time is over, or it is good enough."""
        due, more, cap_s = FIRST_S[name], True, limit.cpu_s
        while more and self.cpu_s < cap_s and not (self.points and self.points[-1][2] >= limit.psnr):
            start = time.process_time()
            more = side.step()
            self.cpu_s += time.process_time() - start
            self.steps += more
            if self.cpu_s >= due or not more or self.cpu_s >= cap_s:
                self._evaluate(side, wanted)
                print(
                    f"{name}: step {self.steps}, {self.cpu_s:.0f} s, {self.points[-1][2]:.2f} dB", flush=True
                )
                due = max(due, self.cpu_s) * LATER

    def _evaluate(self, side: Side, wanted: Sequence[Array]) -> None:
        self.pictures = side.pictures()
        mean = statistics.mean(psnr(shown, photo) for shown, photo in zip(self.pictures, wanted, strict=True))
        self.points.append((self.steps, self.cpu_s, mean))

    def seconds_to(self, mark: float) -> float | None:
        """Processor seconds until a PSNR was reached first, between two evaluations by the logarithm of time."""
        earlier: tuple[float, float] | None = None
        for _, seconds, value in self.points:
            if value >= mark:
                if earlier is None:
                    return seconds
                share = (mark - earlier[1]) / (value - earlier[1])
                return math.exp(math.log(earlier[0]) * (1 - share) + math.log(seconds) * share)
            earlier = (seconds, value)
        return None

    def quality(self, wanted: Sequence[Array]) -> dict[str, Any]:
        """The last evaluation in full; instead of LPIPS the reason where a weight is missing."""
        pairs = list(zip(self.pictures, wanted, strict=True))
        found: dict[str, Any] = {
            "psnr": round(self.points[-1][2], 2),
            "ssim": round(statistics.mean(ssim(a, b) for a, b in pairs), 3),
        }
        try:
            lpips = Lpips("alex")
            found["lpips"] = round(statistics.mean(lpips.distance(a, b) for a, b in pairs), 3)
        except MissingDependencyError as error:
            found["lpips"] = str(error)
        return found


def small_capture(source: Photographs, folder: Path) -> Photographs:
    """The photographs as PNG files in their final size, with their cameras and split, which both sides read."""
    views = [*source.train, *source.tests]
    splits = ["train"] * len(source.train) + ["test"] * len(source.tests)
    save_transforms(folder, [v.camera for v in views], [v.image for v in views], source.up, splits)  # type: ignore[arg-type]
    return read_photographs(folder, SIZE)


def compare(own: Sequence[Course], theirs: Course, wanted: Sequence[Array]) -> dict[str, Any]:
    """Times to each mark, their ratio, and both sides' quality at the end."""
    numbers: dict[str, Any] = {}
    for mark in MARKS:
        reached = [seconds for course in own if (seconds := course.seconds_to(mark)) is not None]
        if not reached:
            numbers[f"to_{mark:g}_db"] = "not reached by nst3d"
            continue
        ours, other = statistics.median(reached), theirs.seconds_to(mark)
        if other is None:
            ratio = f"more than {theirs.cpu_s:.0f} s, more than {theirs.cpu_s / ours:.0f} x"
        else:
            ratio = f"{other:.0f} s, {other / ours:.1f} x"
        numbers[f"to_{mark:g}_db"] = f"nst3d {ours:.1f} s, nerfacto {ratio}"
    for name, course in (("nst3d", own[0]), ("nerfacto", theirs)):
        step_ms = round(course.cpu_s / course.steps * 1e3, 1)
        numbers[name] = {
            "steps": course.steps, "cpu_s": round(course.cpu_s, 1), "step_ms": step_ms, **course.quality(wanted),
            "curve": [(steps, round(seconds, 1), round(value, 2)) for steps, seconds, value in course.points],
        }  # fmt: skip
    return numbers


def arguments() -> argparse.Namespace:
    """What is reconstructed, and how long."""
    parser = parser_for(__doc__)
    parser.add_argument("capture", nargs="?", type=Path)
    parser.add_argument("--cap", type=float, default=1500.0, help="processor seconds for nerfacto")
    parser.add_argument("--lean", action="store_true", help="smaller tables and fewer samples for nerfacto")
    parser.add_argument("--rays", type=int, default=4096, help="rays of nerfacto's batches")
    parser.add_argument(
        "--repeats", type=int, default=3, help="runs of nst3d, whose median counts up to 22 dB"
    )
    parser.add_argument("--out", type=Path, help="folder for a picture of what was held out")
    given = parser.parse_args()
    given.capture = given.capture or data_dir() / "nerf" / "fox"
    return given


def main() -> None:
    """Fit both, one after the other."""
    given = arguments()
    need_nerfstudio("benchmarks/nerfacto.py")
    torch.set_num_threads(1)
    numba.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        photographs = small_capture(read_photographs(given.capture, SIZE), Path(folder))
        wanted = [view.image for view in photographs.tests]
        own, theirs = [Course() for _ in range(given.repeats)], Course()
        for course in own[1:]:
            course.run(Own(photographs), wanted, Limit(psnr=GOAL), "nst3d")
        own[0].run(Own(photographs), wanted, Limit(), "nst3d")
        theirs.run(Nerfacto(Path(folder), given.lean, given.rays), wanted, Limit(given.cap), "nerfacto")
        numbers = compare(own, theirs, wanted)
    if given.out:
        rows = (wanted, own[0].pictures, theirs.pictures)
        given.out.mkdir(parents=True, exist_ok=True)
        write_image(given.out / "held_out.png", np.concatenate([np.concatenate(row, 1) for row in rows]))
    setting = {
        "capture": given.capture.name,
        "photographs": f"{len(photographs.train)}, {len(wanted)} held out",
        "nerfacto_setting": f"{'lean' if given.lean else 'default'}, {given.rays} rays a batch",
        "nerfstudio": version("nerfstudio"),
    }
    report("photographs to a radiance field", setting | numbers, given.save)


if __name__ == "__main__":
    main()
