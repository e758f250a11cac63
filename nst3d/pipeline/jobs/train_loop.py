"""What all trainings of networks share: the time, the steps and the checkpoints between them."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from nst3d.errors import ConfigError, OutputError
from nst3d.interrupts import stoppable
from nst3d.pipeline.runtime.events import Counted, Events
from nst3d.training.checkpoint import Training, save_training
from nst3d.training.shot import Shot

SUFFIX = ".safetensors"
"""Suffix of networks and checkpoints."""
FEWEST_STEPS, MOST_STEPS = 100, 20_000
_HELD_OUT = 6
"""Of so many pictures, one is held out."""


@dataclass(frozen=True)
class Kept:
    """Where checkpoints are, what identifies them, and the seconds between them."""

    path: Path
    mark: str
    every: float


def check_network_file(out: Path) -> None:
    """Raise ConfigError for a file that networks are not written as."""
    if out.suffix != SUFFIX:
        raise ConfigError(f"{out}: a network is written as {SUFFIX}; give `out` that suffix")


def checkpoint_of(out: Path) -> Path:
    """The file from which the training of a network resumes."""
    return out.with_suffix(f".checkpoint{SUFFIX}")


def divided(shots: Sequence[Shot]) -> tuple[list[Shot], list[Shot]]:
    """The pictures to learn from, and those to judge by: few are used for both."""
    if len(shots) < _HELD_OUT:
        return list(shots), list(shots)
    held = set(range(_HELD_OUT // 2, len(shots), _HELD_OUT))
    return [s for i, s in enumerate(shots) if i not in held], [shots[i] for i in sorted(held)]


def affordable(trial: Training, minutes: float, events: Events) -> int:
    """How many steps the time allows, by the time of a few of a training that is not continued; with a note."""
    trial.step()
    start = time.perf_counter()
    for _ in range(3):
        trial.step()
    each = (time.perf_counter() - start) / 3
    steps = max(FEWEST_STEPS, min(MOST_STEPS, int(minutes * 60 / each)))
    events.note(f"training {steps} steps, about {minutes:g} minutes; give `steps` to override")
    return steps


def take_steps(trainer: Training, kept: Kept, events: Events) -> bool:
    """Take all steps; True if the user stopped it."""
    start = last = time.perf_counter()
    before, total = trainer.done, trainer.steps
    with stoppable() as stopped:
        while trainer.done < total and not stopped():
            trainer.step()
            now = time.perf_counter()
            try:
                events.tell(Counted(trainer.done - before, total - before, "steps", now - start))
            except KeyboardInterrupt:  # a listener's, between two steps
                break
            if 0 < kept.every < now - last:
                last = now
                try:
                    save_training(kept.path, trainer, kept.mark)
                except OutputError as error:
                    events.note(f"{error}: without this checkpoint, the training so far cannot be resumed")
    return trainer.done < total
