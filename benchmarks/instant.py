"""Instant styles: how near a teacher alone brings a scene to a style, and how well its views agree.

    python benchmarks/instant.py [SCENE ...] [--style FILE] [--teachers NAME,NAME] [--size 256] [--refine 30]
                                 [--optimise STEPS] [--warm] [--out DIR] [--encoder FILE]

Paints each scene with each teacher alone (instant), with some steps after it (refined), without a teacher
(optimised), and, if asked, as `--start instant` does (warm). Prints seconds of the whole job and of painting, and the
mean loss of the last 20 steps; the distance to the style in VGG-16, which none of them used, and which share of the
way from unpainted to optimised that is; and the RMSE between frames of a turn of 96, warped onto each other through
depth, 1 and 7 frames apart, beside that of the unpainted scene and of frames that the same teacher paints one by one.
Writes the frames beside each other. Last, one line of JSON.
"""

from __future__ import annotations

import argparse
import dataclasses
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from common import ROOT, data_dir, parser_for, report

from nst3d.cameras.pinhole import Camera
from nst3d.features.encoder import Encoder
from nst3d.features.weights import load_encoder
from nst3d.images.io import write_image
from nst3d.integrations.bridges import BRIDGES
from nst3d.metrics.style import Masked, style_distance
from nst3d.metrics.warp import Seen, Warp, warp_between, warped_rmse
from nst3d.pipeline.jobs.open_scene import open_scene
from nst3d.pipeline.jobs.paint import run_job
from nst3d.pipeline.kinds.flight import Way, plan
from nst3d.pipeline.kinds.paint_job import Job
from nst3d.pipeline.kinds.registry import open_path
from nst3d.pipeline.runtime.events import Events, Handler, Stepped
from nst3d.pipeline.settings.config import PaintConfig, TeachOptions, load_preset, with_preset
from nst3d.pipeline.settings.overrides import override
from nst3d.pipeline.settings.shown import SceneOptions
from nst3d.pipeline.styles import read_style
from nst3d.renderers.radiance import Frame
from nst3d.stylize.look import Look
from nst3d.stylize.style import Style
from nst3d.stylize.teachers.registry import Teacher, make_teacher
from nst3d.tensors import Array, Image, ImageSize, to_planes

FRAMES, STARTS, GAPS = 96, 8, (1, 7)
TAIL = 20
OPAQUE = 0.95


@dataclass(frozen=True)
class Turn:
    """Frames of a turn: each start, followed by those that it is compared with."""

    cameras: Sequence[Camera]
    frames: Sequence[Frame]
    background: Array

    @property
    def starts(self) -> range:
        """The numbers of the starts."""
        return range(0, len(self.cameras), 1 + len(GAPS))

    def picture(self, number: int) -> Array:
        """The frame (h, w, 3) over the background."""
        return self.frames[number].over(self.background)

    def mask(self, number: int) -> torch.Tensor:
        """What the frame covers (h, w)."""
        return torch.from_numpy(np.ascontiguousarray(self.frames[number].opacity))


@dataclass(frozen=True)
class Bench:
    """What all measurements of a scene share."""

    encoder: Encoder
    wanted: Sequence[Masked]
    warps: Sequence[Sequence[Warp]]
    """For each start, the warp to each frame that it is compared with."""

    def nearness(self, turn: Turn) -> dict[str, float]:
        """Distances of the turn's starts to the style."""
        views = [(to_planes(Image(torch.from_numpy(turn.picture(k)))), turn.mask(k)) for k in turn.starts]
        found = style_distance(self.encoder, views, self.wanted)
        return {"gram": found.gram, "sliced": found.sliced}

    def disagreement(self, starts: Sequence[int], pictures: Sequence[Array]) -> dict[str, float]:
        """Warped RMSE by gap, mean over starts."""
        found = {}
        for place, gap in enumerate(GAPS, start=1):
            errors = [
                warped_rmse(pictures[k], pictures[k + place], warps[place - 1])
                for k, warps in zip(starts, self.warps)
            ]
            found[f"rmse_gap_{gap}"] = float(np.nanmean(errors))
        return found


class LastLosses(Handler):
    """The losses of the last steps."""

    def __init__(self) -> None:
        self._losses: deque[float] = deque(maxlen=TAIL)

    def step(self, event: Stepped) -> None:
        """Remember a step's."""
        self._losses.append(event.progress.loss)

    @property
    def mean(self) -> float:
        """Their mean."""
        return sum(self._losses) / len(self._losses)


