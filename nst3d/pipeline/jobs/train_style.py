"""Trains a network to paint in one or several styles, on views of a scene or on pictures."""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch

from nst3d.errors import ConfigError, OutputError
from nst3d.features.encoder import Encoder
from nst3d.files import PathField, PathsField
from nst3d.networks.generator import GeneratorShape, random_generator
from nst3d.networks.style_network import StyleNetwork, save_style_network
from nst3d.pipeline.jobs.train_loop import (
    MOST_STEPS,
    Kept,
    affordable,
    check_network_file,
    checkpoint_of,
    divided,
    take_steps,
)
from nst3d.pipeline.jobs.train_pictures import gather_shots
from nst3d.pipeline.jobs.train_report import held_out_losses, write_preview
from nst3d.pipeline.kinds.bridges import ALONE, Bridges
from nst3d.pipeline.runtime.events import Events, Listener
from nst3d.pipeline.runtime.machine import Clock, use_threads
from nst3d.pipeline.settings.config import PaintConfig
from nst3d.pipeline.settings.overrides import as_plain
from nst3d.pipeline.settings.train import TrainOptions
from nst3d.pipeline.styles import find_encoder, read_style
from nst3d.stylize.coat import Coat
from nst3d.stylize.feature_guide import Viewing
from nst3d.stylize.recipe import Recipe
from nst3d.stylize.stage_guide import StageInputs, build_guide
from nst3d.stylize.style import Style
from nst3d.training.checkpoint import planned_steps, restore_training, save_training
from nst3d.training.patches import LEAST, Patches
from nst3d.training.shot import Shot
from nst3d.training.trainer import Lesson, Pace, Trainer

_CONTENT_BYTES = 5e8
"""Memory for the patches' content features, of all styles together."""


@dataclass(frozen=True)
class TrainJob:
    """Styles to learn, pictures to learn them on, output and settings."""

    styles: PathsField = PathsField()
    """Style images; the network can mix several."""
    source: PathField = PathField()
    """Scene of any kind that can be painted, a folder of pictures, or a video."""
    out: PathField = PathField()
    """File for the network, .safetensors."""
    options: TrainOptions = field(default_factory=TrainOptions)
    overwrite: bool = False
    resume: bool = False

    def __post_init__(self) -> None:
        """Raise ConfigError without a style, and for a file of another format."""
        if not self.styles:
            raise ConfigError("no style: give `style`, an image")
        check_network_file(self.out)

    @property
    def checkpoint(self) -> Path:
        """File from which the training resumes."""
        return checkpoint_of(self.out)

    @property
    def preview(self) -> Path:
        """Picture of pictures before and after."""
        return self.out.with_name(f"{self.out.stem}_sheet.png")


@dataclass(frozen=True)
class Trained:
    """The result of a training."""

    paths: tuple[Path, ...]
    metrics: dict[str, Any]
    """Steps, seconds, and the losses of held-out pictures by style: "untouched" and "painted"."""
    interrupted: bool = False
    """Stopped by the user; continue with `TrainJob.resume`."""


def run_training(
    job: TrainJob, listeners: Listener | Iterable[Listener] = (), bridges: Bridges = ALONE
) -> Trained:
    """Train a network and write it, with a picture of what it does.

    `listeners` receive the job's events; `bridges` provide optional packages. Raises Nst3dError subclasses for errors
    that the user can fix. Ctrl-C ends the training after a step: the network is written as it is, with a checkpoint to
    resume from. A second Ctrl-C raises KeyboardInterrupt at once.
    """
    _check_out(job)
    use_threads(job.options.threads)
    events, clock = Events(listeners), Clock()
    events.phase("reading")
    styles = [read_style(path, events) for path in job.styles]
    shots = gather_shots(job.source, job.styles, job.options, events, bridges)
    learnt, held = divided(shots)
    recipe = trainable(job.options.recipe)
    encoder = find_encoder(PaintConfig(recipe=recipe, device="cpu"), torch.device("cpu"), events)
    lessons = _lessons(job.options, recipe, styles, learnt, encoder)
    kept = Kept(job.checkpoint, _fingerprint(job, shots), job.options.checkpoint_seconds)
    clock.lap("prepare_s")
    trainer = _trainer(job, lessons, kept, events)
    events.phase("training")
    interrupted = take_steps(trainer, kept, events)
    clock.lap("train_s")
    events.phase("writing")
    network = StyleNetwork(trainer.generator, _names(job.styles), job.options.size)
    save_style_network(job.out, network)
    if interrupted:
        save_training(kept.path, trainer, kept.mark)
    else:
        kept.path.unlink(missing_ok=True)
    losses = held_out_losses(network, styles, held, encoder, recipe)
    write_preview(job.preview, network, styles, held)
    metrics = {"steps": trainer.done, "losses": losses, **clock.laps, "notes": events.notes}
    return Trained((job.out, job.preview), metrics, interrupted)


