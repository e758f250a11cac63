"""A video whose frames are optimised, killed and continued."""

from __future__ import annotations

import shutil
import subprocess
from contextlib import contextmanager

import numpy as np
import pytest

from nst3d.errors import ConfigError, OutputError
from nst3d.images.io import write_image
from nst3d.pipeline.jobs.video import VideoJob, _need_space, run_video
from nst3d.pipeline.runtime.events import Counted
from nst3d.pipeline.settings.video import VideoOptions
from nst3d.stylize.clips.optimised import OptimisedFrames
from nst3d.tensors import ImageSize
from nst3d.video.clip import read_clip
from nst3d.video.decode import read_clip_frames
from nst3d.video.program import ffmpeg_program

pytest.importorskip("cv2", reason="nst3d[video] is not installed")

FRAMES, CUT = 5, 3


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """clip.mp4, five frames of 48 x 32 pixels with a cut before frame 3, and style.png."""
    folder = tmp_path_factory.mktemp("film")
    inputs = [
        "-f",
        "lavfi",
        "-i",
        "testsrc2=s=48x32:r=5:d=0.6",
        "-f",
        "lavfi",
        "-i",
        "mandelbrot=s=48x32:r=5",
    ]
    joined = ["-filter_complex", f"[0:v][1:v]concat=n=2,trim=end_frame={FRAMES}[v]", "-map", "[v]"]
    command = [
        ffmpeg_program("writing"),
        "-y",
        "-loglevel",
        "error",
        *inputs,
        *joined,
        str(folder / "clip.mp4"),
    ]
    subprocess.run(command, check=True)
    write_image(folder / "style.png", np.random.default_rng(0).random((32, 32, 3)))
    return folder


def job(folder, out, passes: int = 1, resume: bool = False, **options) -> VideoJob:
    given = VideoOptions(way="optimise", iterations=1, passes=passes, flow="dis", **options)
    return VideoJob(folder / "clip.mp4", folder / "style.png", out, given, resume=resume)


class _KilledError(Exception):
    """Stands for the end of the process."""


def kill_after(patch, frames: int) -> None:
    """Let the painting of this frame, counted over all passes, fail."""
    own, painted = OptimisedFrames.paint, iter(range(99))

    def paint(self, *given):
        if next(painted) == frames:
            raise _KilledError
        return own(self, *given)

    patch.setattr(OptimisedFrames, "paint", paint)


@pytest.mark.parametrize(("passes", "frames"), [(1, 0), (1, 2), (1, 4), (2, 1), (2, 4), (2, 7)])
def test_killed_and_continued_is_the_same(folder, tmp_path, monkeypatch, passes, frames) -> None:
    """Within a pass, in the pass back, and in the second shot; no frame that is painted is painted again."""
    counted: list[Counted] = []
    whole = run_video(job(folder, tmp_path / "whole", passes))
    with monkeypatch.context() as patch:
        kill_after(patch, frames)
        with pytest.raises(_KilledError):
            run_video(job(folder, tmp_path / "killed", passes))
    again = run_video(
        job(folder, tmp_path / "killed", passes, resume=True),
        lambda e: counted.append(e) if isinstance(e, Counted) else None,
    )
    for name in ("video.mp4", "sheet.png"):
        assert (tmp_path / "killed" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
    kept = ("frames", "shots", "passes", "flow", "warped_error")
    assert {k: again.metrics[k] for k in kept} == {k: whole.metrics[k] for k in kept}
    assert [e.done for e in counted] == list(range(frames + 1, FRAMES * passes + 1))
    assert whole.metrics["shots"] == 2
    assert not (tmp_path / "killed" / "parts").exists()


def test_a_second_pass_changes_all_but_its_first_frame_less_than_a_cut_does(folder, tmp_path) -> None:
    for passes in (1, 2):
        run_video(job(folder, tmp_path / str(passes), passes, crf=0))
    one, two = (list(read_clip_frames(read_clip(tmp_path / n / "video.mp4"))) for n in ("1", "2"))
    changes = [np.abs(a.astype(int) - b).mean() for a, b in zip(one, two)]
    assert all(0 < change < 25 for change in changes)
    assert np.abs(two[CUT].astype(int) - two[CUT - 1]).mean() > 25


def test_stopped_within_a_frame(folder, tmp_path, monkeypatch) -> None:
    """The frame at work is lost, and no other."""
    asked = iter(range(99))

    @contextmanager
    def stopped():
        yield lambda: next(asked) >= 5  # the first frame takes four steps

    with monkeypatch.context() as patch:
        patch.setattr("nst3d.pipeline.jobs.video.stoppable", stopped)
        assert run_video(job(folder, tmp_path / "out")).interrupted
    kept = sorted(path.name for path in (tmp_path / "out" / "parts").glob("pass_*"))
    assert kept == [f"pass_01_{k:08d}.png" for k in range(2)]
    assert run_video(job(folder, tmp_path / "out", resume=True)).metrics["frames"] == FRAMES


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"passes": 2}, "`passes` is for optimised frames: give `way='optimise'`"),
        ({"iterations": 9}, "`iterations` is for optimised frames"),
        ({"start": "teacher"}, "`start` is for optimised frames"),
        ({"way": "optimise", "passes": 2, "steady": 0}, "`passes` blend frames along the motion"),
        (
            {"way": "optimise", "teacher": "posterise"},
            "a teacher paints no optimised frames: give `start='teacher'`, or leave out `teacher`$",
        ),
        (
            {"way": "optimise", "teacher": "posterise", "teacher_options": {"levels": 3}},
            "or leave out `teacher` and `teacher_options`$",
        ),
        ({"flow": "dis", "steady": 0}, "`flow` finds the motion"),
    ],
)
def test_settings_that_would_do_nothing(options, says) -> None:
    with pytest.raises(ConfigError, match=says):
        VideoOptions(**options)


def test_frames_that_are_kept_need_space(folder, tmp_path, monkeypatch) -> None:
    """4 bytes for each of 5 x 48 x 32 pixels, twice as much with two passes; what is there already counts."""
    clip, size = read_clip(folder / "clip.mp4"), ImageSize(32, 48)
    usage = shutil.disk_usage(tmp_path)

    def needs(free: int, passes: int) -> None:
        monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=free))
        _need_space(job(folder, tmp_path, passes), clip, size)

    for passes in (1, 2):
        with pytest.raises(OutputError, match="5 frames need about"):
            needs(passes * 30_000, passes)
        needs(passes * 33_000, passes)
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts" / "pass_01_00000000.png").write_bytes(bytes(10_000))
    needs(25_000, 1)


def test_a_teacher_may_paint_what_frames_start_from(folder, tmp_path) -> None:
    """Steps are few, so most of the picture is still the teacher's."""
    given = {"content": {}, "teacher": {"start": "teacher", "teacher": "posterise"}}
    firsts = []
    for start, options in given.items():
        assert run_video(job(folder, tmp_path / start, crf=0, **options)).metrics["way"] == "optimise"
        firsts.append(next(read_clip_frames(read_clip(tmp_path / start / "video.mp4"))))
    assert np.abs(firsts[0].astype(int) - firsts[1]).mean() > 3
