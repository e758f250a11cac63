"""A video painted from end to end, killed and continued, and what is refused."""

from __future__ import annotations

import json
import shutil
import subprocess
import time

import numpy as np
import pytest
import torch

from nst3d.errors import ConfigError, InputError, OutputError
from nst3d.images.io import read_image, write_image
from nst3d.networks.generator import Generator, GeneratorShape
from nst3d.networks.style_network import StyleNetwork, save_style_network
from nst3d.pipeline.jobs import video_frames
from nst3d.pipeline.jobs.video import VideoJob, run_video
from nst3d.pipeline.runtime.events import Counted
from nst3d.pipeline.settings.video import VideoOptions
from nst3d.stylize.clips.painter import TaughtPainter
from nst3d.stylize.teachers.identity import Identity
from nst3d.video.clip import read_clip
from nst3d.video.decode import read_clip_frames
from nst3d.video.program import ffmpeg_program

CUT = 8


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    """A second of film at 15 frames/s, 66 x 48 pixels, with a cut before frame 8 and a tone."""
    path = tmp_path_factory.mktemp("film") / "a.mp4"
    sources = ("testsrc2=s=66x48:r=15:d=0.53334", "mandelbrot=s=66x48:r=15", "sine=d=1")
    inputs = [part for source in sources for part in ("-f", "lavfi", "-i", source)]
    joined = ["-filter_complex", "[0:v][1:v]concat=n=2,trim=end_frame=15[v]", "-map", "[v]", "-map", "2:a"]
    command = [ffmpeg_program("writing"), "-y", "-loglevel", "error", *inputs, *joined, "-t", "1", str(path)]
    subprocess.run(command, check=True)
    return path


@pytest.fixture(scope="module")
def style(tmp_path_factory):
    path = tmp_path_factory.mktemp("style") / "style.png"
    write_image(path, np.random.default_rng(0).random((32, 32, 3)))
    return path


@pytest.fixture(autouse=True)
def _short_parts(monkeypatch) -> None:
    monkeypatch.setattr(video_frames, "PART", 4)


def job(clip, style, out, resume: bool = False, **options) -> VideoJob:
    given = {"teacher": "posterise", "steady": 0.0, "crf": 4} | options
    return VideoJob(clip, style, out, VideoOptions(**given), resume=resume)


def needs_motion(steady: float) -> None:
    if steady:
        pytest.importorskip("cv2", reason="nst3d[video] is not installed")


def test_a_whole_video(clip, style, tmp_path) -> None:
    counted: list[Counted] = []
    done = run_video(
        job(clip, style, tmp_path / "out"), lambda e: counted.append(e) if isinstance(e, Counted) else None
    )
    assert [p.name for p in done.paths] == ["video.mp4", "sheet.png", "metrics.json", "config.yaml"]
    made = read_clip(tmp_path / "out" / "video.mp4")
    assert (made.rate, made.frames, made.audio) == (15, 15, ("aac",))
    assert json.loads((tmp_path / "out" / "metrics.json").read_text()) == done.metrics
    assert done.metrics["shots"] == 2
    assert done.metrics["flow"] is None
    assert read_image(tmp_path / "out" / "sheet.png").pixels.shape == (96, 4 * 66, 3)
    assert [(e.done, e.total) for e in counted] == [(k + 1, 15) for k in range(15)]
    assert not (tmp_path / "out" / "parts").exists()


def test_nothing_is_smeared_over_a_cut(clip, style, tmp_path) -> None:
    needs_motion(0.9)
    run_video(job(clip, style, tmp_path / "steady", teacher="identity", steady=0.9))
    run_video(job(clip, style, tmp_path / "alone", teacher="identity"))
    steady, alone = (
        list(read_clip_frames(read_clip(tmp_path / n / "video.mp4"))) for n in ("steady", "alone")
    )
    assert np.abs(steady[CUT].astype(int) - alone[CUT]).mean() < 1.5


class _KilledError(Exception):
    """Stands for the end of the process."""


