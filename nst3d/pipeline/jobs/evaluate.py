"""Evaluates finished runs: metrics.json, a table and a report of how good their paintings are."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from nst3d.errors import ConfigError
from nst3d.files import OptionalPathField, PathField, PathsField, write_bytes
from nst3d.flow.choose import FlowName as FlowName
from nst3d.metrics.decoys import blurred_decoy, flat_decoy
from nst3d.pipeline.evaluation.changes import Changes, changes_from
from nst3d.pipeline.evaluation.evidence import Take
from nst3d.pipeline.evaluation.flight import FlightOptions
from nst3d.pipeline.evaluation.measures import Measures
from nst3d.pipeline.evaluation.records import markdown, plain
from nst3d.pipeline.evaluation.report.pages import page_of
from nst3d.pipeline.evaluation.rows import Judged, Prompt, Row
from nst3d.pipeline.evaluation.run_folder import RunFolder, read_run, words_of
from nst3d.pipeline.evaluation.scores import Scores, scores_of
from nst3d.pipeline.evaluation.tools import Tools
from nst3d.pipeline.jobs.takes import check_same_scene, names_of_runs, takes_of_runs
from nst3d.pipeline.kinds.bridges import ALONE, Bridges, Note
from nst3d.pipeline.runtime.events import Events
from nst3d.pipeline.runtime.machine import made_in_words, made_with
from nst3d.pipeline.runtime.out_folder import claimed_folder
from nst3d.pipeline.settings.overrides import as_plain
from nst3d.pipeline.styles import read_style

Count = Callable[[str, int, int], None]
_METRICS, _TABLE, _REPORT = "metrics.json", "table.md", "report.html"
_BLURRED, _FLAT = "decoy: blurred", "decoy: one colour"


@dataclass(frozen=True)
class EvalJob:
    """Runs to evaluate, how, and where to."""

    runs: PathsField = PathsField()
    """Folders of finished runs of one scene."""
    out: PathField = PathField()
    """Folder for metrics.json, table.md and report.html."""
    baseline: OptionalPathField = OptionalPathField()
    """A run that the others are compared with, view by view; it need not be among them."""
    flight: FlightOptions = field(default_factory=FlightOptions)
    flow: FlowName = "auto"
    """How motion is found; auto: RAFT if its weights are here, otherwise OpenCV's DIS."""
    as_stylos: bool = False
    """Whether the protocol that newer papers copy is measured, too."""
    brief: bool = False
    """Measure only what the score is made of."""
    text: str = ""
    """What the paintings should look like, in words that CLIP compares them with; empty: those of the first run that
    was painted by words."""
    source_text: str = "a photo"
    """What the unpainted scene looks like, in words."""
    overwrite: bool = False
    """Write into a folder that is not empty."""
    command: str = ""
    """What the report says to repeat it by, such as a command line."""

    @property
    def folders(self) -> tuple[Path, ...]:
        """All runs, the baseline first if it is not among the others."""
        if self.baseline is None or self.baseline.resolve() in {run.resolve() for run in self.runs}:
            return self.runs
        return (self.baseline, *self.runs)


@dataclass(frozen=True)
class EvalResult:
    """The result of an evaluation."""

    paths: tuple[Path, ...]
    judged: tuple[Judged, ...]
    scores: Scores
    table: str
    """The table in Markdown."""


def run_eval(
    job: EvalJob,
    note: Note = lambda text: None,
    progress: Count = lambda what, done, total: None,
    bridges: Bridges = ALONE,
) -> EvalResult:
    """Measure runs of one scene beside the unpainted scene and two decoys, and write the report.

    All are seen by cameras that painting did not use. Raises InputError for a folder that is no finished run,
    ConfigError for runs of different scenes, OutputError if the result cannot be written.
    """
    if not job.runs:
        raise ConfigError("no run: give the folder of a finished nst3d paint or nst3d video")
    runs = [read_run(folder) for folder in job.folders]
    check_same_scene(runs)
    names = names_of_runs(runs)
    if job.out.resolve() in {run.path.resolve() for run in runs}:
        raise ConfigError(
            f"{job.out}: is a run, whose own metrics.json would be replaced; give another `out`"
        )
    with claimed_folder(job.out, job.overwrite, []):
        takes = takes_of_runs(
            runs, job.flight, note, lambda done, total: progress("rendering", done, total), bridges
        )
        text = job.text or next(filter(None, (words_of(run.config) for run in runs)), "")
        prompt = Prompt(text, job.source_text) if text else None
        rows = [replace(row, prompt=prompt) for row in rows_of(runs, takes, names)]
        tools = Tools({run.encoder for run in runs}, job.flow)
        measures = Measures(tools, job.flight, runs, job.as_stylos, job.brief)
        judged = []
        for number, row in enumerate(rows):
            progress("measuring", number, len(rows))
            judged.append(Judged(row, list(measures.of(row))))
        progress("measuring", len(rows), len(rows))
        return _written(job, judged)


def rows_of(runs: Sequence[RunFolder], takes: Sequence[Take], names: Sequence[str]) -> list[Row]:
    """The unpainted scene, the runs by their names, and the decoys of the first run."""
    unpainted, *painted = takes
    styles = [[read_style(path, Events()) for path in run.styles] for run in runs]
    rows = [Row("unpainted", "unpainted", unpainted, unpainted, styles[0], file=runs[0].scene)]
    for run, name, take, wanted in zip(runs, names, painted, styles):
        rows.append(Row(name, "run", take, unpainted, wanted, run, file=run.painted))
    blurred, flat = painted[0].showing(blurred_decoy), painted[0].showing(flat_decoy)
    rows.append(Row(_BLURRED, "decoy", blurred, unpainted, styles[0]))
    rows.append(Row(_FLAT, "decoy", flat, unpainted, styles[0]))
    return rows


def _changes(job: EvalJob, judged: Sequence[Judged]) -> Changes | None:
    """How the other runs differ from the baseline; None without one."""
    if job.baseline is None:
        return None
    runs = [each.row for each in judged if each.row.run is not None]
    wanted = job.baseline.resolve()
    name = next(row.name for row in runs if row.run is not None and row.run.path.resolve() == wanted)
    return changes_from(judged, name)


def _written(job: EvalJob, judged: Sequence[Judged]) -> EvalResult:
    about = made_with()
    record: dict[str, Any] = {
        **about,
        "command": job.command,
        "protocol": as_plain(job.flight)
        | {
            "stylos": job.as_stylos,
            "brief": job.brief,
            "text": job.text,
            "source_text": job.source_text,
        },
        "rows": plain(judged),
    }
    scores = scores_of(judged)
    record["scores"] = as_plain(scores)
    table = markdown(judged, scores)
    changes = _changes(job, judged)
    if changes is not None:
        record["baseline"], record["differences"] = changes.baseline, changes.plain
        table += "\n" + changes.table
    told = {"frames": f"{job.flight.size} pixels"}
    pages = page_of(judged, scores, changes, job.command, made_in_words(about) | told)
    contents = {
        _METRICS: json.dumps(record, indent=2) + "\n",
        _TABLE: table,
        _REPORT: pages,
    }
    paths = []
    for name, text in contents.items():
        write_bytes(job.out / name, text.encode())
        paths.append(job.out / name)
    return EvalResult(tuple(paths), tuple(judged), scores, table)