def turn_of(scene: Path, cameras: Sequence[Camera] | None, size: int, background: Array) -> Turn:
    """Unlit frames of a scene; cameras None: of a turn of its own."""
    way = Way(path="orbit", frames=FRAMES, size=ImageSize(size, size))
    shown = open_scene(scene, SceneOptions(lighting="none"), way, lambda text: None, BRIDGES)
    if cameras is None:
        full = plan(shown, way).cameras
        starts = range(0, FRAMES, FRAMES // STARTS)
        cameras = [full[(k + gap) % FRAMES] for k in starts for gap in (0, *GAPS)]
    return Turn(cameras, [shown.frame(c, depth=True) for c in cameras], background)


def warps_of(turn: Turn) -> list[list[Warp]]:
    """The warps from each start, only between opaque pixels."""
    seen = [
        Seen(camera, np.where(frame.opacity > OPAQUE, frame.depth, np.inf))
        for camera, frame in zip(turn.cameras, turn.frames)
    ]
    return [[warp_between(seen[k], seen[k + n]) for n in range(1, 1 + len(GAPS))] for k in turn.starts]


def painted_frames(teacher: Teacher, turn: Turn, style: Style) -> list[Array]:
    """The turn's frames, each painted by itself."""

    def paint(number: int) -> Array:
        picture = torch.from_numpy(turn.picture(number))
        look = Look(to_planes(Image(picture)), turn.mask(number), view=number, camera=turn.cameras[number])
        return teacher.teach([Image(picture)], [look], [style])[0].numpy()

    with torch.no_grad():
        return [paint(number) for number in range(len(turn.cameras))]


def plain_settings(scene: Path, size: int) -> PaintConfig:
    """The scene's default preset at a size, without a video."""
    config = override(
        load_preset(open_path(scene).kind.preset), {"output": {"turntable": False}}, "benchmark"
    )
    return config.with_size(size)


def variants(scene: Path, given: argparse.Namespace) -> Iterator[tuple[str, PaintConfig]]:
    """Name and settings of all paintings; the optimised one first, for the others are measured against it."""
    plain = plain_settings(scene, given.size)
    yield "optimised", plain if given.optimise is None else plain.with_iterations(given.optimise)
    warm = with_preset(plain, "warm").with_size(given.size)
    if given.warm:
        yield "warm", warm
    for teacher in given.teachers.split(","):
        taught = dataclasses.replace(warm, teach=TeachOptions(teacher))
        yield teacher, taught.with_iterations(0)
        yield f"{teacher}+{given.refine}", taught.with_iterations(given.refine)


def measure(scene: Path, given: argparse.Namespace, encoder: Encoder) -> dict[str, Any]:
    """All figures of a scene; writes its paintings and a sheet of frames."""
    style = read_style(given.style, Events())
    background = style.background.numpy().astype(np.float32)
    before = turn_of(scene, None, given.size, background)
    wanted = list(zip(style.at(given.size), style.opacities_at(given.size)))
    bench = Bench(encoder, wanted, warps_of(before))
    bare = [before.picture(k) for k in range(len(before.cameras))]
    unpainted = bench.nearness(before) | bench.disagreement(before.starts, bare)
    numbers: dict[str, Any] = {"unpainted": unpainted}
    print("unpainted", unpainted, flush=True)
    rows = [bare]
    for name, config in variants(scene, given):
        folder = given.out / scene.stem / name
        losses = LastLosses()
        result = run_job(Job(scene, (given.style,), folder, config, overwrite=True), losses, BRIDGES)
        asset = next(path for path in result.paths if path.stem == "painted")
        turn = turn_of(asset, before.cameras, given.size, background)
        rows.append([turn.picture(k) for k in range(len(turn.cameras))])
        figures = {key: result.metrics[key] for key in ("wall_s", "paint_s")}
        if config.schedule.total:
            figures["loss"] = losses.mean
        figures |= bench.nearness(turn) | bench.disagreement(before.starts, rows[-1])
        best = numbers.get("optimised", figures)
        numbers[name] = figures | {
            f"way_{key}": _way(unpainted, figures, best, key) for key in ("gram", "sliced")
        }
        print(name, numbers[name], flush=True)
        if not config.schedule.total:
            rows.append(painted_frames(make_teacher(name, {}), before, style))
            alone = numbers[f"{name}, frame by frame"] = bench.disagreement(before.starts, rows[-1])
            print(f"{name}, frame by frame", alone, flush=True)
    sheet = np.concatenate([np.concatenate([row[k] for k in before.starts[:4]], 1) for row in rows])
    write_image(given.out / f"{scene.stem}.png", sheet.clip(0, 1))
    return numbers


def _way(start: dict[str, float], here: dict[str, float], end: dict[str, float], key: str) -> float:
    """The share of the way from unpainted to optimised."""
    return (start[key] - here[key]) / (start[key] - end[key])


def arguments() -> argparse.Namespace:
    """The command line's."""
    parser = parser_for(__doc__)
    parser.add_argument("scenes", nargs="*", default=[ROOT / "scenes/lighthouse/lighthouse.glb"], type=Path)
    parser.add_argument("--style", type=Path, help="default: The Scream, in the data folder")
    parser.add_argument("--teachers", default="microast")
    parser.add_argument("--size", default=256, type=int)
    parser.add_argument("--refine", default=30, type=int, help="steps after the teacher")
    parser.add_argument("--optimise", type=int, help="steps without a teacher; default: the preset's")
    parser.add_argument("--warm", action="store_true", help="also paint as `--start instant` does")
    parser.add_argument("--out", default=Path("renders/instant"), type=Path)
    parser.add_argument("--encoder", type=Path, help="VGG-16's weights; default: searched like all weights")
    given = parser.parse_args()
    given.style = given.style or data_dir() / "styles/the_scream_munch_1893.jpg"
    given.out.mkdir(parents=True, exist_ok=True)
    return given


def main() -> None:
    """Paint and measure every scene."""
    given = arguments()
    encoder = load_encoder("vgg16-torchvision", dtype=torch.float32, path=given.encoder)
    for scene in given.scenes:
        numbers = measure(scene, given, encoder)
        flat = {
            f"{name}: {key}": round(value, 4) for name, row in numbers.items() for key, value in row.items()
        }
        report(f"instant, {scene.stem}, {given.style.stem}, {given.size} pixels", flat, given.save)


if __name__ == "__main__":
    main()
