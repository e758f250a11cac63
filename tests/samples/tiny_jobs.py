"""Paint jobs that take a second or less, and one who listens to them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from small_meshes import cube, noise
from small_recipe import shallow

from nst3d.images.io import write_image
from nst3d.pipeline.kinds.paint_job import Job
from nst3d.pipeline.runtime.events import Handler
from nst3d.pipeline.settings.config import OutputOptions, PaintConfig
from nst3d.pipeline.settings.surface import RigOptions
from nst3d.stylize.schedule import Schedule, Stage
from nst3d.stylize.shape.options import DisplaceOptions

TINY = PaintConfig(
    recipe=shallow(),
    schedule=Schedule((Stage(32, 3, 0.03), Stage(48, 3, 0.02))),
    rig=RigOptions(views=4, max_views=4),
    output=OutputOptions(frames=2, size=32, formats=("glb",)),
    precision="float32",
)
SHAPE = DisplaceOptions(
    fraction=0.03, stages=(Stage(32, 5, 1.0, 0.5), Stage(48, 6, 1.0, 0.5)), subdivide="never"
)
"""Two stages of five and six steps."""


def job(inputs: Path, out: Path, config: PaintConfig = TINY, scene: str = "cube.obj", **fields) -> Job:
    """Paints a file of `inputs`, the fixture, in the style that lies beside it."""
    return Job(inputs / scene, (inputs / "style.png",), out, config, **fields)


def write_inputs(folder: Path) -> Path:
    """Write a cube as OBJ with a texture, a style and a photo into a folder; returns it."""
    box = cube()
    lines = ["mtllib cube.mtl", "usemtl skin"]
    lines += [f"v {x} {y} {z}" for x, y, z in box.vertices]
    lines += [f"vt {u} {v}" for u, v in box.uvs.reshape(-1, 2)]
    for number, face in enumerate(box.faces):
        lines.append("f " + " ".join(f"{i + 1}/{3 * number + k + 1}" for k, i in enumerate(face)))
    (folder / "cube.obj").write_text("\n".join(lines))
    (folder / "cube.mtl").write_text("newmtl skin\nmap_Kd skin.png\n")
    write_image(folder / "skin.png", np.kron(noise(8, 12, 3), np.ones((4, 4, 1), np.float32)))
    write_image(folder / "style.png", np.kron(noise(8, 8, 3, seed=1), np.ones((6, 6, 1), np.float32)))
    write_image(folder / "photo.png", noise(36, 48, 3, seed=2))
    return folder


class Listener(Handler):
    """Counts steps, stops after some, and hears notes."""

    def __init__(self, stop_after: int = -1) -> None:
        self.steps, self.notes, self._stop_after = 0, list[str](), stop_after

    def step(self, event) -> None:
        progress = event.progress
        self.steps += 1
        if progress.iteration == self._stop_after:
            raise KeyboardInterrupt

    def note(self, text: str) -> None:
        self.notes.append(text)


class Losses(Handler):
    """Keeps the parts of the loss at each step."""

    def __init__(self, stop_after: int | None = None) -> None:
        self.parts: list[dict[str, float]] = []
        self.stop_after = stop_after

    def step(self, event) -> None:
        progress = event.progress
        self.parts.append(progress.losses)
        if progress.iteration == self.stop_after:
            raise KeyboardInterrupt
