"""Paintings by a tiny random diffusion model: whole jobs, by words alone."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from tiny_jobs import TINY, Listener, Losses, job

from nst3d import run_job
from nst3d.errors import ConfigError, InputError
from nst3d.pipeline.kinds.paint_job import Job
from nst3d.pipeline.settings.config import TeachOptions
from nst3d.stylize.schedule import Schedule, Stage


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("diffusers", reason="diffusion needs pip install 'nst3d[diffusion]'")
    pytest.importorskip("transformers", reason="diffusion needs pip install 'nst3d[diffusion]'")
    import tiny_diffusion

    return tiny_diffusion.model(tmp_path_factory.mktemp("models") / "tiny")


def in_words(
    inputs, out: Path, model: Path, scene: str = "cube.obj", rounds: int = 2, **others: object
) -> Job:
    options = {"model": str(model), "steps": 3}
    config = replace(TINY, teach=TeachOptions("diffusion", rounds, options=options))
    given = {"styles": (), "texts": ("carved jade",), **others}
    return replace(job(inputs, out, config.with_iterations(0), scene), **given)


@pytest.mark.parametrize("scene", ["cube.obj", "photo.png"])
def test_words_paint_a_scene(inputs, tmp_path: Path, model: Path, scene: str) -> None:
    listener = Listener()
    metrics = run_job(in_words(inputs, tmp_path / "out", model, scene), [listener]).metrics
    assert listener.steps == 2
    assert metrics["losses"].keys() == {"fit"}
    assert any(
        "`size=128`" in note for note in listener.notes
    )  # its views are smaller than what the model learnt


def test_other_words_paint_otherwise(inputs, tmp_path: Path, model: Path) -> None:
    for text in ("jade", "wood"):
        run_job(in_words(inputs, tmp_path / text, model, texts=(text,)))
    jade, wood = ((tmp_path / text / "painted.glb").read_bytes() for text in ("jade", "wood"))
    assert jade != wood


def test_a_resumed_run_ends_the_same(inputs, tmp_path: Path, model: Path) -> None:
    """Rounds depend on nothing but the scene, the seed and their number."""
    run_job(in_words(inputs, tmp_path / "whole", model))
    run_job(in_words(inputs, tmp_path / "parts", model), [Listener(stop_after=1)])
    run_job(replace(in_words(inputs, tmp_path / "parts", model), resume=True))
    whole, parts = ((tmp_path / name / "painted.glb").read_bytes() for name in ("whole", "parts"))
    assert whole == parts


def test_a_run_is_not_resumed_with_another_model(inputs, tmp_path: Path, model: Path) -> None:
    copy = tmp_path / "model"
    shutil.copytree(model, copy)
    run_job(in_words(inputs, tmp_path / "out", copy), [Listener(stop_after=1)])
    with (copy / "vae" / "config.json").open("a") as file:
        file.write("  ")
    with pytest.raises(InputError, match="belongs to a run with another"):
        run_job(replace(in_words(inputs, tmp_path / "out", copy), resume=True))


def test_a_picture_paints_without_words_by_an_adapter(inputs, tmp_path: Path, model: Path) -> None:
    import tiny_diffusion
    from diffusers import UNet2DConditionModel

    unet = UNet2DConditionModel.from_pretrained(model / "unet", low_cpu_mem_usage=False, use_safetensors=True)
    adapter = tiny_diffusion.adapter(tmp_path / "adapter", unet)
    own = in_words(
        inputs, tmp_path / "out", model, "photo.png", styles=job(inputs, tmp_path, TINY).styles, texts=()
    )
    options = {**own.config.teach.options, "adapter": str(adapter), "views_attend": 0.5, "inject": 0.5}
    config = replace(own.config, teach=replace(own.config.teach, options=options))
    listener = Listener()
    run_job(replace(own, config=config), [listener])
    assert listener.steps == 2


def test_a_style_without_words_is_refused(inputs, tmp_path: Path, model: Path) -> None:
    pictured = job(inputs, tmp_path, TINY).styles
    with pytest.raises(ConfigError, match="give `text`"):
        run_job(in_words(inputs, tmp_path / "out", model, styles=pictured, texts=()))


def in_scores(inputs, out: Path, model: Path, **options: object) -> Job:
    """Words followed step by step, by what a network learns meanwhile of the renders."""
    score = {"model": str(model), "way": "vsd", "rate": 0.05, "size": 64, **options}
    recipe = TINY.recipe.with_terms({"score": score})
    config = replace(TINY, recipe=recipe, schedule=Schedule((Stage(32, 4, 0.03),)))
    return replace(job(inputs, out, config), styles=(), texts=("carved jade",))


def test_what_a_guide_learns_of_the_renders_is_in_the_checkpoint(inputs, tmp_path: Path, model: Path) -> None:
    run_job(in_scores(inputs, tmp_path / "whole", model))
    run_job(in_scores(inputs, tmp_path / "parts", model), [Listener(stop_after=2)])
    run_job(replace(in_scores(inputs, tmp_path / "parts", model), resume=True))
    whole, parts = ((tmp_path / name / "painted.glb").read_bytes() for name in ("whole", "parts"))
    assert whole == parts
    run_job(in_scores(inputs, tmp_path / "fixed", model, rate=0.0))
    assert (tmp_path / "fixed" / "painted.glb").read_bytes() != whole


def test_a_term_is_not_resumed_with_another_model(inputs, tmp_path: Path, model: Path) -> None:
    copy = tmp_path / "model"
    shutil.copytree(model, copy)
    run_job(in_scores(inputs, tmp_path / "out", copy), [Listener(stop_after=1)])
    with (copy / "vae" / "config.json").open("a") as file:
        file.write("  ")
    with pytest.raises(InputError, match="belongs to a run with another"):
        run_job(replace(in_scores(inputs, tmp_path / "out", copy), resume=True))


def followed(inputs, out: Path, model: Path, **others: object) -> Job:
    """Words painted by a teacher, and steps in two stages towards its pictures."""
    asked = in_words(inputs, out, model, rounds=1, **others)
    return replace(
        asked, config=replace(asked.config, schedule=Schedule((Stage(32, 4, 0.03), Stage(48, 4, 0.02))))
    )


def test_steps_approach_what_was_painted_without_clip(
    inputs, tmp_path: Path, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NST3D_WEIGHTS", str(tmp_path / "none"))
    losses = Losses()
    run_job(followed(inputs, tmp_path / "out", model), [losses])
    taught, *steps = losses.parts
    assert taught.keys() == {"fit"}
    assert len(steps) == 8
    assert {"content", "gram", "nnfm"} <= steps[0].keys()
    assert "words" not in steps[0]
    first, last = (sum(part[name] for name in ("content", "gram", "nnfm")) for part in (steps[4], steps[-1]))
    assert last < 0.98 * first  # within the last stage


@pytest.mark.parametrize("stop", [1, 3, 5, 7])
def test_a_run_resumed_after_its_teacher_ends_the_same(
    inputs, tmp_path: Path, model: Path, stop: int
) -> None:
    """Between and in stages: what the teacher painted is in the checkpoint."""
    run_job(followed(inputs, tmp_path / "whole", model, scene="photo.png"))
    run_job(followed(inputs, tmp_path / "parts", model, scene="photo.png"), [Listener(stop_after=stop)])
    run_job(replace(followed(inputs, tmp_path / "parts", model, scene="photo.png"), resume=True))
    whole, parts = ((tmp_path / name / "painted.png").read_bytes() for name in ("whole", "parts"))
    assert whole == parts
