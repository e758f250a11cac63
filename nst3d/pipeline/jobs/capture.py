"""Makes a capture of photographs or a video: finds their cameras and writes them beside the photographs."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from nst3d.errors import ConfigError, InputError
from nst3d.files import PathField, write_bytes
from nst3d.formats.captures.registry import load_capture
from nst3d.formats.captures.write import save_cameras
from nst3d.interrupts import stoppable
from nst3d.pipeline.captures.poses import Count, PosesFound, PoseTask, Still
from nst3d.pipeline.captures.stills import find_photographs, gather_frames, gather_photographs, is_video
from nst3d.pipeline.kinds.bridges import ALONE, Bridges, Note
from nst3d.pipeline.runtime.machine import Clock
from nst3d.pipeline.runtime.out_folder import claimed_folder, resumable
from nst3d.pipeline.settings.capture import PoseOptions
from nst3d.pipeline.settings.overrides import as_plain

_UP = np.array([0.0, 0.0, 1.0])
_NAMED = 8
_MOST = 0.9
"""Share of photographs with a camera below which the result comes with advice."""


@dataclass(frozen=True)
class CaptureJob:
    """Photographs or a video to make a capture of, settings and output."""

    source: PathField = PathField()
    """Folder of photographs, or a video."""
    out: PathField = PathField()
    options: PoseOptions = field(default_factory=PoseOptions)
    overwrite: bool = False
    resume: bool = False

    @property
    def work(self) -> Path:
        """Folder of features and matches."""
        return self.out / "colmap"

    @property
    def record(self) -> Path:
        """File that says which photographs are in the output folder."""
        return self.work / "stills.json"


@dataclass(frozen=True)
class Captured:
    """The result of a job."""

    paths: tuple[Path, ...]
    metrics: dict[str, Any]
    """Content of metrics.json; empty if interrupted."""
    interrupted: bool = False
    """Stopped by the user; continue with `CaptureJob.resume`."""


@dataclass(frozen=True)
class _Record:
    """The stills in the output folder, and the job that they were gathered for."""

    job: str
    stills: list[Still]


def run_capture(
    job: CaptureJob,
    note: Note = lambda text: None,
    count: Count = lambda stage, done, total: None,
    bridges: Bridges = ALONE,
) -> Captured:
    """Find the cameras of photographs or of frames of a video, and write transforms.json and a COLMAP model.

    Photographs are copied into `out`/images. Up is +z, and the ball that the cameras look at is the unit ball.
    `note` is called with messages for the user, `count` with the progress of each stage; `bridges` provide
    pycolmap. Raises Nst3dError subclasses for errors that the user can fix. Ctrl-C ends the search after the
    photographs at work: features and matches are kept in `out`/colmap, from which `resume` continues. A second
    Ctrl-C raises KeyboardInterrupt at once.
    """
    finder = bridges.pose_finder()
    video = is_video(job.source)
    photographs = [job.source] if video else find_photographs(job.source)
    _refuse_inside(job, photographs)
    if job.resume:
        resumable(job.record, job.record, job.out / "transforms.json")
    clock = Clock()
    with claimed_folder(job.out, job.overwrite or job.resume, []):
        stills = _stills(job, photographs, count)
        clock.lap("photographs_s")
        task = PoseTask(job.out / "images", job.work, job.out / "sparse" / "0", stills, video, job.options)
        with stoppable() as stopped:
            found = finder(task, count, stopped)
        if found is None:
            return Captured((), {}, interrupted=True)
        clock.lap("cameras_s")
        return _written(job, stills, found, clock, note)


def _refuse_inside(job: CaptureJob, photographs: Sequence[Path]) -> None:
    """Raise ConfigError for photographs in the output folder, where copies would replace them."""
    out = job.out.resolve()
    for path in photographs:
        if out in path.resolve().parents:
            raise ConfigError(f"{path}: lies in {job.out}, which is written to; give another `out`")


def _stills(job: CaptureJob, photographs: Sequence[Path], count: Count) -> list[Still]:
    """The stills in the output folder: those of an earlier run to resume, or new ones."""
    mark = _mark(job, photographs)
    if job.resume and job.record.is_file():
        record = _read_record(job.record)
        if record.job != mark:
            raise ConfigError(
                f"{job.out}: was begun with other photographs or settings; give the same again, or leave out `resume`"
            )
        return record.stills
    with tempfile.TemporaryDirectory(prefix=".images.", dir=job.out) as name:
        scratch = Path(name)
        if is_video(job.source):
            stills = gather_frames(job.source, scratch, job.options.frames, count)
        else:
            stills = gather_photographs(photographs, scratch, count)
        # Only now: an earlier run's files stay intact until this one is known to work.
        _clear(job)
        for folder in (job.out / "images", job.work):
            folder.mkdir(exist_ok=True)
        for still in stills:
            os.replace(scratch / still.name, job.out / "images" / still.name)
    write_bytes(job.record, msgspec.json.encode(_Record(mark, stills)))
    return stills


def _clear(job: CaptureJob) -> None:
    """Remove an earlier run's photographs, features and results, and nothing else."""
    old = [job.out / "transforms.json", job.out / "metrics.json", *job.work.glob("database.db*")]
    with contextlib.suppress(InputError):
        old += [job.out / "images" / Path(still.name).name for still in _read_record(job.record).stills]
    for path in [*old, job.record]:
        path.unlink(missing_ok=True)


