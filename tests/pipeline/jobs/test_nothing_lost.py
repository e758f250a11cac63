"""What an error leaves behind: what was there before, and nothing else."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from small_meshes import cube, mesh_of, noise
from small_recipe import shallow

from nst3d.errors import ConfigError, InputError, Nst3dError, OutputError
from nst3d.formats.mesh_files import save_mesh
from nst3d.images.io import read_image, write_image
from nst3d.pipeline.jobs.paint import CHECKPOINT, run_job
from nst3d.pipeline.kinds.mesh.scene import upright
from nst3d.pipeline.kinds.paint_job import Job
from nst3d.pipeline.runtime.events import Stepped
from nst3d.pipeline.settings.config import OutputOptions, PaintConfig
from nst3d.pipeline.settings.surface import RigOptions, SurfaceOptions
from nst3d.representations.mesh import Material, Texture
from nst3d.representations.unwrap import TexelBudget, paint_textures
from nst3d.stylize.schedule import Schedule, Stage

TINY = PaintConfig(
    recipe=shallow(gram=("relu2_1",), consistency=0),
    schedule=Schedule((Stage(32, 2, 0.03),)),
    rig=RigOptions(views=4, max_views=4),
    output=OutputOptions(turntable=False, size=32),
    precision="float32",
)


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cube with a texture that has alpha as cube.obj, style.png and narrow.png."""
    folder = tmp_path_factory.mktemp("inputs")
    texture = Texture("skin", noise(20, 30, 3), alpha=np.full((20, 30), 0.5, np.float32))
    mesh = mesh_of(cube(), materials=(Material("skin", texture=0),), textures=(texture,))
    paint = paint_textures(mesh, TexelBudget(0.1, fixed=30))
    save_mesh(folder / "cube.obj", mesh, paint, noise(paint.num_colours, 3))
    write_image(folder / "style.png", np.kron(noise(8, 8, 3, seed=1), np.ones((6, 6, 1), np.float32)))
    write_image(folder / "narrow.png", noise(2, 40, 3))
    write_image(folder / "long.png", noise(4, 60, 3))
    return folder


def job(inputs: Path, out: Path, config: PaintConfig = TINY, style: str = "style.png", **fields) -> Job:
    return Job(inputs / "cube.obj", (inputs / style,), out, config, **fields)


def contents(folder: Path) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in folder.iterdir()}


@pytest.fixture(scope="module")
def painted(inputs: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("painted")
    run_job(job(inputs, out))
    return out


@pytest.mark.parametrize(
    "change",
    [
        {"style": "none.png"},
        {"style": "narrow.png"},
        {"config": replace(TINY, start="noise")},
        {"config": replace(TINY, recipe=replace(TINY.recipe, encoder="none"))},
        {"config": replace(TINY, output=OutputOptions(formats=("ply",)))},
    ],
)
def test_an_error_leaves_no_folder_and_touches_no_older_result(
    inputs: Path, painted: Path, tmp_path: Path, change: dict
) -> None:
    with pytest.raises(Nst3dError):
        run_job(job(inputs, tmp_path / "new", **change))
    assert not (tmp_path / "new").exists()
    before = contents(painted)
    with pytest.raises(Nst3dError):
        run_job(job(inputs, painted, overwrite=True, **change))
    assert contents(painted) == before


def test_nothing_to_resume_touches_no_older_result(inputs: Path, painted: Path) -> None:
    before = contents(painted)
    with pytest.raises(InputError, match="nothing to resume"):
        run_job(job(inputs, painted, resume=True))
    assert contents(painted) == before


def test_formats_are_checked_before_the_painting(inputs: Path, tmp_path: Path) -> None:
    steps: list[object] = []

    with pytest.raises(ConfigError, match=r"ply stores vertex colours.*`surface\.paint='vertex'`"):
        run_job(job(inputs, tmp_path, replace(TINY, output=OutputOptions(formats=("ply",)))), steps.append)
    assert not [step for step in steps if isinstance(step, Stepped)]


def test_a_painting_that_cannot_be_written_is_kept(
    inputs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OutputError("full")

    with monkeypatch.context() as patch:
        patch.setattr("nst3d.pipeline.kinds.mesh.subject.save_mesh", full)
        with pytest.raises(OutputError, match="full"):
            run_job(job(inputs, tmp_path / "out"))
    assert (tmp_path / "out" / CHECKPOINT).is_file()
    result = run_job(job(inputs, tmp_path / "out", resume=True))
    assert not (tmp_path / "out" / CHECKPOINT).exists()
    assert (tmp_path / "out" / "painted.glb") in result.paths


def test_alpha_is_kept_at_the_size_of_the_painted_texture(inputs: Path, painted: Path) -> None:
    (texture,) = painted.glob("painted_*.png")
    picture = read_image(texture)
    assert picture.pixels.shape[:2] != (20, 30)
    assert picture.alpha is not None
    np.testing.assert_allclose(picture.alpha, 0.5, atol=1 / 255)


def test_a_long_style_is_enlarged_until_it_can_be_encoded(inputs: Path, tmp_path: Path) -> None:
    run_job(job(inputs, tmp_path, style="long.png"))
    assert json.loads((tmp_path / "metrics.json").read_text())["iterations"] == 2


def test_up_turns_the_mesh(inputs: Path, tmp_path: Path) -> None:
    mesh = mesh_of(cube())
    assert upright(mesh, "auto") is mesh
    assert upright(mesh, "z").up == (0.0, 0.0, 1.0)
    run_job(job(inputs, tmp_path, replace(TINY, up="z", surface=SurfaceOptions(atlas="new"))))
    document = (tmp_path / "painted.glb").read_bytes()
    assert b'"upright"' in document
