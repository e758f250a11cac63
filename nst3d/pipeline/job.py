"""A whole paint job: from a scene and a style to an asset, pictures, a configuration and numbers."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
import yaml

from nst3d.errors import ConfigError, InputError, OutputError
from nst3d.formats.dispatch import is_picture, load_mesh
from nst3d.images.files import write_bytes
from nst3d.images.io import read_image
from nst3d.pipeline.config import PaintConfig, as_plain
from nst3d.pipeline.machine import Clock, peak_memory_gb
from nst3d.pipeline.mesh_scene import prepare_mesh
from nst3d.pipeline.mesh_subject import MeshSubject
from nst3d.pipeline.painter import Keeper, Painter
from nst3d.pipeline.picture_subject import PictureSubject
from nst3d.pipeline.report import Reporter, Silent
from nst3d.pipeline.subject import Subject
from nst3d.tensors import Image

_STYLE_PIXELS = 4_000_000
CHECKPOINT = "checkpoint.pt"


@dataclass(frozen=True)
class Job:
    """What to paint, with what, where to."""

    scene: Path
    styles: tuple[Path, ...]
    out: Path
    config: PaintConfig = field(default_factory=PaintConfig)
    overwrite: bool = False
    resume: bool = False

    def __post_init__(self) -> None:
        """Take plain strings for paths, too."""
        object.__setattr__(self, "scene", Path(self.scene))
        object.__setattr__(self, "styles", tuple(Path(s) for s in self.styles))
        object.__setattr__(self, "out", Path(self.out))


@dataclass(frozen=True)
class Result:
    """What a job made."""

    paths: tuple[Path, ...]
    metrics: dict[str, Any]
    interrupted: bool = False
    """Stopped by the user; `Job.resume` goes on."""


def run_job(job: Job, reporter: Reporter | None = None) -> Result:
    """Paint a scene and write everything into `job.out`.

    Raises Nst3dError subclasses for what the user can put right. Ctrl-C ends the painting early: what there
    is gets written, with a checkpoint to resume from.
    """
    reporter = reporter or Silent()
    _claim_folder(job)
    torch.set_num_threads(job.config.threads or torch.get_num_threads())
    clock = Clock()
    reporter.phase("reading")
    styles = [_read_style(path, reporter) for path in job.styles]
    clock.lap("read_s")
    reporter.phase("preparing")
    subject = _subject(job, styles[0], reporter)
    clock.lap("prepare_s")
    reporter.phase("painting")
    output = job.config.output
    keeper = Keeper(job.out / CHECKPOINT, _fingerprint(job), output.checkpoint_seconds, job.resume)
    painter = Painter(job.config, subject, styles, keeper, reporter)
    interrupted = painter.paint()
    clock.lap("paint_s")
    reporter.phase("writing")
    after = painter.result().cpu().numpy()
    paths = subject.save(job.out, after)
    paths += subject.show(job.out, subject.before.numpy(), after)
    clock.lap("write_s")
    metrics = painter.metrics() | subject.facts() | clock.laps | {"peak_rss_gb": peak_memory_gb()}
    paths += _write_records(job, metrics)
    if not interrupted:
        keeper.forget()
    return Result(tuple(paths), metrics, interrupted)


def _claim_folder(job: Job) -> None:
    """Make the output folder, and make sure that nothing in it is overwritten unasked."""
    out = job.out
    if out.exists() and not out.is_dir():
        raise OutputError(f"{out}: is a file, expected a folder to write to; give another --out")
    try:
        if out.is_dir() and any(out.iterdir()) and not (job.overwrite or job.resume):
            raise OutputError(
                f"{out}: exists and is not empty; give --overwrite to write into it, or another --out"
            )
        out.mkdir(parents=True, exist_ok=True)
        write_bytes(out / "config.yaml", _config_yaml(job))
    except OSError as error:
        raise OutputError(f"{out}: the folder cannot be made ({error.strerror or error})") from None


def _read_style(path: Path, reporter: Reporter) -> Image:
    picture = read_image(path, max_pixels=_STYLE_PIXELS)
    for note in picture.notes:
        reporter.note(note)
    return torch.from_numpy(picture.pixels)


def _subject(job: Job, style: Image, reporter: Reporter) -> Subject:
    config = job.config
    if not job.scene.exists():
        raise InputError(f"{job.scene}: no such file, expected a mesh or a picture")
    if is_picture(job.scene):
        picture = PictureSubject(job.scene, style, config)
        for note in picture.notes:
            reporter.note(note)
        return picture
    if config.start != "content":
        raise ConfigError("--start noise is for pictures; a mesh starts from its own colours")
    mesh = load_mesh(job.scene)
    for note in mesh.notes:
        reporter.note(note)
    scene = prepare_mesh(mesh, config.surface, config.rig, config.schedule.finest)
    return MeshSubject(scene, job.scene, style, config)


def _config_yaml(job: Job) -> bytes:
    values = {
        "scene": str(job.scene),
        "styles": [str(s) for s in job.styles],
        "settings": as_plain(job.config),
    }
    return yaml.safe_dump(values, sort_keys=False, allow_unicode=True).encode()


def _fingerprint(job: Job) -> str:
    """What a checkpoint belongs to: the bytes of scene and styles, and all settings but the output's."""
    digest = hashlib.sha256()
    for path in (job.scene, *job.styles):
        digest.update(path.read_bytes() if path.is_file() else str(path).encode())
    settings = as_plain(job.config)
    settings.pop("output")
    digest.update(json.dumps(settings, sort_keys=True).encode())
    return digest.hexdigest()


def _write_records(job: Job, metrics: dict[str, Any]) -> list[Path]:
    path = job.out / "metrics.json"
    write_bytes(path, (json.dumps(metrics, indent=2) + "\n").encode())
    return [job.out / "config.yaml", path]
