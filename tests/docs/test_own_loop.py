"""The loops of docs/own_loop.md, run as they stand there, with smaller views and fewer steps."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
import torch
from npz_samples import field_of
from small_meshes import CUBE_TEXTURE, camera_at, cube, noise, texel_surface
from small_splats import ball
from tiny_jobs import TINY

import nst3d
from nst3d import LinearCanvas, Please, Run, Schedule, Stage, compile_view, load, prepare, save
from nst3d.images.io import read_image
from nst3d.stylize.layout import Layout
from nst3d.stylize.stage_scene import TableStage

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "own_loop.md").read_text(encoding="utf-8")
LOOP, RUN = re.findall(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
SMALLER = {"(256)": "(48)", "range(100)": "range(4)", "Stage(128, iterations=60": "Stage(32, iterations=2",
           "Stage(256, iterations=40": "Stage(48, iterations=2"}  # fmt: skip


@pytest.fixture
def scenes(inputs, tmp_path) -> dict[str, Path]:
    """A scene of each kind."""
    save(tmp_path / "field.npz", field_of())
    save(tmp_path / "splats.ply", ball(60))
    found = {name: tmp_path / name for name in ("field.npz", "splats.ply")}
    return found | {name: inputs / name for name in ("cube.obj", "photo.png")}


def ran(script: str, scene: Path, style: Path) -> dict[str, object]:
    """The names that a script leaves, run on a scene with smaller views and fewer steps."""
    for old, new in SMALLER.items():
        script = script.replace(old, new)
    script = script.replace('"teapot.glb"', repr(str(scene))).replace('"starry_night.jpg"', repr(str(style)))
    assert "teapot" not in script
    assert not re.search(r"\b(256|128|100)\b", script)
    names: dict[str, object] = {}
    exec(compile(script, "own_loop.md", "exec"), names)  # the documentation's own text
    return names


def colours_of(path: Path) -> np.ndarray:
    if path.suffix == ".png":
        return read_image(path).pixels
    scene = load(path)
    return scene.textures[0].pixels if isinstance(scene, nst3d.Mesh) else scene.colours


def test_the_loop_has_fifteen_lines_and_public_names_alone() -> None:
    for script in (LOOP, RUN):
        lines = [line for line in script.splitlines() if line.strip() and not line.startswith("#")]
        assert len(lines) <= 15
        assert re.findall(r"^(?:from|import) (\S+)", script, re.MULTILINE) == ["nst3d"]


@pytest.mark.parametrize("scene", ["cube.obj", "field.npz", "splats.ply", "photo.png"])
@pytest.mark.parametrize("script", [LOOP, RUN], ids=["loop", "run"])
def test_any_scene_is_painted(script, scene, scenes, inputs, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    names = ran(script, scenes[scene], inputs / "style.png")
    suffix = {".obj": ".glb"}.get(scenes[scene].suffix, scenes[scene].suffix)
    painted = tmp_path / "painted" / f"painted{suffix}"
    assert colours_of(painted).std() > 0.01
    if script == LOOP:
        assert set(names["parts"]) >= {"content", "gram", "nnfm", "variation"}
        assert names["loss"].item() == pytest.approx(sum(names["parts"].values()), rel=1e-4)


def test_the_loop_makes_the_loss_of_every_view_smaller(scenes, inputs) -> None:
    made = prepare(scenes["cube.obj"], inputs / "style.png", TINY)
    assert isinstance(made, nst3d.Prepared)
    canvas = made.canvas()
    assert isinstance(canvas, nst3d.Canvas)
    guide = made.guide(canvas)
    assert isinstance(guide, nst3d.Guide)

    def total() -> float:
        with torch.no_grad():
            looks = [canvas.look(view, guide.background) for view in range(canvas.num_views)]
            return float(sum(guide.judge(look)[0] for look in looks))

    before = total()
    assert before == total()
    optimiser = canvas.optimiser("adam", 0.03)
    for step in range(12):
        optimiser.zero_grad()
        look = canvas.look(step % canvas.num_views, guide.background, step)
        guide.judge(look)[0].backward()
        canvas.collect_()
        optimiser.step()
        canvas.project_()
        guide.note(look)
    assert total() < 0.9 * before


def test_a_canvas_on_views_of_ones_own(tmp_path) -> None:
    """Without `prepare`: compiled views, a canvas on them, a guide of one's own, and a run."""

    class Dark(nst3d.Guide):
        background = torch.ones(3)

        def judge(self, look):
            loss = (look.image.mean(0) * look.coverage).square().mean()
            return loss, {"dark": float(loss.detach())}

    surface = texel_surface(cube(), CUBE_TEXTURE)
    cameras = [camera_at(place) for place in ((3, 2, 2), (-3, -2, 1), (0, 3, -2))]
    views = [compile_view(surface, camera) for camera in cameras]
    layout = Layout.of_images([CUBE_TEXTURE])
    start = torch.from_numpy(noise(layout.num_colours, 3))
    stage = TableStage(views=views, layout=layout, cameras=cameras)
    canvas = LinearCanvas(start, layout, lambda scale: stage)
    schedule = Schedule((Stage(32, 9, 0.05),))
    losses = [progress.loss for progress in Run(canvas, [Please(schedule, lambda stage: Dark())])]
    assert losses[-1] < 0.7 * losses[0]
    assert float(canvas.finest_colours().mean()) < float(start.mean())
