"""Trains two networks that translate pictures of one folder into the other's kind, and back."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from nst3d.errors import ConfigError, OutputError
from nst3d.files import PathField
from nst3d.networks.translator import TranslatorShape, save_translator
from nst3d.pipeline.jobs.train_loop import (
    MOST_STEPS,
    SUFFIX,
    Kept,
    affordable,
    check_network_file,
    checkpoint_of,
    divided,
    take_steps,
)
from nst3d.pipeline.jobs.train_pictures import gather_shots
from nst3d.pipeline.jobs.train_style import Trained
from nst3d.pipeline.jobs.train_translated import distances, write_curves, write_sheet
from nst3d.pipeline.kinds.bridges import ALONE, Bridges
from nst3d.pipeline.runtime.events import Events, Listener
from nst3d.pipeline.runtime.machine import Clock, use_threads
from nst3d.pipeline.settings.cycle import CycleOptions
from nst3d.pipeline.settings.overrides import as_plain
from nst3d.pipeline.settings.train import TrainOptions
from nst3d.tensors import Planes
from nst3d.training.checkpoint import planned_steps, restore_training, save_training
from nst3d.training.cycle import CyclePace, CycleTrainer
from nst3d.training.patches import LEAST
from nst3d.training.shot import Shot

_GREY = torch.full((3,), 0.5)
"""Background of a scene's views: that over which a scene is painted without a style."""


@dataclass(frozen=True)
class CycleJob:
    """Two sets of pictures, output and settings."""

    first: PathField = PathField()
    """Folder of pictures, scene or video that are translated."""
    second: PathField = PathField()
    """Those that they are translated to."""
    out: PathField = PathField()
    """File for the network from the first to the second, .safetensors."""
    options: CycleOptions = field(default_factory=CycleOptions)
    overwrite: bool = False
    resume: bool = False

    def __post_init__(self) -> None:
        """Raise ConfigError for a file of another format, and if both sets are the same."""
        check_network_file(self.out)
        if self.first.resolve() == self.second.resolve():
            raise ConfigError(f"{self.first}: is given twice; `cycle` is for two different sets of pictures")

    @property
    def checkpoint(self) -> Path:
        """File from which the training resumes."""
        return checkpoint_of(self.out)

    @property
    def written(self) -> tuple[Path, Path, Path, Path, Path]:
        """The networks there and back, what they do to held-out pictures, and the losses, also as a plot."""
        endings = (f"_back{SUFFIX}", "_sheet.png", "_losses.csv", "_losses.svg")
        back, sheet, losses, plot = (self.out.with_name(self.out.stem + ending) for ending in endings)
        return self.out, back, sheet, losses, plot


def run_cycle_training(
    job: CycleJob, listeners: Listener | Iterable[Listener] = (), bridges: Bridges = ALONE
) -> Trained:
    """Train both networks and write them, with a picture of what they do, and the losses of each step.

    `listeners` receive the job's events; `bridges` provide optional packages. Raises Nst3dError subclasses for errors
    that the user can fix. Ctrl-C ends the training after a step: the networks are written as they are, with a
    checkpoint to resume from. A second Ctrl-C raises KeyboardInterrupt at once.
    """
    _check_out(job)
    options = job.options
    use_threads(options.threads)
    events, clock = Events(listeners), Clock()
    events.phase("reading")
    asked = TrainOptions(size=options.size)
    sets = [gather_shots(source, (), asked, events, bridges) for source in (job.first, job.second)]
    kept = Kept(job.checkpoint, _fingerprint(job, sets), options.checkpoint_seconds)
    (learnt, held), (other, other_held) = (divided(shots) for shots in sets)
    clock.lap("prepare_s")
    trainer = _trainer(job, (_pictures(learnt), _pictures(other)), kept, events)
    events.phase("training")
    interrupted = take_steps(trainer, kept, events)
    clock.lap("train_s")
    events.phase("writing")
    there, back, sheet, losses, plot = job.written
    for path, network in zip((there, back), trainer.translators):
        save_translator(path, network, options.size)
    if interrupted:
        save_training(kept.path, trainer, kept.mark)
    else:
        kept.path.unlink(missing_ok=True)
    shown = _pictures(held), _pictures(other_held)
    write_sheet(sheet, trainer.translators, shown)
    paths = [there, back, sheet, *write_curves(losses, plot, trainer.losses, events)]
    found = {"steps": trainer.done, "losses": distances(trainer.translators, shown)}
    return Trained(tuple(paths), {**found, **clock.laps, "notes": events.notes}, interrupted)


def _check_out(job: CycleJob) -> None:
    for path in job.written:
        if path.exists() and not (job.overwrite or job.resume):
            raise OutputError(f"{path}: exists; give `overwrite`, `resume` or another `out`")
    for source in (job.first, job.second):
        if source.is_dir() and job.out.resolve().parent == source.resolve():
            raise ConfigError(f"{job.out}: lies among the pictures to train on; give another `out`")
    if not job.out.parent.is_dir():
        raise OutputError(f"{job.out}: its folder does not exist")


def _pictures(shots: Sequence[Shot]) -> list[Planes]:
    return [shot.over(_GREY) for shot in shots]


def _side(wanted: int, domains: Sequence[Sequence[Planes]]) -> int:
    """A patch's side: as wanted, or as large as all pictures allow, in multiples of 4."""
    shortest = min(min(picture.shape[1:]) for pictures in domains for picture in pictures)
    return max(min(wanted, shortest) // 4 * 4, LEAST)


def _trainer(
    job: CycleJob, domains: tuple[Sequence[Planes], Sequence[Planes]], kept: Kept, events: Events
) -> CycleTrainer:
    """The training at its start, or where a checkpoint left it."""
    options = job.options
    shape, side = TranslatorShape(options.width, options.blocks), _side(options.patch, domains)
    resumed = job.resume and kept.path.is_file()
    if job.resume and not resumed:
        events.note(f"{kept.path}: there is no such checkpoint, so the training starts over")
    steps = options.steps
    if resumed:
        steps = planned_steps(kept.path, kept.mark)
    elif steps is None:
        trial = CycleTrainer(shape, domains, _pace(options, MOST_STEPS, side))
        steps = affordable(trial, options.minutes, events)
    trainer = CycleTrainer(shape, domains, _pace(options, steps, side))
    if resumed:
        restore_training(kept.path, trainer, kept.mark)
    return trainer


def _pace(options: CycleOptions, steps: int, side: int) -> CyclePace:
    weights = options.cycle_weight, options.identity_weight
    return CyclePace(steps, side, options.rate, *weights, options.history, options.seed)


def _fingerprint(job: CycleJob, sets: Sequence[Sequence[Shot]]) -> str:
    """Identifies a training by its pictures and settings."""
    passing = ("threads", "checkpoint_seconds", "minutes")
    settings: dict[str, Any] = {n: v for n, v in as_plain(job.options).items() if n not in passing}
    digest = hashlib.sha256(repr(sorted(settings.items())).encode())
    for shots in sets:
        digest.update(f"{len(shots)} pictures".encode())
        for picture in _pictures(shots):
            digest.update(picture.contiguous().numpy().tobytes())
    return digest.hexdigest()
