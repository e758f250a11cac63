"""A capture: photographs to a field, painted with ARF's losses, flown through.

    python benchmarks/capture.py [CAPTURE]    # default: fox, 135 x 240, every 8th photograph held out

Prints a table, and last one line of JSON.
"""

from __future__ import annotations

import dataclasses
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from common import Stopwatch, data_dir, median_ms, parser_for, report

from nst3d.cameras.paths import tour
from nst3d.cameras.pinhole import Camera
from nst3d.features.weights import load_encoder
from nst3d.formats.fields.registry import load_field
from nst3d.pipeline.jobs.paint import run_job
from nst3d.pipeline.jobs.reconstruct import ReconstructJob, run_reconstruct
from nst3d.pipeline.kinds.paint_job import Job
from nst3d.pipeline.runtime.machine import peak_memory_gb, resolve_device
from nst3d.pipeline.settings.config import PaintConfig, load_preset
from nst3d.renderers.radiance import Frame, RadianceRenderer
from nst3d.renderers.voxels import VoxelRenderer
from nst3d.tensors import Array, ImageSize

LAYERS = ("relu3_1", "relu3_2", "relu3_3")
FLIGHT = ImageSize(480, 270)
GAPS = (1, 7)


def arf() -> PaintConfig:
    """ARF's losses on whole pictures of the capture's own size, 300 steps."""
    config = load_preset("arf")
    style = next(s for s in config.schedule.stages if not s.fit)
    stage = dataclasses.replace(style, size=240, iterations=300, epochs=0)
    schedule = dataclasses.replace(config.schedule, stages=(stage,))
    recipe = dataclasses.replace(config.recipe, reduce=1)
    output = dataclasses.replace(config.output, turntable=False)
    return dataclasses.replace(config, schedule=schedule, recipe=recipe, output=output)


def bare_encoder_ms(size: ImageSize) -> float:
    """The encoder alone, forward and backward, on a picture of that size."""
    device = resolve_device("auto")
    encoder = load_encoder("vgg19", device=device)
    image = torch.rand(3, *size, device=device, requires_grad=True)

    def bare() -> None:
        image.grad = None
        encoder(image, LAYERS)[LAYERS[-1]].sum().backward()

    return median_ms(bare, 15)


def warped_rmse(frames: Sequence[tuple[Camera, Frame, Array]], gap: int) -> float:
    """How much a picture differs from one `gap` frames later, brought to it by depth, where both see a point.

    `frames` holds for each camera the frame with the depth, and the picture (h, w, 3).
    """
    squares, count = 0.0, 0
    for (camera, frame, picture), (other, far, later) in zip(frames, frames[gap:]):
        origin, directions = camera.rays()
        sound = np.isfinite(frame.depth) & (frame.opacity > 0.9)
        points = origin + directions * np.where(sound, frame.depth, 1.0)[..., None]
        pixels, depth = other.project(points.reshape(-1, 3))
        place = (pixels / np.array(other.size[::-1]) * 2 - 1).reshape(*camera.size, 2)
        grid = torch.from_numpy(place.astype(np.float32))[None]
        stack = np.concatenate([later, np.nan_to_num(far.depth, posinf=0.0)[..., None]], axis=2)
        planes = torch.from_numpy(stack.astype(np.float32)).permute(2, 0, 1)[None]
        warped = F.grid_sample(planes, grid, align_corners=False)[0].permute(1, 2, 0).numpy()
        depth = depth.reshape(camera.size)
        seen = sound & (np.abs(place).max(2) < 1) & (np.abs(warped[..., 3] - depth) < 0.02 * depth)
        squares += float(((warped[..., :3] - picture)[seen] ** 2).sum())
        count += 3 * int(seen.sum())
    return float(np.sqrt(squares / max(count, 1)))


def consistency(
    renderer: RadianceRenderer, tables: dict[str, Array], cameras: Sequence[Camera]
) -> dict[str, Any]:
    """Warped RMSE of each table's flight, for each gap."""
    numbers = {}
    for name, colours in tables.items():
        drawn = [(c, renderer.draw(c, colours)) for c in cameras]
        frames = [(c, f, f.over(0.5)) for c, f in drawn]
        for gap in GAPS:
            numbers[f"warped_rmse_{name}_{gap}"] = round(warped_rmse(frames, gap), 4)
    return numbers


def measure(capture: Path, folder: Path) -> dict[str, Any]:
    """All numbers of a capture."""
    start = time.perf_counter()
    fitted = run_reconstruct(ReconstructJob(capture, folder / "field"))
    numbers: dict[str, Any] = {"psnr": fitted.metrics["psnr"], "ssim": fitted.metrics["ssim"]}
    numbers["reconstruct_s"] = round(time.perf_counter() - start, 1)
    numbers["nodes"] = fitted.metrics["nodes"]
    style = data_dir() / "styles/starry_night_vangogh_1889.jpg"
    watch = Stopwatch()
    start = time.perf_counter()
    field = folder / "field" / "field.npz"
    painted = run_job(Job(field, (style,), folder / "out", arf()), watch)
    numbers["paint_s"] = round(time.perf_counter() - start, 1)
    numbers["step_ms"] = round(watch.median_ms(100), 1)
    size = ImageSize(*painted.metrics["view_size"])
    encoder_ms = bare_encoder_ms(size)
    numbers["encoder_ms"] = round(encoder_ms, 1)
    numbers["step_ratio"] = round(watch.median_ms(100) / encoder_ms, 3)
    numbers["view_mb"] = round(painted.metrics["view_bytes"] / 1e6)
    before, after = load_field(field), load_field(folder / "out" / "painted.npz")
    renderer = VoxelRenderer(before)
    cameras = tour(before.cameras, 120, FLIGHT)
    turn = iter(range(10**9))
    frame_ms = median_ms(lambda: renderer.draw(cameras[next(turn) % 120], after.colours), 12)
    numbers["flythrough_fps"] = round(1e3 / frame_ms, 2)
    tables = {"before": before.colours, "after": after.colours}
    numbers |= consistency(renderer, tables, tour(before.cameras, 120, ImageSize(240, 135))[:40])
    return numbers | {"peak_rss_gb": peak_memory_gb()}


def main() -> None:
    """Measure the capture that the command line names."""
    parser = parser_for(__doc__)
    parser.add_argument("capture", nargs="?", type=Path)
    given = parser.parse_args()
    capture = given.capture or data_dir() / "nerf/fox"
    with tempfile.TemporaryDirectory() as folder:
        report("capture", {"capture": capture.name} | measure(capture, Path(folder)), given.save)


if __name__ == "__main__":
    main()
