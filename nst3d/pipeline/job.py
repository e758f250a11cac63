"""A whole paint job: from a scene and a style to an asset, pictures, a configuration and numbers."""

from __future__ import annotations

import hashlib
import json
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import torch
import yaml

from nst3d.errors import ConfigError, InputError, OutputError
from nst3d.features.vgg import VGG
from nst3d.features.weights import load_encoder
from nst3d.formats.dispatch import is_picture, load_mesh
from nst3d.images.files import write_bytes
from nst3d.images.io import read_image
from nst3d.images.resize import fit_long_side
from nst3d.pipeline.config import PaintConfig, as_plain
from nst3d.pipeline.machine import peak_memory_gb, resolve_device
from nst3d.pipeline.mesh_scene import prepare_mesh
from nst3d.pipeline.mesh_subject import MeshSubject
from nst3d.pipeline.picture_subject import PictureSubject
from nst3d.pipeline.subject import Subject
from nst3d.stylize.agreement import ViewMemory
from nst3d.stylize.canvas import LinearCanvas
from nst3d.stylize.checkpoint import load_checkpoint, save_checkpoint
from nst3d.stylize.criterion import Criterion, Viewing
from nst3d.stylize.engine import Progress, Run
from nst3d.stylize.recipe import StageInputs, build_criterion
from nst3d.stylize.recolour import to_palette
from nst3d.stylize.schedule import Stage
from nst3d.tensors import Image

_STYLE_PIXELS = 4_000_000
_DTYPES = {"float32": torch.float32, "float64": torch.float64, "bfloat16": torch.bfloat16, "auto": None}
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


class Reporter(Protocol):
    """Hears how a job goes on."""

    def phase(self, name: str) -> None:
        """A part of the job begins."""

    def note(self, text: str) -> None:
        """Something that the user should know."""

    def step(self, progress: Progress) -> None:
        """A step of the painting is done."""


class Silent:
    """A reporter that says nothing."""

    def phase(self, name: str) -> None:
        """Say nothing."""

    def note(self, text: str) -> None:
        """Say nothing."""

    def step(self, progress: Progress) -> None:
        """Say nothing."""


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
    clock = _Clock()
    reporter.phase("reading")
    styles = [_read_style(path, reporter) for path in job.styles]
    clock.lap("read_s")
    reporter.phase("preparing")
    subject = _subject(job, styles[0], reporter)
    clock.lap("prepare_s")
    reporter.phase("painting")
    painter = _Painter(job, subject, styles, reporter)
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
        (job.out / CHECKPOINT).unlink(missing_ok=True)
    return Result(tuple(paths), metrics, interrupted)


class _Clock:
    """Wall-clock seconds of each part of a job."""

    def __init__(self) -> None:
        self.laps: dict[str, float] = {}
        self._start = self._last = time.perf_counter()

    def lap(self, name: str) -> None:
        now = time.perf_counter()
        self.laps[name] = round(now - self._last, 2)
        self.laps["wall_s"] = round(now - self._start, 2)
        self._last = now


class _Painter:
    """The painting itself: canvas, criteria and the run."""

    def __init__(self, job: Job, subject: Subject, styles: list[Image], reporter: Reporter) -> None:
        self._job, self._subject, self._reporter = job, subject, reporter
        self._styles = styles
        config = job.config
        device = resolve_device(config.device)
        self._encoder: VGG = load_encoder(
            config.recipe.encoder,
            pooling=config.recipe.pooling,
            dtype=_DTYPES[config.precision],
            device=device,
        )
        start = subject.start.to(device)
        if config.precision == "float64":
            start = start.double()
        self._canvas = LinearCanvas(start, subject.layout, subject.compile, config.table)
        self._fingerprint = _fingerprint(job)
        self._checkpoint = job.out / CHECKPOINT
        resume = load_checkpoint(self._checkpoint, self._fingerprint) if self._resumes() else None
        self._run = Run(self._canvas, self._criterion, config.schedule, resume)
        self._history: list[Progress] = []

    def _resumes(self) -> bool:
        if self._job.resume and not self._checkpoint.is_file():
            raise InputError(
                f"{self._checkpoint}: no such file, so there is nothing to resume; leave out --resume"
            )
        return self._job.resume

    def paint(self) -> bool:
        """Run the schedule; True if the user stopped it."""
        every = self._job.config.output.checkpoint_seconds
        last = time.perf_counter()
        try:
            for progress in self._run:
                self._history.append(progress)
                self._reporter.step(progress)
                if every > 0 and time.perf_counter() - last > every:
                    save_checkpoint(self._checkpoint, self._run.state(), self._fingerprint)
                    last = time.perf_counter()
        except KeyboardInterrupt:
            if not self._history:
                raise
            save_checkpoint(self._checkpoint, self._run.state(), self._fingerprint)
            return True
        return False

    def result(self) -> torch.Tensor:
        """The painted table, finished."""
        colours = self._canvas.finest_colours().float()
        coverage = self._canvas.colour_coverage().float()
        strength = self._job.config.recipe.palette_after
        if strength > 0:
            style = self._styles[0].to(colours)
            colours = to_palette(colours, style, coverage[:, 0], strength)
        return self._subject.finished(colours, coverage)

    def metrics(self) -> dict[str, Any]:
        """Losses at the end, steps and speed."""
        if not self._history:
            return {"iterations": 0}
        last = self._history[-1]
        return {
            "iterations": last.iteration,
            "loss": last.loss,
            "losses": last.losses,
            "loss_first": self._history[0].loss,
            "views_per_s": round(last.views / max(last.seconds, 1e-9), 2),
        }

    def _criterion(self, stage: Stage) -> Criterion:
        config = self._job.config
        device = self._canvas.parameters()[0].device
        long = max(16, round(stage.size * config.recipe.style_scale))
        styles = tuple(fit_long_side(s, long).permute(2, 0, 1).to(device) for s in self._styles)
        viewing = Viewing(self._styles[0].mean((0, 1)).to(device), reduce=config.recipe.reduce)
        subject = self._subject
        memory = None
        if subject.neighbours():
            memory = lambda strides, layers: ViewMemory(  # noqa: E731
                subject.neighbours(), subject.correspond, strides, layers
            )
        inputs = StageInputs(
            style=styles,
            contents=lambda view: subject.content(view).to(device),
            num_views=self._canvas.num_views,
            viewing=viewing,
            memory=memory,
        )
        return build_criterion(config.recipe, self._encoder, inputs)


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
