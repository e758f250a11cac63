"""A tiny nerfacto that nerfstudio trains in a process, and what tests do with it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
from small_splats import ball

from nst3d.cameras.pinhole import look_at, perspective
from nst3d.cli.main import main
from nst3d.formats.captures.registry import save_transforms
from nst3d.images.io import encode_png, read_image
from nst3d.renderers.splats import SplatRenderer
from nst3d.tensors import ImageSize

SAMPLES = Path(__file__).parent
DRIVER = SAMPLES / "nerf_driver.py"
SIZE = ImageSize(40, 48)
OPENGL = np.diag([1.0, -1.0, -1.0, 1.0])
GREY = np.array([0.3, 0.5, 0.6], np.float32)
QUICK = [
    "--size",
    "48",
    "--iterations",
    "9",
    "--settings.output.no-turntable",
    "--settings.output.size",
    "48",
    "--quiet",
]


def drive(*arguments: object, old: bool = False) -> None:
    """Call nerfstudio in a process; its own checkpoints (`old`) need a variable that ours do without."""
    surroundings = os.environ | {"CUDA_VISIBLE_DEVICES": "", "OMP_NUM_THREADS": "1"}
    surroundings.pop("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD", None)
    if old:
        surroundings["TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD"] = "1"
    command = [sys.executable, str(DRIVER), *map(str, arguments)]
    done = subprocess.run(command, env=surroundings, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr[-2000:]


def train_a_ball(folder: Path) -> SimpleNamespace:
    """Photographs of a ball of splats, a run trained on them, a style, and a path of two cameras."""
    splats = ball(300, degree=0)
    renderer = SplatRenderer(splats)
    turns = np.linspace(0, 2 * np.pi, 8, endpoint=False)
    offsets = 3 * np.stack([np.cos(turns), np.sin(3 * turns) / 3, np.sin(turns)], axis=1)
    up = np.array([0.0, 1.0, 0.0])
    cameras = [perspective(look_at(o, np.zeros(3), up), SIZE, 0.8) for o in offsets]
    images = [renderer.draw(camera, splats.colours, 0.0).over(GREY) for camera in cameras]
    save_transforms(folder / "capture", cameras, images)
    drive("train", folder / "capture", folder / "runs")
    style = np.random.default_rng(0).random((64, 64, 3)).astype(np.float32)
    (folder / "style.png").write_bytes(encode_png(np.repeat(np.repeat(style[::8, ::8], 8, 0), 8, 1)))
    poses = [look_at(np.array(p), np.zeros(3), up) for p in ([0.9, 0.2, 0.1], [-0.1, 0.4, 0.8])]
    path = {
        "seconds": 1.0,
        "render_height": SIZE.height,
        "render_width": SIZE.width,
        "camera_type": "perspective",
        "camera_path": [{"camera_to_world": (p @ OPENGL).ravel().tolist(), "fov": 50} for p in poses],
    }
    (folder / "path.json").write_text(json.dumps(path))
    views = [perspective(p, SIZE, np.radians(50)) for p in poses]
    run = folder / "runs/tiny/nerfacto/made/config.yml"
    return SimpleNamespace(
        folder=folder, run=run, style=folder / "style.png", path=folder / "path.json", views=views
    )


def painted(made: SimpleNamespace, way: str, *more: str) -> Path:
    out = made.folder / "-".join([way, *more]).replace(" ", "")
    assert (
        main(
            [
                "paint",
                str(made.run),
                "--style",
                str(made.style),
                "--out",
                str(out),
                "--nerf",
                way,
                *QUICK,
                *more,
            ]
        )
        == 0
    )
    return out / "tiny/nerfacto/made/config.yml"


def frames(made: SimpleNamespace, config: Path, name: str, old: bool = False) -> list[np.ndarray]:
    """Colour, depth and accumulation (h, 3w, 3) of each camera of the path, by ns-render."""
    drive("render", config, made.path, made.folder / name, old=old)
    return [read_image(made.folder / name / f"{k:05d}.png").pixels for k in range(len(made.views))]
