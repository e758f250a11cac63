"""A whole paint job: from a scene and a style to an asset, pictures, a configuration and numbers."""

from __future__ import annotations

import contextlib
import hashlib
import json
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
import yaml

from nst3d.errors import ConfigError, InputError, OutputError
from nst3d.files import write_bytes
from nst3d.formats.dispatch import is_picture, load_mesh
from nst3d.formats.gltf_write import left_out
from nst3d.images.io import read_image
from nst3d.pipeline.config import PaintConfig, as_plain
from nst3d.pipeline.machine import Clock, peak_memory_gb, use_threads
from nst3d.pipeline.mesh_scene import prepare_mesh, upright
from nst3d.pipeline.mesh_subject import MeshSubject
from nst3d.pipeline.painter import Keeper, Painter
from nst3d.pipeline.picture_subject import PictureSubject
from nst3d.pipeline.report import Reporter, Silent
from nst3d.pipeline.subject import Subject
from nst3d.tensors import Image

_STYLE_PIXELS = 4_000_000
_STYLE_ASPECT = 16
CHECKPOINT = "checkpoint.pt"
_CONFIG = "config.yaml"


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
        """Take plain strings for paths, and one style by itself, too."""
        styles = (self.styles,) if isinstance(self.styles, str | Path) else self.styles
        if not styles:
            raise ConfigError("no style: give --style IMAGE")
        object.__setattr__(self, "scene", Path(self.scene))
        object.__setattr__(self, "styles", tuple(Path(s) for s in styles))
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
    with _claimed_folder(job):
        return _paint(job, reporter or Silent())


def _paint(job: Job, reporter: Reporter) -> Result:
    use_threads(job.config.threads)
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
    # Only now, for what an earlier run left stays whole until this one is known to work.
    write_bytes(job.out / _CONFIG, _config_yaml(job))
    interrupted = painter.paint()
    clock.lap("paint_s")
    reporter.phase("writing")
    try:
        paths, metrics = _write(job, painter, clock)
    except BaseException:
        with contextlib.suppress(OutputError):
            painter.keep()
            reporter.note("the painting is kept: the same command with --resume writes it")
        raise
    if not interrupted:
        keeper.forget()
    return Result(tuple(paths), metrics, interrupted)


def _write(job: Job, painter: Painter, clock: Clock) -> tuple[list[Path], dict[str, Any]]:
    subject, after = painter.subject, painter.result().cpu().numpy()
    paths = subject.save(job.out, after)
    paths += subject.show(job.out, subject.before.numpy(), after)
    clock.lap("write_s")
    metrics = painter.metrics() | subject.facts() | clock.laps | {"peak_rss_gb": peak_memory_gb()}
    return paths + _write_records(job, metrics), metrics


@contextlib.contextmanager
def _claimed_folder(job: Job) -> Iterator[None]:
    """The output folder, made where it is missing, and removed again if an error leaves nothing of use in it.

    Makes sure that it can be written, and that nothing in it is overwritten unasked.
    """
    out = job.out
    try:
        made = not out.exists()
        if not made and not out.is_dir():
            raise OutputError(f"{out}: is a file, expected a folder to write to; give another --out")
        if not (made or job.overwrite or job.resume) and any(out.iterdir()):
            raise OutputError(
                f"{out}: exists and is not empty; give --overwrite to write into it, or another --out"
            )
        out.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=out).close()
    except OSError as error:
        raise OutputError(
            f"{out}: the folder cannot be made or written ({error.strerror or error})"
        ) from None
    try:
        yield
    except BaseException:
        if made:
            with contextlib.suppress(OSError):
                if [p.name for p in out.iterdir()] == [_CONFIG]:
                    (out / _CONFIG).unlink()
                out.rmdir()
        raise


def _read_style(path: Path, reporter: Reporter) -> Image:
    picture = read_image(path, max_pixels=_STYLE_PIXELS)
    for note in picture.notes:
        reporter.note(note)
    height, width = picture.pixels.shape[:2]
    if max(height, width) > _STYLE_ASPECT * min(height, width):
        raise InputError(f"{path}: {width} x {height} pixels are too narrow for a style; crop it")
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
        raise ConfigError("--settings.start noise is for pictures; a mesh starts from its own colours")
    mesh = upright(load_mesh(job.scene), config.up)
    for note in mesh.notes:
        reporter.note(note)
    scene = prepare_mesh(mesh, config.surface, config.rig, config.schedule.finest)
    for note in left_out(mesh, scene.paint):
        reporter.note(note)
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
    return [job.out / _CONFIG, path]
