"""The second painting of a scene: from what the first one kept, and the same to the byte."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from ball_field import ball_field
from small_splats import ball
from tiny_jobs import TINY, job

from nst3d.formats.fields.registry import save_field
from nst3d.formats.splats.registry import save_splats
from nst3d.pipeline.jobs.paint import run_job
from nst3d.renderers.mesh import MeshRenderer
from nst3d.renderers.raycast import Raycaster
from nst3d.renderers.splats import SplatRenderer
from nst3d.renderers.voxels import VoxelRenderer

SCENES = {"cube.obj": MeshRenderer, "ball.ply": SplatRenderer, "ball.npz": VoxelRenderer}
QUICK = replace(TINY, rig=replace(TINY.rig, views=3, max_views=3), capture_views=3)


@pytest.fixture(scope="module")
def scenes(inputs) -> Path:
    splats = ball()
    save_splats(inputs / "ball.ply", splats, splats.colours, 1.0)
    save_field(inputs / "ball.npz", ball_field(nodes=16, views=3, pixels=48))
    return inputs


def painted(scene: str, inputs: Path, out: Path, config=QUICK) -> dict[str, bytes]:
    result = run_job(job(inputs, out, config, scene))
    return {p.name: p.read_bytes() for p in result.paths if p.suffix not in (".json", ".yaml")}


def counted(monkeypatch, scene: str) -> list[int]:
    """Counts compilations."""
    times, renderer = [], SCENES[scene]
    name = "compile_lit" if renderer is MeshRenderer else "compile"
    own = getattr(renderer, name)

    def compile(self, *arguments):
        times.append(1)
        return own(self, *arguments)

    monkeypatch.setattr(renderer, name, compile)
    return times


@pytest.mark.parametrize("scene", SCENES)
def test_it_is_the_same_and_compiles_nothing(scenes, tmp_path, monkeypatch, scene) -> None:
    monkeypatch.setenv("NST3D_CACHE", "off")
    alone = painted(scene, scenes, tmp_path / "alone")
    monkeypatch.setenv("NST3D_CACHE", str(tmp_path / "cache"))
    times = counted(monkeypatch, scene)
    first = painted(scene, scenes, tmp_path / "first")
    assert len(times) == 2 * 3  # two stages of three views
    second = painted(scene, scenes, tmp_path / "second")
    assert len(times) == 6
    assert alone == first == second


def test_no_ray_is_cast_for_cameras_views_and_pictures_again(scenes, tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("NST3D_CACHE", str(tmp_path / "cache"))
    config = replace(QUICK, recipe=replace(QUICK.recipe, terms=QUICK.recipe.terms[:1]))
    painted("cube.obj", scenes, tmp_path / "first", config)
    own, cast = Raycaster.cast, []
    monkeypatch.setattr(Raycaster, "cast", lambda *a: cast.append(1) or own(*a))
    painted("cube.obj", scenes, tmp_path / "second", config)
    assert cast == []


def test_another_asset_or_setting_is_prepared_anew(scenes, tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("NST3D_CACHE", str(tmp_path / "cache"))
    times = counted(monkeypatch, "cube.obj")
    painted("cube.obj", scenes, tmp_path / "a")
    wider = replace(QUICK, rig=replace(QUICK.rig, field_of_view=50.0))
    painted("cube.obj", scenes, tmp_path / "b", wider)
    assert len(times) == 12
    moved = tmp_path / "moved"
    moved.mkdir()
    for path in scenes.iterdir():
        (moved / path.name).write_bytes(path.read_bytes())
    text = (moved / "cube.obj").read_text()
    (moved / "cube.obj").write_text(text.replace("v 1.0", "v 1.5", 1))
    assert (moved / "cube.obj").read_text() != text
    painted("cube.obj", moved, tmp_path / "c")
    assert len(times) == 18


def test_damaged_files_change_nothing(scenes, tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("NST3D_CACHE", str(tmp_path / "cache"))
    first = painted("cube.obj", scenes, tmp_path / "first")
    rng = np.random.default_rng(0)
    for path in (tmp_path / "cache" / "scenes").iterdir():
        data = bytearray(path.read_bytes())
        data[rng.integers(len(data))] ^= 0xFF
        path.write_bytes(data[: rng.integers(1, len(data))])
    assert painted("cube.obj", scenes, tmp_path / "second") == first
