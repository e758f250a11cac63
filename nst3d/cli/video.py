"""nst3d video: paint a video in a style."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Annotated

import tyro

from nst3d.cli.parse import parse
from nst3d.cli.terminal import PaintBar, say, summarise
from nst3d.cli.values import read_options
from nst3d.pipeline.jobs.video import VideoJob, VideoResult, run_video
from nst3d.pipeline.kinds.paint_job import Words
from nst3d.pipeline.settings.config import TeachOptions
from nst3d.pipeline.settings.video import FlowName, VideoOptions, VideoStart, Way

_DESCRIPTION = """Paint a video in the style of an image, or as words say, without flicker: with a network, in a
fraction of a second a frame, or as a picture is painted (--way optimise), in a minute or more, with strokes that move
with what they are on. Sound and frame rate are kept; at cuts, painting begins afresh. Needs OpenCV (pip install
'nst3d[video]').

examples:
  nst3d video clip.mp4 --style starry_night.jpg --out painted/
  nst3d video clip.mp4 --style wave.jpg --out painted/ --size 640
  nst3d video clip.mp4 --style wave.jpg --out painted/ --way optimise --size 384
  nst3d video clip.mp4 --text "starry night" --out painted/
  nst3d video clip.mp4 --style wave.jpg --out painted/ --resume"""


@dataclass(frozen=True)
class VideoArguments:
    """Arguments of `nst3d video`."""

    video: tyro.conf.Positional[Annotated[Path, tyro.conf.arg(metavar="VIDEO")]]
    """The video, in any container that ffmpeg reads."""
    out: Annotated[Path, tyro.conf.arg(metavar="FOLDER")]
    """Folder for the results."""
    style: tyro.conf.UseAppendAction[Annotated[tuple[Path, ...], tyro.conf.arg(metavar="IMAGE")]] = ()
    """Style image; repeat the option to mix several. (required, unless there are words)"""
    text: tyro.conf.UseAppendAction[Annotated[tuple[str, ...], tyro.conf.arg(metavar="WORDS")]] = ()
    """What the video should look like, in words, such as "a charcoal drawing"; repeat the option to mix several."""
    avoid: tyro.conf.UseAppendAction[Annotated[tuple[str, ...], tyro.conf.arg(metavar="WORDS")]] = ()
    """What it should not look like, in words."""
    words: Words = VideoJob.words
    """How words paint: by choosing pictures whose captions are like them (choose), or, with --way optimise, followed by
    CLIP step by step (clip; see nst3d weights); auto follows if CLIP's weights are there."""
    library: Annotated[Path | None, tyro.conf.arg(metavar="FOLDER")] = None
    """Pictures among which words choose, described in the folder's captions.yaml or by their names; by default those
    that ship with nst3d."""
    size: Annotated[int, tyro.conf.arg(metavar="PIXELS")] = VideoOptions.size
    """Long side of the frames; 0 keeps the video's."""
    way: Way = VideoOptions.way
    """How frames are painted: by a teacher, or each optimised as a picture is, which is much slower."""
    teacher: Annotated[str, tyro.conf.arg(metavar="NAME")] = VideoOptions.teacher
    """Teacher that paints the frames: instant, or another one, such as network."""
    teacher_option: Annotated[
        tyro.conf.UseAppendAction[tuple[str, ...]], tyro.conf.arg(metavar="NAME=VALUE")
    ] = ()
    """An option of the teacher: strength=0.7, file=wave.safetensors; repeatable."""
    steady: Annotated[float, tyro.conf.arg(metavar="0..0.95")] = VideoOptions.steady
    """Share of a frame that is taken from the one before along the motion; 0: each frame on its own."""
    flow: FlowName = VideoOptions.flow
    """How motion is found; auto: by the first of the others whose weights are found (nst3d weights)."""
    iterations: Annotated[int, tyro.conf.arg(metavar="N")] = VideoOptions.iterations
    """Steps of an optimised frame; a shot's first takes four times as many."""
    start: VideoStart = VideoOptions.start
    """Where optimised frames start if nothing is taken over: from their content, or from the teacher's picture."""
    passes: Annotated[int, tyro.conf.arg(metavar="N")] = VideoOptions.passes
    """How often the frames of a shot are optimised, in alternating directions."""
    crf: Annotated[int, tyro.conf.arg(metavar="0..51")] = VideoOptions.crf
    """Quality of the video: 0 is lossless, 51 worst."""
    threads: Annotated[int, tyro.conf.arg(metavar="N")] = VideoOptions.threads
    """CPU threads; 0 takes all."""
    quiet: tyro.conf.FlagCreatePairsOff[bool] = False
    """No progress bar."""
    overwrite: tyro.conf.FlagCreatePairsOff[bool] = False
    """Write into a folder that is not empty."""
    resume: tyro.conf.FlagCreatePairsOff[bool] = False
    """Continue an interrupted run; give the same video, style and settings again."""


def video(arguments: Sequence[str]) -> int:
    """Run the command; returns the exit code."""
    given = parse(VideoArguments(tyro.MISSING, tyro.MISSING), arguments, "nst3d video", _DESCRIPTION)
    texts = TeachOptions.texts_of(given.teacher)
    teacher_options = read_options("--teacher-option", given.teacher_option, "strength=0.7", texts)
    same = {f.name: getattr(given, f.name) for f in fields(VideoOptions) if f.name != "teacher_options"}
    options = VideoOptions(**same, teacher_options=teacher_options)
    job = VideoJob(
        given.video,
        given.style,
        given.out,
        options,
        given.overwrite,
        given.resume,
        given.text,
        given.avoid,
        given.words,
        given.library,
    )
    with PaintBar(given.quiet) as bar:
        done = run_video(job, bar)
    if done.interrupted:
        say(f"stopped early; run the same command with --resume to continue ({given.out} is kept)")
        return 130
    summarise(done.metrics["notes"], given.quiet)
    for path in done.paths:
        say(str(path))
    say(_summary(done))
    return 0


def _summary(done: VideoResult) -> str:
    numbers = done.metrics
    shots = f"{numbers['shots']} shot{'' if numbers['shots'] == 1 else 's'}"
    speed = f"{numbers['frames']} frames in {shots}, {numbers['frames_per_second']:.2g} frames/s"
    if "warped_error_ratio" in numbers:
        return (
            f"{speed}; {numbers['warped_error_ratio']:.2f} times the flicker of frames painted on their own"
        )
    if "warped_error" in numbers:
        return f"{speed}; from frame to frame, {numbers['warped_error']:.3f} of 1 changes along the motion"
    return speed
