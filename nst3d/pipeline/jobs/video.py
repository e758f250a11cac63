"""Paints a video in a style: a new video with its sound, pictures of a few frames, and numbers."""

from __future__ import annotations

import hashlib
import json
import math
import shutil
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from nst3d.errors import ConfigError, InputError, OutputError
from nst3d.files import OptionalPathField, PathField, PathsField, write_bytes
from nst3d.flow.method import FlowMethod
from nst3d.images.io import read_image, write_image
from nst3d.images.resize import fitted_size
from nst3d.interrupts import stoppable
from nst3d.pipeline.jobs.video_frames import FrameRun, FrameTask, StoppedError
from nst3d.pipeline.jobs.video_painters import Painters
from nst3d.pipeline.jobs.video_state import Progress, VideoState
from nst3d.pipeline.jobs.worded import ready_coats, with_choice
from nst3d.pipeline.kinds.paint_job import Job, Words
from nst3d.pipeline.runtime.events import Events, Listener
from nst3d.pipeline.runtime.fingerprint import add_file
from nst3d.pipeline.runtime.machine import Clock, peak_memory_gb, use_threads
from nst3d.pipeline.runtime.out_folder import STARTS_OVER, claimed_folder, resumable
from nst3d.pipeline.settings.config import TeachOptions, load_preset
from nst3d.pipeline.settings.direction import Direction
from nst3d.pipeline.settings.overrides import as_plain
from nst3d.pipeline.settings.video import VideoOptions
from nst3d.pipeline.styles import read_coats
from nst3d.tensors import ImageSize
from nst3d.video.clip import Clip, describe_changes, read_clip
from nst3d.video.decode import read_clip_frames
from nst3d.video.parts import COPIED_SOUND, join_parts

_CONFIG, _METRICS = "config.yaml", "metrics.json"
_SHORTEST = 32
"""Shortest side of frames that networks with three poolings can paint, in pixels."""
_SHOWN = 4
_BITS = 0.6
"""Bits of a painted pixel at a crf of 18, which halve with each 6 more."""
_KEPT = 4
"""Bytes of a pixel of an optimised frame as it is kept: PNG needs 1 to 2 for the frame and 2 for its picture."""


@dataclass(frozen=True)
class VideoJob:
    """A video to paint, its styles, settings and output."""

    video: PathField = PathField()
    styles: PathsField = PathsField()
    """Pictures; several are mixed."""
    out: PathField = PathField()
    """Folder for video.mp4, sheet.png, metrics.json and config.yaml."""
    options: VideoOptions = field(default_factory=VideoOptions)
    overwrite: bool = False
    """Write into a folder that is not empty."""
    resume: bool = False
    """Continue an interrupted run of the same job."""
    texts: tuple[str, ...] = ()
    """What the video should look like, in words, mixed with the pictures."""
    avoid: tuple[str, ...] = ()
    """What it should not look like, in words."""
    words: Words = "auto"
    """How words paint: followed by CLIP, which takes optimised frames, or by choosing styles; auto: as for `Job`."""
    library: OptionalPathField = OptionalPathField()
    """Folder of pictures among which words choose, with captions; None: those that ship with nst3d."""

    @property
    def state(self) -> VideoState:
        """What is kept until the video is whole."""
        return VideoState(self.out / "parts")


@dataclass(frozen=True)
class VideoResult:
    """The result of a job."""

    paths: tuple[Path, ...]
    metrics: dict[str, Any]
    """Content of metrics.json; empty if interrupted."""
    interrupted: bool = False
    """Stopped by the user; continue with `VideoJob.resume`."""


