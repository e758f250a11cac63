"""Whose colours a painted scene has, from end to end."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from small_splats import ball
from tiny_jobs import TINY, Listener, job

from nst3d import Guide, run_job, save
from nst3d.cli.main import main
from nst3d.errors import ConfigError, InputError
from nst3d.formats.splats.registry import load_splats
from nst3d.images.colour import luminance
from nst3d.images.gamut import Gamut
from nst3d.images.io import read_image
from nst3d.images.palette import statistics
from nst3d.images.resize import fit_long_side
from nst3d.pipeline.jobs.prepare import prepare
from nst3d.pipeline.settings.config import PaintConfig, load_preset
from nst3d.pipeline.styles import read_palette
from nst3d.tensors import Image


def coloured(colour: str, palette: str | None = None) -> PaintConfig:
    return replace(TINY, recipe=replace(TINY.recipe, colour=colour, palette=palette))


def apart(one: torch.Tensor, other: torch.Tensor, weights: torch.Tensor | None = None) -> float:
    return max(
        float((a - b).abs().max()) for a, b in zip(statistics(one, weights), statistics(other, weights))
    )


@pytest.fixture(scope="module")
def scenes(inputs):
    save(inputs / "ball.ply", ball(200))
    return inputs


@pytest.mark.parametrize("scene", ["cube.obj", "photo.png", "ball.ply"])
def test_tables_keep_what_their_mode_says(scenes, scene) -> None:
    made = {}
    for mode in ("content", "luminance"):
        ready = prepare(scenes / scene, scenes / "style.png", coloured(mode))
        canvas = ready.canvas()
        with torch.no_grad():  # something that no scene has
            for step in canvas.parameters():
                step += 0.2 * torch.rand(step.shape, generator=torch.Generator().manual_seed(0))
        painted = torch.from_numpy(ready.subject.painted(canvas))
        made[mode] = painted, ready.subject.initial.clamp(0, 1), ready.subject.counted(canvas)[:, 0]
    painted, own, weights = made["content"]
    assert apart(painted, own, weights) < 1e-3
    assert float((painted - own).abs().mean()) > 0.02
    painted, own, weights = made["luminance"]
    chroma = [c - luminance(c) for c in (painted, own)]
    torch.testing.assert_close(chroma[0], chroma[1], atol=1e-5, rtol=0)
    assert float((painted - own).abs()[weights > 0].mean()) > 0.005


def test_a_job_with_a_palette_has_its_colours_and_records_it(inputs, tmp_path) -> None:
    palette = "#102040,#4080c0,#f0f0e0"
    result = run_job(job(inputs, tmp_path / "out", coloured("palette", palette), "photo.png"))
    pixels = torch.from_numpy(read_image(tmp_path / "out" / "painted.png").pixels.reshape(-1, 3))
    assert Gamut.of(read_palette(palette)).excess(pixels).max() < 0.01
    assert result.metrics["gamut"]["outside"] < 0.05
    again = load_preset(str(tmp_path / "out" / "config.yaml")).recipe
    assert (again.colour, again.palette) == ("palette", palette)


def test_a_palette_may_be_a_picture(inputs, tmp_path) -> None:
    config = coloured("palette", str(inputs / "skin.png"))
    run_job(job(inputs, tmp_path / "out", config, "photo.png"))
    pixels = torch.from_numpy(read_image(tmp_path / "out" / "painted.png").pixels)
    skin = torch.from_numpy(read_image(inputs / "skin.png").pixels)
    assert apart(pixels, skin) < 0.01


def test_a_picture_with_its_own_colours_is_near_itself_when_shrunk(inputs, tmp_path) -> None:
    run_job(job(inputs, tmp_path / "out", coloured("content"), "photo.png"))
    pixels = torch.from_numpy(read_image(tmp_path / "out" / "painted.png").pixels)
    photo = fit_long_side(Image(torch.from_numpy(read_image(inputs / "photo.png").pixels)), 48)
    assert apart(pixels, photo) < 2e-3


def test_outside_a_region_no_colour_changes(scenes, tmp_path) -> None:
    before = load_splats(scenes / "ball.ply")
    middle = round(float(np.median(before.positions[:, 0])), 3)
    config = replace(coloured("content"), region=f"box:{middle},-50,-50,50,50,50")
    run_job(job(scenes, tmp_path / "out", config, "ball.ply"))
    after = load_splats(tmp_path / "out" / "painted.ply")
    outside = before.positions[:, 0] < middle
    assert np.array_equal(after.colours[outside], before.colours[outside])
    assert np.abs(after.colours - before.colours)[~outside].max() > 0.02


@pytest.mark.parametrize(
    ("palette", "error", "says"),
    [
        ("#12,#345678", ConfigError, "`palette`: '#12' is not a colour: expected #rrggbb"),
        ("#123456,blue", ConfigError, "'blue' is not a colour"),
        ("#123456", ConfigError, "`palette` has a single colour: give two or more"),
        ("#123456,#123456", ConfigError, "`palette` has a single colour"),
        ("gone.png", InputError, "gone.png"),
    ],
)
def test_palettes_that_are_none_are_refused(inputs, tmp_path, palette, error, says) -> None:
    with pytest.raises(error, match=says):
        run_job(job(inputs, tmp_path / "out", coloured("palette", palette), "photo.png"))
    assert not (tmp_path / "out").exists()


def test_a_mesh_without_colours_has_none_to_keep(inputs, tmp_path) -> None:
    lines = [line for line in (inputs / "cube.obj").read_text().splitlines() if "mtl" not in line]
    (tmp_path / "bare.obj").write_text("\n".join(lines))
    with pytest.raises(ConfigError, match=r"bare\.obj: has no colours to keep"):
        prepare(tmp_path / "bare.obj", inputs / "style.png", coloured("content"))


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--colour", "palette"), "--colour is palette: give --palette, an image or colours"),
        (("--colour", "content", "--palette", "#000,#fff"), "--colour is content, which has no palette"),
    ],
)
def test_the_command_line_names_its_flags(inputs, tmp_path, capsys, options, says) -> None:
    arguments = [inputs / "photo.png", "--style", inputs / "style.png", "--out", tmp_path / "out", *options]
    assert main(["paint", *map(str, arguments)]) == 1
    assert says in capsys.readouterr().err


def test_finished_colours_can_be_mixed_from_those_of_the_styles(scenes, tmp_path) -> None:
    """By default; a guide of one's own may ask for any colours."""

    class Burn(Guide):
        """Asks for pure red."""

        def __init__(self, inputs) -> None:
            self.background = inputs.background

        def judge(self, look):
            return (look.image[0].sub(1).square() + look.image[1:].square().sum(0)).mean(), {}

    found = {}
    for name, guard in (("on", True), ("off", False)):
        config = replace(TINY, recipe=replace(TINY.recipe, guard=guard, style_scale=1.0))
        asked = job(scenes, tmp_path / name, config, "photo.png")
        found[name] = run_job(asked, Listener()).metrics["gamut"]
    assert found["on"] == {"clipped": 0.0, "outside": 0.0}
    assert found["off"] != found["on"]
    (tmp_path / "half.png").write_bytes((scenes / "photo.png").read_bytes())
    region = replace(TINY, region=f"mask:{tmp_path / 'half.png'}")  # a border that is soft everywhere
    soft = run_job(job(scenes, tmp_path / "soft", region, "photo.png"), Listener())
    assert soft.metrics["gamut"]["outside"] > 0
    burnt = run_job(job(scenes, tmp_path / "burnt", TINY, "photo.png"), Listener(), guides={"burn": Burn})
    assert burnt.metrics["gamut"]["outside"] > 0