@pytest.mark.parametrize("steady", [0.0, 0.8])
@pytest.mark.parametrize("frames", [0, 5, CUT, 13, 15])
def test_killed_and_continued_is_the_same(clip, style, tmp_path, monkeypatch, frames, steady) -> None:
    """Wherever it is killed: before the first part is whole, in a shot, at a cut, and before the parts are joined."""
    needs_motion(steady)
    whole = run_video(job(clip, style, tmp_path / "whole", steady=steady))
    count = iter(range(99))
    own = video_frames.FrameRun._paint

    def paint(self, frame, shot):
        if next(count) == frames:
            raise _KilledError
        return own(self, frame, shot)

    monkeypatch.setattr(video_frames.FrameRun, "_paint", paint)
    if frames == 15:
        monkeypatch.setattr(
            "nst3d.pipeline.jobs.video.join_parts", lambda *given: (_ for _ in ()).throw(_KilledError)
        )
    out = tmp_path / "killed"
    with pytest.raises(_KilledError):
        run_video(job(clip, style, out, steady=steady))
    monkeypatch.undo()
    monkeypatch.setattr(video_frames, "PART", 4)
    again = run_video(job(clip, style, out, resume=True, steady=steady))
    for name in ("video.mp4", "sheet.png"):
        assert (out / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
    kept = ("frames", "shots", "warped_error_ratio")
    assert {k: again.metrics.get(k) for k in kept} == {k: whole.metrics.get(k) for k in kept}


def test_a_recurrent_network_is_continued_with_what_it_remembers(clip, style, tmp_path, monkeypatch) -> None:
    needs_motion(0.8)
    torch.manual_seed(0)
    generator = Generator(GeneratorShape((4, 6, 8), blocks=1, recurrent=True))
    generator.memory.out.weight.data *= 20
    save_style_network(tmp_path / "net.safetensors", StyleNetwork(generator, ("style",), 66))
    given = {"teacher": "network", "steady": 0.8}
    given["teacher_options"] = {"file": str(tmp_path / "net.safetensors")}
    run_video(job(clip, style, tmp_path / "whole", **given))

    def paint(self, frame, shot):
        if self.progress.done == 6:
            raise _KilledError
        return own(self, frame, shot)

    own = video_frames.FrameRun._paint
    with monkeypatch.context() as patch:
        patch.setattr(video_frames.FrameRun, "_paint", paint)
        with pytest.raises(_KilledError):
            run_video(job(clip, style, tmp_path / "killed", **given))
    state = tmp_path / "killed" / "parts" / "state.npz"
    assert np.load(state)["memory"].shape == (8, 12, 17)
    run_video(job(clip, style, tmp_path / "killed", resume=True, **given))
    videos = [(tmp_path / name / "video.mp4").read_bytes() for name in ("whole", "killed")]
    assert videos[0] == videos[1]


def test_the_same_job_is_continued(clip, style, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(
        "nst3d.pipeline.jobs.video.join_parts", lambda *given: (_ for _ in ()).throw(_KilledError)
    )
    with pytest.raises(_KilledError):
        run_video(job(clip, style, tmp_path / "out"))
    with pytest.raises(ConfigError, match="another video, style or settings"):
        run_video(job(clip, style, tmp_path / "out", resume=True, crf=30))
    (tmp_path / "out" / "parts" / "state.npz").write_bytes(b"damaged")
    with pytest.raises(InputError, match=r"state\.npz: cannot be read"):
        run_video(job(clip, style, tmp_path / "out", resume=True))


def test_the_time_left_of_a_resumed_video_is_that_of_its_own_frames(
    clip, style, tmp_path, monkeypatch
) -> None:
    """Reading a shot to its end and preparing for it is not the pace of frames."""
    own = TaughtPainter.begin

    def begin(self, samples):
        time.sleep(0.3)
        own(self, samples)

    def paint(self, frame, shot):
        if self.progress.done == 13:
            raise _KilledError
        return own_paint(self, frame, shot)

    own_paint = video_frames.FrameRun._paint
    with monkeypatch.context() as patch:
        patch.setattr(video_frames.FrameRun, "_paint", paint)
        with pytest.raises(_KilledError):
            run_video(job(clip, style, tmp_path / "out"))
    monkeypatch.setattr(TaughtPainter, "begin", begin)
    counted: list[Counted] = []
    run_video(
        job(clip, style, tmp_path / "out", resume=True),
        lambda e: counted.append(e) if isinstance(e, Counted) else None,
    )
    assert counted[0].done == 13
    assert counted[0].seconds / counted[0].done < 0.25


def test_a_video_has_its_own_defaults(clip, style, tmp_path, monkeypatch) -> None:
    seen: list[dict] = []
    monkeypatch.setattr(
        "nst3d.pipeline.jobs.video_painters.make_teacher",
        lambda name, options: seen.append(options) or Identity(),
    )
    for number, given in enumerate(({"strength": 0.5}, {"strokes": 0.25})):
        run_video(job(clip, style, tmp_path / str(number), teacher="instant", teacher_options=given))
    assert seen == [{"strokes": 0.0, "coarsest": 3, "strength": 0.5}, {"strokes": 0.25, "coarsest": 3}]


def test_a_smaller_size(clip, style, tmp_path) -> None:
    done = run_video(job(clip, style, tmp_path / "out", size=45))
    assert done.metrics["size"] == [44, 32]
    assert any("45 x 33 is written as 44 x 32" in note for note in done.metrics["notes"])


def test_a_video_is_not_enlarged(clip, style, tmp_path) -> None:
    assert run_video(job(clip, style, tmp_path / "out", size=500)).metrics["size"] == [66, 48]


def test_what_is_too_small(clip, style, tmp_path) -> None:
    with pytest.raises(InputError, match="painted with 40 x 29 pixels; expected 32 or more"):
        run_video(job(clip, style, tmp_path / "out", size=40))


def test_a_full_disk(clip, style, tmp_path, monkeypatch) -> None:
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=1000))
    with pytest.raises(OutputError, match=r"out: 15 frames need about .* GB, of which .* are free"):
        run_video(job(clip, style, tmp_path / "out"))
    assert not (tmp_path / "out").exists()