def run_video(job: VideoJob, listeners: Listener | Iterable[Listener] = ()) -> VideoResult:
    """Paint a video and write everything into `job.out`.

    `listeners` receive the job's events. Memory does not grow with the video's length. Raises Nst3dError subclasses
    for errors that the user can fix. Ctrl-C ends the painting after the frame at work: what is painted is kept in
    `out`/parts, from which `resume` continues, to the same video. A second Ctrl-C raises KeyboardInterrupt at once.
    """
    events, clock = Events(listeners), Clock()
    use_threads(job.options.threads)
    notes: list[str] = []
    given = with_choice(styled_like(job), notes.append)
    clip = read_clip(job.video)
    size = _size(clip, job.options.size)
    again = job.resume and resumable(job.state.file, job.out / _CONFIG, job.out / _METRICS)
    if job.resume and not again:
        events.note(STARTS_OVER)
    with claimed_folder(job.out, job.overwrite or job.resume, [_CONFIG]):
        _need_space(job, clip, size)
        task = FrameTask(clip, size, job.options.crf, _spread(clip.frames), job.options.passes)
        (coat,) = ready_coats(given, read_coats(given.directed, given.config.recipe, events), events)
        painters = Painters(job.options, coat.styles, max(size), events)
        for text in [*notes, *describe_changes(clip), *_losses(clip, size)]:
            events.note(text)
        run = _begun(job, task, painters, given.directed, again)
        clock.lap("prepare_s")
        try:
            with stoppable() as stopped:
                run.finish(stopped)
        except StoppedError:
            return VideoResult((), {}, interrupted=True)
        clock.lap("paint_s")
        return _written(job, run, painters.flow, events, clock)


def styled_like(job: VideoJob) -> Job:
    """The job that paints a picture as these frames are painted: by the same styles, words, teacher and recipe.

    ConfigError if no style is given, or words that nothing could follow.
    """
    options, config = job.options, load_preset("picture")
    if options.teaches:
        teach = TeachOptions(options.teacher, options=options.teacher_options)
        config = replace(config, teach=teach)
    if options.way == "network":
        config = config.with_iterations(0)
        if job.words == "clip":
            raise ConfigError(
                "CLIP follows words step by step, and a teacher paints these frames at once: give `way='optimise'`,"
                " or `words='choose'`"
            )
    if not (job.styles or job.texts or config.teach.alone):
        raise ConfigError("no style: give `style`, a picture, or `text`, words")
    return Job(
        job.video,
        job.styles,
        job.out,
        config,
        texts=job.texts,
        avoid=job.avoid,
        words=job.words,
        library=job.library,
    )


def _begun(job: VideoJob, task: FrameTask, painters: Painters, direction: Direction, again: bool) -> FrameRun:
    """The painting at its start, or where an earlier run stopped; `direction` has the styles."""
    mark, state = _mark(job, direction, painters.flow), job.state
    if again:
        progress, last = state.load(mark)
        return FrameRun(task, painters.of(task, state, progress), state, progress, last)
    state.clear()
    state.folder.mkdir()
    write_bytes(job.out / _CONFIG, _config_yaml(job, direction))
    progress = Progress(mark)
    if job.options.way == "optimise":
        state.save(progress, None)  # each frame is kept from now on, not only each part
    return FrameRun(task, painters.of(task, state, progress), state, progress)


def _size(clip: Clip, long_side: int) -> ImageSize:
    """The size in which frames are painted. InputError if they are too small for a network."""
    with closing(read_clip_frames(clip)) as frames:
        own = next(frames).shape
    size = ImageSize(own[0], own[1])
    if 0 < long_side < max(size):
        size = fitted_size(size, long_side)
    if min(size) < _SHORTEST:
        raise InputError(
            f"{clip.path}: its frames would be painted with {size.width} x {size.height} pixels; expected"
            f" {_SHORTEST} or more on the short side"
        )
    return size


def _losses(clip: Clip, size: ImageSize) -> list[str]:
    """What MP4 cannot hold of the video."""
    notes = []
    if size.width % 2 or size.height % 2:
        even = f"{size.width // 2 * 2} x {size.height // 2 * 2}"
        notes.append(
            f"{size.width} x {size.height} is written as {even} pixels: H.264 players need even sides"
        )
    others = sorted(set(clip.audio) - set(COPIED_SOUND))
    if others:
        notes.append(f"{clip.path.name}: its sound ({', '.join(others)}) is encoded as AAC")
    return notes


