"""A whole reconstruction: from a capture to a voxel field and its metrics on held-out views."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from nst3d.errors import InputError, OutputError
from nst3d.files import PathField, write_bytes
from nst3d.formats.fields.registry import save_field
from nst3d.formats.io.files import refuse_empty
from nst3d.formats.mesh_files import is_mesh
from nst3d.interrupts import stoppable
from nst3d.pipeline.captures.held_out import measured, write_comparison
from nst3d.pipeline.captures.photographs import Photographs, read_photographs
from nst3d.pipeline.kinds.bridges import ALONE, Bridges
from nst3d.pipeline.kinds.registry import open_path
from nst3d.pipeline.runtime.events import Events, Fitted, Listener
from nst3d.pipeline.runtime.fit_keeper import FitKeeper
from nst3d.pipeline.runtime.machine import Clock, peak_memory_gb, resolve_device, use_threads
from nst3d.pipeline.runtime.out_folder import STARTS_OVER, claimed_folder, resumable
from nst3d.pipeline.settings.overrides import as_plain
from nst3d.pipeline.settings.reconstruct import ReconstructConfig
from nst3d.reconstruct.fit import Fit
from nst3d.representations.field import VoxelField

_TRAIN_SHOWN = 8
"""Number of training photographs on which a field is measured, too."""
_CHECKPOINT = "checkpoint.npz"
_RUNNING = 0.97
"""Smoothing of the displayed PSNR over steps."""


@dataclass(frozen=True)
class ReconstructJob:
    """Capture to reconstruct, settings and output."""

    capture: PathField = PathField()
    out: PathField = PathField()
    """Output folder, or an .npz with the other files beside it under its name."""
    config: ReconstructConfig = field(default_factory=ReconstructConfig)
    overwrite: bool = False
    resume: bool = False
    dataparser: str | None = None
    """nerfstudio dataparser for `capture`; None: the format is detected."""

    def path(self, name: str) -> Path:
        """The path of a result."""
        if self.out.suffix.lower() != ".npz" or self.out.is_dir():
            return self.out / name
        return self.out if name == "field.npz" else self.out.with_name(f"{self.out.stem}.{name}")


@dataclass(frozen=True)
class Reconstructed:
    """The result of a job."""

    paths: tuple[Path, ...]
    metrics: dict[str, Any]
    """Content of metrics.json. `views` are those held out, `train_views` the others, the worst first. Seconds cover
    this run (wall_s: all of it); `earlier_fit_s` is the fitting time of the runs that it resumed."""
    interrupted: bool = False
    """Stopped by the user; continue with `ReconstructJob.resume`."""


def run_reconstruct(
    job: ReconstructJob, listeners: Listener | Iterable[Listener] = (), bridges: Bridges = ALONE
) -> Reconstructed:
    """Fit a voxel field to a capture's photographs and write it with its metrics on those held out.

    `listeners` receive the job's events; `bridges` provide optional packages. Raises Nst3dError subclasses
    for errors that the user can fix. Ctrl-C ends the fit early: the field is written in its current state,
    without metrics, plus a checkpoint to resume from. A second Ctrl-C raises KeyboardInterrupt at once.
    """
    if job.dataparser is None:
        _refuse_scenes(job.capture)
    again, events = job.resume, Events(listeners)
    if again and not resumable(*map(job.path, (_CHECKPOINT, "config.yaml", "metrics.json"))):
        job = replace(job, resume=False)  # known first, as reading the photographs may take long
        events.note(STARTS_OVER)
    folder = job.path("field.npz").parent
    alone = folder != job.out
    if alone and job.out.exists() and not (job.overwrite or again):
        raise OutputError(f"{job.out}: exists; give `overwrite` or another `out`")
    with claimed_folder(folder, alone or job.overwrite or again, [job.path("config.yaml").name]):
        return _reconstruct(job, events, bridges)


def _refuse_scenes(path: Path) -> None:
    """Raise InputError for a path that is already a scene."""
    refuse_empty(path, "a capture")
    if not path.exists():
        return
    kind = open_path(path).kind
    if kind.source is not None or is_mesh(path):
        raise InputError(
            f"{path}: is {kind.one}, already a scene: paint it with nst3d paint or show it with nst3d render;"
            " reconstruct expects a capture, photographs with poses"
        )


def _reconstruct(job: ReconstructJob, events: Events, bridges: Bridges) -> Reconstructed:
    use_threads(job.config.threads)
    clock = Clock()
    events.phase("reading")
    reader = bridges.reader(job.dataparser, job.capture)
    material = read_photographs(job.capture, job.config.size, reader, events)
    for note in material.notes:
        events.note(note)
    fit = _fit(job, material)
    keeper = FitKeeper(
        job.path(_CHECKPOINT), _fingerprint(job, material), job.config.checkpoint_seconds, events.note
    )
    if job.resume:
        keeper.resume(fit)
    counts = {
        "photographs": len(material.train),
        "held_out": len(material.tests),
        "kind": material.frame.kind,
    }
    cameras, names = [view.camera for view in material.train], [view.name for view in material.train]
    del material.train[_TRAIN_SHOWN:], material.opacities[:]  # the fit has its own copy
    clock.lap("read_s")
    # Only now: an earlier run's files stay intact until this one is known to work.
    write_bytes(job.path("config.yaml"), _config_yaml(job))
    events.phase("fitting")
    interrupted = _run(fit, keeper, events)
    clock.lap("fit_s")
    events.phase("writing")
    result = fit.field(cameras, material.up, str(job.capture.resolve()))
    paths, marks = _write(job, result, material, interrupted)
    if interrupted:
        events.note(
            "stopped early: the field is not measured, and heldout.png is left out;"
            " finish it with the same job and `resume`"
        )
    clock.lap("write_s")
    state = {"iterations": fit.iteration, "nodes": len(result), "grid": list(result.links.shape)}
    machine = {
        "earlier_fit_s": round(keeper.earlier, 2),
        "peak_rss_gb": peak_memory_gb(),
        "notes": events.notes,
    }
    metrics = {**marks, "train_views": _fitted(fit, names), **counts, **state, **clock.laps, **machine}
    write_bytes(job.path("metrics.json"), (json.dumps(metrics, indent=2) + "\n").encode())
    if not interrupted:
        keeper.forget()
    return Reconstructed((*paths, job.path("metrics.json")), metrics, interrupted)


def _fit(job: ReconstructJob, material: Photographs) -> Fit:
    return Fit(
        [view.camera for view in material.train],
        [view.image for view in material.train],
        material.frame,
        job.config.fit,
        material.background,
        material.opacities,
        resolve_device(job.config.device),
    )


def _run(fit: Fit, keeper: FitKeeper, events: Events) -> bool:
    """Run the remaining steps; True if the user stopped them, which saves a checkpoint."""
    error = None
    with stoppable() as stopped:  # in the middle of a step it would count half
        for step in fit:
            new = 10 ** (-step.psnr / 10)
            error = new if error is None else _RUNNING * error + (1 - _RUNNING) * new
            running = -10 * math.log10(error)
            events.tell(Fitted(step.iteration, step.iterations, running, step.nodes, keeper.seconds))
            if stopped() and step.iteration < step.iterations:
                keeper.keep(fit)
                return True
            keeper.now_and_then(fit)
    return False


def _write(
    job: ReconstructJob, result: VoxelField, material: Photographs, interrupted: bool
) -> tuple[list[Path], dict[str, Any]]:
    """Write the field, picture and metrics; if interrupted only the field, as rendering takes long."""
    paths = save_field(job.path("field.npz"), result)
    if interrupted:  # an earlier run's picture and metrics belong to another field
        job.path("heldout.png").unlink(missing_ok=True)
        nothing: dict[str, Any] = {"psnr": None, "ssim": None, "psnr_train": None, "views": []}
        return [*paths, job.path("config.yaml")], nothing
    train = measured(result, material.train)
    marks = measured(result, material.tests) if material.tests else None
    paths.append(write_comparison(job.path("heldout.png"), marks or train))
    held = marks.means() if marks else {"psnr": None, "ssim": None}
    numbers = {**held, "psnr_train": train.means()["psnr"], "views": marks.rows() if marks else []}
    return [*paths, job.path("config.yaml")], numbers


def _fitted(fit: Fit, names: Sequence[str]) -> list[dict[str, Any]]:
    """How well each photograph was fitted, the worst first; empty before there is anything to tell."""
    marks = [(name, mark) for name, mark in zip(names, fit.marks()) if mark.psnr is not None]
    marks = sorted(marks, key=lambda pair: pair[1].psnr or 0.0)
    return [
        {"name": n, "psnr": round(m.psnr or 0.0, 3), "gain": [round(g, 3) for g in m.gain]} for n, m in marks
    ]


def _config_yaml(job: ReconstructJob) -> bytes:
    values = {
        "capture": str(job.capture),
        **({} if job.dataparser is None else {"dataparser": job.dataparser}),
        "settings": as_plain(job.config),
    }
    return yaml.safe_dump(values, sort_keys=False, allow_unicode=True).encode()


def _fingerprint(job: ReconstructJob, material: Photographs) -> str:
    """Identifies a checkpoint: the photographs, their cameras, and the fit's settings."""
    digest = hashlib.sha256(json.dumps(as_plain(job.config.fit), sort_keys=True).encode())
    digest.update(repr(material.background).encode())
    for view in material.train:
        camera = view.camera
        numbers = (camera.focal, camera.aspect, *camera.centre, camera.lens)
        digest.update(f"{view.image.shape} {numbers}".encode())
        digest.update(np.ascontiguousarray(camera.camera_to_world, np.float64).tobytes())
        digest.update(view.image.tobytes())
    return digest.hexdigest()
