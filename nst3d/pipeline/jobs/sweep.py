"""Paints a scene in many settings, measures all of them together, and draws a contact sheet."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from nst3d.errors import ConfigError, InputError, Nst3dError, cut
from nst3d.files import PathField, write_bytes
from nst3d.images.io import write_image
from nst3d.pipeline.evaluation.flight import FlightOptions
from nst3d.pipeline.evaluation.scores import Scores
from nst3d.pipeline.jobs.evaluate import EvalJob, EvalResult, run_eval
from nst3d.pipeline.jobs.paint import CHECKPOINT, CONFIG, METRICS, config_of, run_job
from nst3d.pipeline.jobs.sweep_page import sweep_page, sweep_sheet, sweep_table
from nst3d.pipeline.jobs.sweep_pictures import sweep_pictures
from nst3d.pipeline.jobs.trials import Trial, Tried, ranked
from nst3d.pipeline.kinds.bridges import ALONE, Bridges, Note
from nst3d.pipeline.kinds.paint_job import Job
from nst3d.pipeline.runtime.events import Handler, Stepped
from nst3d.pipeline.runtime.out_folder import claimed_folder
from nst3d.tensors import Array

Count = Callable[[str, int, int], None]
Left = Literal["nothing", "another", "begun", "finished"]
"""What an earlier sweep left of a trial: nothing, a run with other settings, a part of this one, or all of it."""
_SHEET, _PAGE, _REPORT = "sweep.png", "sweep.md", "report"
_SMALLEST, _LARGEST = 48, 4096
"""Frames that can be measured, in pixels."""
_CLIP = 10
"""Successive frames whose steadiness is measured: enough to tell settings apart."""


@dataclass(frozen=True)
class SweepJob:
    """Trials to paint and to compare, and where to."""

    trials: tuple[Trial, ...]
    """Each with a job that writes into a folder of its own, all of one scene."""
    out: PathField = PathField()
    """Folder for sweep.png, sweep.md and the report."""
    resume: bool = False
    """Keep the paintings of an earlier sweep that are finished and have the same settings."""
    overwrite: bool = False
    """Write into a folder that is not empty."""
    command: str = ""
    """What the page says to measure everything of the paintings by, such as a command line."""

    @property
    def flight(self) -> FlightOptions:
        """Frames that are measured, as large as the largest painting."""
        largest = max(trial.job.config.schedule.finest for trial in self.trials)
        return FlightOptions(size=min(max(largest, _SMALLEST), _LARGEST), clip=_CLIP)


@dataclass(frozen=True)
class SweepResult:
    """The result of a sweep."""

    tried: tuple[Tried, ...]
    """All trials in their order; of an interrupted sweep those that are finished or failed."""
    total: int
    """How many trials there are."""
    table: str = ""
    """The paintings by score, in Markdown."""
    paths: tuple[Path, ...] = ()
    interrupted: bool = False
    """Stopped by the user; continue with `SweepJob.resume`."""

    @property
    def best(self) -> Trial | None:
        """The trial with the highest score; None if there are no scores."""
        first = ranked(self.tried)[0] if self.tried else None
        return None if first is None or first.score is None else first.trial

    @property
    def finished(self) -> int:
        """How many trials are painted."""
        return sum(each.error is None for each in self.tried)

    @property
    def failures(self) -> list[str]:
        """A line for each trial that failed."""
        return [f"{each.trial.label}: {each.error}" for each in self.tried if each.error is not None]


def run_sweep(
    job: SweepJob,
    note: Note = lambda text: None,
    progress: Count = lambda what, done, total: None,
    bridges: Bridges = ALONE,
) -> SweepResult:
    """Paint all trials, evaluate them together, and write the contact sheet, the page and the report.

    A trial that fails is kept with its error, and the others are painted all the same. `progress` counts the steps of
    all paintings, then what the evaluation does. Ctrl-C keeps what is painted. Raises ConfigError without a trial or
    if all fail, OutputError if the folder cannot be written, and InputError if the scene or a picture is missing.
    """
    if not job.trials:
        raise ConfigError("no trial: give at least one combination of settings")
    _check_there(job.trials)
    with claimed_folder(job.out, job.overwrite or job.resume, []):
        tried, interrupted = _paint_all(job, _Progress(job.trials, note, progress), bridges)
        if interrupted:
            return SweepResult(tuple(tried), len(job.trials), interrupted=True)
        painted = [each for each in tried if each.error is None]
        if not painted:
            raise ConfigError(f"all {len(tried)} combinations failed; the first: {tried[0].error}")
        folders = [each.trial.job.out for each in painted]
        asked = EvalJob(
            folders, job.out / _REPORT, flight=job.flight, brief=True, overwrite=True, command=job.command
        )
        try:
            result = run_eval(asked, note, progress, bridges)
            pictures = dict(zip(folders, sweep_pictures(folders, job.flight, bridges)))
        except KeyboardInterrupt:
            return SweepResult(tuple(tried), len(job.trials), interrupted=True)
        measured = _measured(tried, result, pictures)
        return _written(job, measured, result.scores, asked.command, result.paths)


def _check_there(trials: Sequence[Trial]) -> None:
    """Raise InputError for a scene or a picture that is missing, before hours are spent on the others."""
    for trial in trials:
        for path in (trial.job.scene, *trial.job.styles, *trial.job.references):
            if not path.exists():
                raise InputError(f"{path}: no such file")


def _paint_all(job: SweepJob, progress: _Progress, bridges: Bridges) -> tuple[list[Tried], bool]:
    """What came of the trials, one after the other, and whether the user stopped before the last."""
    tried = list[Tried]()
    for number, trial in enumerate(job.trials):
        progress.begin(number)
        try:
            if _paint(trial.job, job, progress, bridges):
                return tried, True
            tried.append(Tried(trial))
        except KeyboardInterrupt:
            return tried, True
        except Nst3dError as error:
            tried.append(Tried(trial, str(error)))
        except Exception as error:  # another package's, or memory: the other trials may fit
            tried.append(Tried(trial, cut(f"{type(error).__name__}: {error}")))
        progress.begin(number + 1)
    return tried, False


def _paint(trial: Job, job: SweepJob, progress: _Progress, bridges: Bridges) -> bool:
    """Paint what an earlier sweep did not; returns whether the user stopped it."""
    left = _left(trial) if job.resume else "nothing"
    if left == "finished":
        return False
    again = replace(trial, resume=left == "begun", overwrite=job.overwrite or left == "another")
    return run_job(again, [progress], bridges).interrupted


def _left(trial: Job) -> Left:
    """What an earlier sweep left of a trial."""
    begun, finished = trial.out / CONFIG, trial.out / METRICS
    if not begun.is_file():
        return "another" if trial.out.is_dir() else "nothing"
    if begun.read_bytes() != config_of(trial):
        return "another"
    whole = finished.is_file() and finished.stat().st_mtime_ns >= begun.stat().st_mtime_ns
    return "finished" if whole and not (trial.out / CHECKPOINT).exists() else "begun"


class _Progress(Handler):
    """Counts the steps of all paintings, and passes each note on once."""

    def __init__(self, trials: Sequence[Trial], note: Note, count: Count) -> None:
        self._steps = [max(1, trial.job.config.schedule.total) for trial in trials]
        self._count, self._tell = count, note
        self._number, self._told = 0, set[str]()

    def begin(self, number: int) -> None:
        """The trials before `number` are done."""
        self._number = number
        self._count("painting", sum(self._steps[:number]), sum(self._steps))

    def step(self, event: Stepped) -> None:
        """Count a step of the trial at work."""
        share = event.progress.iteration / max(1, event.progress.total)
        done = sum(self._steps[: self._number]) + round(share * self._steps[self._number])
        self._count("painting", done, sum(self._steps))

    def note(self, text: str) -> None:
        """Pass a note on, unless another trial had the same."""
        if text not in self._told:
            self._told.add(text)
            self._tell(text)


def _measured(tried: Sequence[Tried], result: EvalResult, pictures: Mapping[Path, Array]) -> list[Tried]:
    """The trials with their scores and pictures."""
    scores = {score.name: score for score in result.scores.scores}
    names = {each.row.run.path: each.row.name for each in result.judged if each.row.run is not None}
    return [
        replace(each, score=scores.get(names.get(path, "")), picture=pictures.get(path))
        for each in tried
        for path in [each.trial.job.out]
    ]


def _written(
    job: SweepJob, tried: Sequence[Tried], scores: Scores, command: str, paths: Sequence[Path]
) -> SweepResult:
    write_image(job.out / _SHEET, sweep_sheet(tried, scores))
    page = sweep_page(tried, scores, command, str(job.trials[0].job.scene))
    write_bytes(job.out / _PAGE, page.encode())
    written = (job.out / _SHEET, job.out / _PAGE, *(path for path in paths if path.suffix == ".html"))
    return SweepResult(tuple(tried), len(job.trials), sweep_table(tried, scores), written)
