"""Paintings by a translator alone: no style is given, and everything that a style would say is left out."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from cycle_samples import state_dict
from small_recipe import shallow
from tiny_jobs import TINY, Listener, job

from nst3d import run_job
from nst3d.cli.main import main
from nst3d.errors import ConfigError
from nst3d.images.io import read_image, write_image
from nst3d.networks.translator import load_translator
from nst3d.pipeline.settings.config import TeachOptions
from nst3d.pipeline.settings.direction_file import read_direction


@pytest.fixture
def taught(inputs):
    torch.save(state_dict(), inputs / "net.pth")
    options = TeachOptions("translate", options={"file": str(inputs / "net.pth")})
    return replace(TINY, teach=options)


def alone(inputs, out, taught, scene="photo.png", **others):
    return replace(job(inputs, out, taught.with_iterations(0), scene), styles=(), **others)


def test_a_picture_becomes_what_the_network_makes_of_it(inputs, tmp_path, taught) -> None:
    result = run_job(alone(inputs, tmp_path / "out", taught), heard := Listener())
    network = load_translator(inputs / "net.pth")
    own = torch.from_numpy(read_image(inputs / "photo.png").pixels).permute(2, 0, 1)[None]
    found = read_image(tmp_path / "out" / "painted.png").pixels
    expected = network(own)[0].permute(1, 2, 0).numpy()
    assert abs(found - expected).mean() < 0.02
    assert not {"grain", "gamut"} & result.metrics.keys()
    assert not any("style" in note or "trained" in note for note in heard.notes)


def test_a_scene_learns_what_the_network_paints(inputs, tmp_path, taught) -> None:
    fits, assets = [], []
    for strength in (0.0, 0.5):
        options = {**taught.teach.options, "strength": strength}
        config = replace(taught, teach=replace(taught.teach, options=options))
        result = run_job(alone(inputs, tmp_path / str(strength), config, "cube.obj"))
        fits.append(result.metrics["losses"]["fit"])
        assets.append(result.paths[0].read_bytes())
    assert fits[0] < 1e-6
    assert fits[0] < fits[1] < 0.03  # views disagree a little
    assert assets[0] != assets[1]


def test_its_run_is_repeated_by_its_direction(inputs, tmp_path, taught) -> None:
    run_job(alone(inputs, tmp_path / "one", taught))
    direction = read_direction(tmp_path / "one" / "config.yaml")
    assert direction.styles["translate"].taught
    run_job(alone(inputs, tmp_path / "two", taught, direction=direction))
    one, two = (tmp_path / name / "painted.png" for name in ("one", "two"))
    assert one.read_bytes() == two.read_bytes()


def test_a_region_is_painted_and_the_rest_is_kept(inputs, tmp_path, taught) -> None:
    write_image(
        inputs / "left.png", np.repeat([[1.0], [0.0]], 24, 1).reshape(1, 48, 1) * np.ones((36, 48, 3))
    )
    here = replace(taught, region=f'mask:"{inputs / "left.png"}"')
    run_job(alone(inputs, tmp_path / "out", here))
    own, found = read_image(inputs / "photo.png").pixels, read_image(tmp_path / "out" / "painted.png").pixels
    changed = abs(own - found).max(2) > 0.05
    half = changed.shape[1] // 2
    assert changed[:, : half - 1].mean() > 0.5
    assert not changed[:, half + 1 :].any()


def test_a_style_judges_the_steps_after_it(inputs, tmp_path, taught) -> None:
    metrics = run_job(job(inputs, tmp_path / "out", replace(taught, recipe=shallow()), "photo.png")).metrics
    assert "gram" in metrics["losses"]


def test_what_lacks_a_judge_or_a_teacher_is_refused(inputs, tmp_path, taught) -> None:
    with pytest.raises(ConfigError, match="translate paints alone, and nothing could judge the steps"):
        run_job(replace(alone(inputs, tmp_path / "a", taught), config=taught))
    direction = read_direction_of(tmp_path, "styles: {monet: {taught: true}}")
    bare = replace(job(inputs, tmp_path / "b", TINY), styles=(), direction=direction)
    with pytest.raises(ConfigError, match="'monet' is a style that a teacher alone knows: give `teacher`"):
        run_job(bare)
    posterised = replace(bare, config=replace(TINY, teach=TeachOptions("posterise")))
    with pytest.raises(
        ConfigError, match="posterise paints from pictures, and 'monet' is a style without one"
    ):
        run_job(posterised)
    with pytest.raises(ConfigError, match="no style: give `style`"):
        replace(job(inputs, tmp_path / "c", posterised.config), styles=())
    with pytest.raises(ConfigError, match="teacher translate needs its option file"):
        run_job(replace(bare, config=replace(TINY, teach=TeachOptions("translate"))))


def read_direction_of(folder, text):
    (folder / "look.yaml").write_text(text)
    return read_direction(folder / "look.yaml")


def test_the_command_needs_no_style(inputs, tmp_path, taught, capsys) -> None:
    words = ["paint", inputs / "photo.png", "--out", tmp_path / "out", "--teacher", "translate"]
    words += ["--teacher-option", f"file={inputs / 'net.pth'}", "--size", "48", "--quiet"]
    assert main([str(word) for word in words]) == 0
    assert json.loads((tmp_path / "out" / "metrics.json").read_text())["iterations"] == 1
    assert main([*map(str, words[:4]), "--teacher", "posterise"]) == 1
    assert "no style: give --style IMAGE" in capsys.readouterr().err
