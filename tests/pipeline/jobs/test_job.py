"""Whole jobs, tiny: what they write, that the background has no say, and that they resume."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
import torch
import yaml
from tiny_jobs import TINY, Losses, job

from nst3d.errors import ConfigError, InputError, OutputError
from nst3d.images.io import read_image
from nst3d.pipeline.jobs.paint import CHECKPOINT, run_job
from nst3d.pipeline.settings.config import PaintConfig
from nst3d.pipeline.settings.overrides import override


def test_a_mesh_job_writes_everything_it_names(inputs, tmp_path) -> None:
    out = tmp_path / "new" / "run"
    result = run_job(job(inputs, out))
    names = {p.name for p in result.paths}
    assert {"painted.glb", "sheet.png", "turntable.mp4", "config.yaml", "metrics.json"} <= names
    assert {p.name for p in out.iterdir()} == names  # and no checkpoint or half-written file beside them
    metrics = json.loads((out / "metrics.json").read_text())
    assert metrics["iterations"] == 6
    assert metrics["views"] == 4
    assert 0 < metrics["coverage"] <= 1
    assert metrics["loss"] > 0
    assert set(metrics["losses"]) >= {"content", "gram", "nnfm", "variation", "consistency"}
    assert metrics["wall_s"] > 0
    steadiness = metrics["steadiness"]
    assert steadiness["video"] == "turntable.mp4"
    assert len(steadiness["warped_error"]) == 1 if steadiness["flow"] else "OpenCV" in steadiness["reason"]
    assert read_image(out / "sheet.png").pixels.shape == (4 * 32, 4 * 32, 3)
    stored = yaml.safe_load((out / "config.yaml").read_text())
    assert override(PaintConfig(), stored["settings"], "config.yaml") == TINY


def test_the_background_shown_has_no_say_in_the_painting(inputs, tmp_path) -> None:
    """Black or pink behind the pictures: the same losses at every step, the same paint, other pictures."""
    losses, sheets, assets = [], [], []
    for name, colour in (("black", (0.0, 0.0, 0.0)), ("pink", (1.0, 0.2, 0.8))):
        config = replace(TINY, output=replace(TINY.output, background=colour, turntable=False))
        heard = Losses()
        run_job(job(inputs, tmp_path / name, config), heard)
        losses.append(heard.parts)
        sheets.append((tmp_path / name / "sheet.png").read_bytes())
        assets.append((tmp_path / name / "painted.glb").read_bytes())
    assert len(losses[0]) == 6
    assert losses[0] == losses[1]
    assert assets[0] == assets[1]
    assert sheets[0] != sheets[1]


def test_an_interrupted_job_writes_what_there_is_and_resumes(inputs, tmp_path) -> None:
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    run_job(job(inputs, whole, TINY))
    stopped = run_job(job(inputs, broken, TINY), Losses(stop_after=2))
    assert stopped.interrupted
    assert (broken / "painted.glb").is_file()
    assert (broken / CHECKPOINT).is_file()
    assert stopped.metrics["iterations"] == 2
    resumed = run_job(job(inputs, broken, TINY, resume=True))
    assert not resumed.interrupted
    parts = sum(resumed.metrics[f"{name}_s"] for name in ("read", "prepare", "paint", "write"))
    assert resumed.metrics["wall_s"] == pytest.approx(parts, abs=0.03)
    assert not (broken / CHECKPOINT).exists()
    assert (broken / "painted.glb").read_bytes() == (whole / "painted.glb").read_bytes()


def test_a_checkpoint_belongs_to_its_run(inputs, tmp_path) -> None:
    run_job(job(inputs, tmp_path, TINY), Losses(stop_after=1))
    other = replace(TINY, recipe=TINY.recipe.with_terms({"content": 0.5}))
    with pytest.raises(InputError, match="another scene, style or settings"):
        run_job(job(inputs, tmp_path, other, resume=True))
    brighter = replace(TINY, output=replace(TINY.output, background=(0.0, 0.0, 0.0)))
    assert not run_job(job(inputs, tmp_path, brighter, resume=True)).interrupted


@pytest.mark.parametrize("start", ["content", "noise"])
def test_a_picture_job(inputs, tmp_path, start) -> None:
    config = replace(TINY, start=start)
    run_job(job(inputs, tmp_path / "run", config, "photo.png"))
    painted = read_image(tmp_path / "run" / "painted.png").pixels
    assert painted.shape == (36, 48, 3)
    assert {p.name for p in (tmp_path / "run").iterdir()} == {
        "painted.png", "sheet.png", "losses.csv", "config.yaml", "metrics.json",
    }  # fmt: skip


def test_same_seed_same_bytes(inputs, tmp_path) -> None:
    for name in ("a", "b"):
        run_job(job(inputs, tmp_path / name, TINY, "photo.png"))
    first, second = ((tmp_path / n / "painted.png").read_bytes() for n in ("a", "b"))
    assert first == second


def test_nothing_is_overwritten_unasked(inputs, tmp_path) -> None:
    (tmp_path / "precious.txt").write_text("keep me")
    with pytest.raises(OutputError, match="`overwrite`"):
        run_job(job(inputs, tmp_path, TINY, "photo.png"))
    run_job(job(inputs, tmp_path, TINY, "photo.png", overwrite=True))
    assert (tmp_path / "precious.txt").read_text() == "keep me"


def test_what_cannot_be_done_is_said(inputs, tmp_path) -> None:
    with pytest.raises(InputError, match="nothing to resume"):
        run_job(job(inputs, tmp_path / "a", TINY, "photo.png", resume=True))
    with pytest.raises(InputError, match=r"none\.obj"):
        run_job(job(inputs, tmp_path / "b", TINY, "none.obj"))
    with pytest.raises(ConfigError, match=r"`start='noise'`"):
        run_job(job(inputs, tmp_path / "c", replace(TINY, start="noise")))
    with pytest.raises(OutputError, match="is a file"):
        run_job(job(inputs, inputs / "photo.png", TINY, "photo.png"))


def test_jobs_leave_torch_as_it_was(inputs, tmp_path) -> None:
    before = torch.get_default_dtype(), torch.get_num_threads(), torch.is_grad_enabled()
    run_job(job(inputs, tmp_path, TINY, "photo.png"))
    assert (torch.get_default_dtype(), torch.get_num_threads(), torch.is_grad_enabled()) == before