def _check_out(job: TrainJob) -> None:
    for path in (job.out, job.preview):
        if path.exists() and not (job.overwrite or job.resume):
            raise OutputError(f"{path}: exists; give `overwrite`, `resume` or another `out`")
    if job.source.is_dir() and job.out.resolve().parent == job.source.resolve():
        raise ConfigError(f"{job.out}: lies among the pictures to train on; give another `out`")
    if any(style.resolve() == job.preview.resolve() for style in job.styles):
        raise ConfigError(f"{job.preview}: is a style, and would be overwritten; give another `out`")
    if not job.out.parent.is_dir():
        raise OutputError(f"{job.out}: its folder does not exist")


def _names(paths: Sequence[Path]) -> tuple[str, ...]:
    """A name for each style, from its file's; no two are the same."""
    names: list[str] = []
    for path in paths:
        name, more = path.stem, 2
        while name in names:
            name, more = f"{path.stem}_{more}", more + 1
        names.append(name)
    return tuple(names)


def trainable(recipe: Recipe) -> Recipe:
    """The recipe without terms that compare views or belong to regions, which pictures by themselves do not have."""
    terms = tuple(t for t in recipe.terms if t.name != "consistency" and t.region is None)
    return replace(recipe, terms=terms)


def _side(wanted: int, shots: Sequence[Shot]) -> int:
    """A patch's side: as wanted, or as large as three quarters of the pictures allow. Nearly whole pictures are best.

    A network is to paint whole ones, whose statistics are not those of their parts.
    """
    shortest = sorted(min(shot.coverage.shape) for shot in shots)
    return max(min(wanted, shortest[len(shortest) // 4]) // 16 * 16, LEAST)


def _lessons(
    options: TrainOptions, recipe: Recipe, styles: Sequence[Style], shots: Sequence[Shot], encoder: Encoder
) -> list[Lesson]:
    """Patches and a guide for each style."""
    side = _side(options.patch, shots)
    lessons = []
    for number, style in enumerate(styles):
        patches = Patches(shots, style, side, options.patches, options.seed * 1000 + number)
        viewing = Viewing(style.background, reduce=recipe.reduce)
        budget = _CONTENT_BYTES / len(styles)
        inputs = StageInputs([Coat([style])], patches.stage(), options.size, viewing, budget)
        lessons.append(Lesson(patches, build_guide(recipe, encoder, inputs)))
    return lessons


def _trainer(job: TrainJob, lessons: Sequence[Lesson], kept: Kept, events: Events) -> Trainer:
    """The training at its start, or where a checkpoint left it."""
    options = job.options
    shape = GeneratorShape(options.widths, options.blocks, len(lessons), options.recurrent)
    generator = random_generator(shape, options.seed)
    resumed = job.resume and kept.path.is_file()
    if job.resume and not resumed:
        events.note(f"{kept.path}: there is no such checkpoint, so the training starts over")
    steps = options.steps
    if resumed:
        steps = planned_steps(kept.path, kept.mark)
    elif steps is None:
        trial = Trainer(copy.deepcopy(generator), lessons, _pace(options, MOST_STEPS))
        steps = affordable(trial, options.minutes, events)
    trainer = Trainer(generator, lessons, _pace(options, steps))
    if resumed:
        restore_training(kept.path, trainer, kept.mark)
    return trainer


def _pace(options: TrainOptions, steps: int) -> Pace:
    return Pace(steps, options.batch, options.rate, options.temporal_weight, options.seed)


def _fingerprint(job: TrainJob, shots: Sequence[Shot]) -> str:
    """Identifies a training by its styles, pictures and settings."""
    passing = ("threads", "checkpoint_seconds", "minutes")
    settings = {name: value for name, value in as_plain(job.options).items() if name not in passing}
    digest = hashlib.sha256(repr(sorted(settings.items())).encode())
    for path in job.styles:
        digest.update(path.read_bytes())
    for shot in shots:
        digest.update(shot.colour.numpy().tobytes())
    return digest.hexdigest()
