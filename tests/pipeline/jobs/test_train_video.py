"""Training on a video: its frames are pictures, pairs of them keep painted videos steady."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from small_meshes import noise

from nst3d.errors import ConfigError, InputError
from nst3d.flow.warp import warped
from nst3d.images.io import write_image
from nst3d.images.resize import resize
from nst3d.networks.style_network import load_style_network
from nst3d.pipeline.jobs.train_frames import gather_frames
from nst3d.pipeline.jobs.train_style import TrainJob, run_training
from nst3d.pipeline.runtime.events import Events
from nst3d.pipeline.settings.train import TrainOptions
from nst3d.video.program import ffmpeg_program
from nst3d.weights.tensors import read_tensors

QUICK = TrainOptions(size=64, patch=32, patches=4, steps=3, widths=(4, 6, 8), blocks=1, threads=1)
CUT = 8
"""Frames of the film's first shot."""


def film(path: Path, frames: int, filters: str = "null") -> Path:
    """The first frames, 66 x 48 pixels, of a film that pans by two pixels a frame, with a cut."""
    scenes = [resize(noise(14, 30, 3, seed=seed), (56, 120)) for seed in (1, 2)]
    shown = [scenes[n >= CUT][4:52, 2 * n : 2 * n + 66] for n in range(frames)]
    pictures = (np.stack(shown).clip(0, 1) * 255).astype(np.uint8)
    raw = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", "66x48", "-r", "15", "-i", "-", "-vf", filters]
    coded = ["-c:v", "ffv1", "-fps_mode", "passthrough", str(path)]
    command = [ffmpeg_program("writing"), "-y", "-loglevel", "error", *raw, *coded]
    subprocess.run(command, input=pictures.tobytes(), check=True)
    return path


@pytest.fixture
def style(tmp_path: Path) -> Path:
    write_image(tmp_path / "style.png", noise(48, 48, 3))
    return tmp_path / "style.png"


def job(source: Path, style: Path, options: TrainOptions = QUICK, **more) -> TrainJob:
    return TrainJob([style], source, style.parent / "net.safetensors", options, **more)


def test_frames_of_a_video_are_pictures(tmp_path, style) -> None:
    trained = run_training(job(film(tmp_path / "a.mkv", 13), style))
    assert load_style_network(tmp_path / "net.safetensors").size == 64
    assert set(trained.metrics["losses"]["style"]) == {"untouched", "painted"}


def test_pairs_of_frames_lie_within_shots_and_follow_the_motion(tmp_path) -> None:
    pytest.importorskip("cv2", reason="nst3d[video] is not installed")
    shots = gather_frames(film(tmp_path / "a.mkv", 12), 66, True, Events())
    assert len(shots) == 12 - 2  # the first frames of both shots have none before them
    for shot in shots:
        seen = warped(shot.before.colour, shot.before.back)
        error = ((seen - shot.colour).abs().mean(0) * shot.before.trust).sum() / shot.before.trust.sum()
        assert float(error) < 0.05
    assert all(shot.before is None for shot in gather_frames(tmp_path / "a.mkv", 66, False, Events()))


def test_a_training_on_pairs_is_another_and_says_how_steady_it_is(tmp_path, style) -> None:
    pytest.importorskip("cv2", reason="nst3d[video] is not installed")
    source = film(tmp_path / "a.mkv", 13)
    run_training(job(source, style))
    alone = read_tensors(tmp_path / "net.safetensors")
    trained = run_training(job(source, style, replace(QUICK, video=True), overwrite=True))
    both = read_tensors(tmp_path / "net.safetensors")
    assert not np.array_equal(alone["last.weight"].numpy(), both["last.weight"].numpy())
    losses = trained.metrics["losses"]["style"]
    assert losses["warped_error"] > 0
    assert losses["warped_error_untouched"] > 0


def test_a_recurrent_network_is_trained_on_pairs(tmp_path, style) -> None:
    pytest.importorskip("cv2", reason="nst3d[video] is not installed")
    options = replace(QUICK, video=True, recurrent=True)
    trained = run_training(job(film(tmp_path / "a.mkv", 13), style, options))
    assert load_style_network(tmp_path / "net.safetensors").generator.memory is not None
    assert trained.metrics["losses"]["style"]["warped_error"] > 0
    with pytest.raises(ConfigError, match="give `video`, too"):
        replace(QUICK, recurrent=True)


def test_repeated_frames_of_a_varying_rate_are_no_pairs(tmp_path) -> None:
    pytest.importorskip("cv2", reason="nst3d[video] is not installed")
    source = film(tmp_path / "a.mkv", 8, "select='lt(n,4)+eq(n,7)'")
    events = Events()
    shots = gather_frames(source, 66, True, events)
    assert any("frame rate varies" in note for note in events.notes)
    assert len(shots) >= 3
    assert not any(torch.equal(shot.colour, shot.before.colour) for shot in shots)
    assert len(gather_frames(source, 66, False, events)) == 8


def test_videos_and_folders_that_cannot_be_trained_on(tmp_path, style) -> None:
    single = film(tmp_path / "one.mkv", 1)
    run_training(job(single, style))
    with pytest.raises(ConfigError, match="give `video`, too"):
        replace(QUICK, temporal=3.0)
    with pytest.raises(InputError, match="expected 32 or more on the short side"):
        gather_frames(film(tmp_path / "a.mkv", 8, "crop=66:12"), 66, False, Events())
    (tmp_path / "notes.mp4").write_text("no video")
    with pytest.raises(InputError, match=r"notes\.mp4: cannot be read as a video"):
        run_training(job(tmp_path / "notes.mp4", style, overwrite=True))
    (tmp_path / "empty").mkdir()
    with pytest.raises(
        InputError, match=r"empty: the folder is empty; give .* a folder of pictures or a video"
    ):
        run_training(job(tmp_path / "empty", style, overwrite=True))
    with pytest.raises(InputError, match="empty: has no frames, of which `video` needs pairs"):
        run_training(job(tmp_path / "empty", style, replace(QUICK, video=True), overwrite=True))


def test_a_video_without_two_frames_of_a_shot(tmp_path) -> None:
    pytest.importorskip("cv2", reason="nst3d[video] is not installed")
    with pytest.raises(InputError, match=r"one\.mkv: has no two consecutive frames of one shot that differ"):
        gather_frames(film(tmp_path / "one.mkv", 1), 66, True, Events())