def _need_space(job: VideoJob, clip: Clip, size: ImageSize) -> None:
    """Raise OutputError if the video would not fit the disk: once as parts, once as a whole.

    Optimised frames are kept beside it until their shot is in parts: all of them if there is but one shot, and twice
    in a second pass.
    """
    bits = _BITS * 2 ** ((18 - job.options.crf) / 6)
    kept = _KEPT * min(job.options.passes, 2) if job.options.way == "optimise" else 0
    need = clip.frames * math.prod(size) * (2 * bits / 8 + kept)
    free = shutil.disk_usage(job.out).free
    # What an earlier run left is continued, or removed.
    if need > free + sum(path.stat().st_size for path in job.state.folder.glob("*")):
        raise OutputError(
            f"{job.out}: {clip.frames} frames need about {need / 1e9:.3g} GB, of which {free / 1e9:.3g} GB are free;"
            " give another `out` or a smaller `size`"
        )


def _spread(frames: int) -> tuple[int, ...]:
    """Numbers of the frames on the sheet: the middles of equal parts of the video."""
    count = min(_SHOWN, frames)
    return tuple(int((k + 0.5) * frames / count) for k in range(count))


def _written(
    job: VideoJob, run: FrameRun, flow: FlowMethod | None, events: Events, clock: Clock
) -> VideoResult:
    """Join the parts, and write the sheet and the metrics; the parts are removed."""
    video, sheet, report = (job.out / name for name in ("video.mp4", "sheet.png", _METRICS))
    join_parts(video, run.state.parts(), run.task.clip)
    pairs = [read_image(path).pixels for path in run.state.pairs()]
    if pairs:
        write_image(sheet, np.concatenate(pairs, axis=1))
    clock.lap("write_s")
    metrics = (
        _metrics(job, run, flow, clock.laps["paint_s"])
        | clock.laps
        | {"peak_memory_gb": peak_memory_gb(), "notes": events.notes}
    )
    write_bytes(report, (json.dumps(metrics, indent=2) + "\n").encode())
    run.state.clear()
    paths = [video, *([sheet] if pairs else []), report, job.out / _CONFIG]
    return VideoResult(tuple(paths), metrics)


def _metrics(job: VideoJob, run: FrameRun, flow: FlowMethod | None, seconds: float) -> dict[str, Any]:
    """What was painted, how, how fast and how steadily; `seconds` are those of the painting."""
    progress, painted = run.progress, run.painter.tally.painted
    errors: dict[str, Any] = {"flow": None}
    if progress.compared and flow is not None:
        shown = math.sqrt(progress.shown / progress.compared)
        errors = {"flow": flow.name, "warped_error": round(shown, 5)}
        if progress.alone is not None:
            alone = math.sqrt(progress.alone / progress.compared)
            errors["warped_error_alone"] = round(alone, 5)
            errors["warped_error_ratio"] = round(shown / max(alone, 1e-12), 4)
    return {
        "frames": progress.done,
        "frame_rate": str(run.task.clip.rate),
        "size": [run.task.size.width // 2 * 2, run.task.size.height // 2 * 2],
        "shots": progress.shots,
        "way": job.options.way,
        **run.painter.facts(),
        **errors,
        "frames_per_second": round(painted / run.task.passes / max(seconds, 1e-9), 3),
    }


def _config_yaml(job: VideoJob, direction: Direction) -> bytes:
    values = {
        "video": str(job.video.absolute()),
        "direction": direction.plain(),
        "settings": as_plain(job.options),
    }
    return yaml.safe_dump(values, sort_keys=False, allow_unicode=True).encode()


def _mark(job: VideoJob, direction: Direction, flow: FlowMethod | None) -> str:
    """Identifies a job: its video by name, size and time, styles, flow, and the settings other than threads."""
    settings = {k: v for k, v in as_plain(job.options).items() if k != "threads"}
    settings["flow"] = None if flow is None else flow.name
    settings["styles"] = [
        style.plain() | {"images": len(style.images)} for style in direction.styles.values()
    ]
    settings["paint"] = [entry.plain() for entry in direction.entries]
    digest = hashlib.sha256(json.dumps(settings, sort_keys=True).encode())
    state = job.video.stat()
    digest.update(f"{job.video.name} {state.st_size} {state.st_mtime_ns}".encode("utf-8", "surrogateescape"))
    for style in direction.styles.values():
        for path in style.images:
            add_file(digest, path)
    return digest.hexdigest()