def _read_record(path: Path) -> _Record:
    try:
        return msgspec.json.decode(path.read_bytes(), type=_Record)
    except (OSError, msgspec.MsgspecError):
        raise InputError(
            f"{path}: cannot be read, so there is nothing to resume; leave out `resume`"
        ) from None


def _mark(job: CaptureJob, photographs: Sequence[Path]) -> str:
    """Identifies a job: its photographs, by name and size, and its settings other than threads."""
    settings = {k: v for k, v in as_plain(job.options).items() if k != "threads"}
    digest = hashlib.sha256(json.dumps(settings, sort_keys=True).encode())
    for path in photographs:
        size = path.stat().st_size if path.is_file() else 0
        digest.update(f"\n{path.name} {size}".encode("utf-8", "surrogateescape"))
    return digest.hexdigest()


def _written(
    job: CaptureJob, stills: Sequence[Still], found: PosesFound, clock: Clock, note: Note
) -> Captured:
    """Write transforms.json from the model, and the metrics."""
    model = job.out / "sparse" / "0"
    capture = load_capture(model)
    names = [f"images/{photo.name}" for photo in capture.photos]
    path = save_cameras(job.out / "transforms.json", names, [photo.camera for photo in capture.photos], _UP)
    left_out = sorted({still.name for still in stills} - set(found.names))
    for text in _advice(len(stills), left_out, found):
        note(text)
    metrics = {
        "photographs": len(stills),
        "with_camera": len(found.names),
        "without_camera": left_out,
        "other_sets": list(found.others),
        "points": found.points,
        "reprojection_error": round(found.error, 3),
        **clock.laps,
    }
    report = job.out / "metrics.json"
    write_bytes(report, (json.dumps(metrics, indent=2) + "\n").encode())
    return Captured((path, model, report), metrics)


def _advice(total: int, left_out: Sequence[str], found: PosesFound) -> list[str]:
    """Notes on photographs without a camera, and what to do about them."""
    if not left_out:
        return []
    more = f" and {len(left_out) - _NAMED} more" if len(left_out) > _NAMED else ""
    notes = [
        f"{len(left_out)} photographs fit nowhere and are left out: {', '.join(left_out[:_NAMED])}{more}"
    ]
    if found.others:
        sets = ", ".join(map(str, found.others))
        notes.append(
            f"smaller sets of {sets} photographs fit together but not with the rest: take photographs between them"
        )
    elif len(found.names) < _MOST * total:
        notes.append(
            "more would fit with more overlap between neighbours, less blur, or a larger `size` for finer features"
        )
    return notes
