"""nst3d eval: measure finished runs, and write a report."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro

from nst3d.cli.parse import parse
from nst3d.cli.terminal import CountBar, say
from nst3d.errors import ConfigError
from nst3d.integrations.bridges import BRIDGES
from nst3d.pipeline.evaluation.flight import FlightOptions
from nst3d.pipeline.jobs.evaluate import EvalJob, FlowName, run_eval

_USUAL = FlightOptions()
_DESCRIPTION = """Measure how good finished paintings are: steadiness from frame to frame, closeness to the style,
what is left of the scene, and cost; and write a report. All is seen by cameras that painting did not use, beside
the unpainted scene and two decoys.

examples:
  nst3d eval painted/ --out report/
  nst3d eval wave/ scream/ --out report/ --gaps 1 7 15
  nst3d eval thin/ thick/ --baseline default/ --out report/
  nst3d eval painted/ --out report/ --protocol stylos"""


@dataclass(frozen=True)
class EvalArguments:
    """Arguments of `nst3d eval`."""

    runs: tyro.conf.Positional[Annotated[tuple[Path, ...], tyro.conf.arg(metavar="RUN [RUN ...]")]]
    """Folders of finished runs of one scene, by nst3d paint or nst3d video. (required)"""
    out: Annotated[Path, tyro.conf.arg(metavar="FOLDER")]
    """Folder for report.html, table.md and metrics.json. (required)"""
    baseline: Annotated[Path | None, tyro.conf.arg(metavar="RUN")] = None
    """Run that the others are compared with, view by view: what differs by more than chance is listed."""
    size: Annotated[int, tyro.conf.arg(metavar="PIXELS")] = _USUAL.size
    """Long side of the frames that are measured."""
    frames: Annotated[int, tyro.conf.arg(metavar="N")] = _USUAL.frames
    """Number of frames of the whole flight, which says how far apart two of them are."""
    clip: Annotated[int, tyro.conf.arg(metavar="N")] = _USUAL.clip
    """Number of successive frames whose steadiness is measured."""
    views: Annotated[int, tyro.conf.arg(metavar="N")] = _USUAL.views
    """Number of frames, all over the flight, that are compared with style and scene."""
    gaps: Annotated[tuple[int, ...], tyro.conf.arg(metavar="N...")] = _USUAL.gaps
    """Distances, in frames, of those that are compared with each other."""
    path: Annotated[str, tyro.conf.arg(metavar="auto|orbit|spiral|inside|cameras|FILE")] = _USUAL.path
    """Camera path, as for nst3d render."""
    flow: FlowName = "auto"
    """How motion is found: raft-large, raft-small or dis (OpenCV); auto is RAFT if its weights are here."""
    protocol: Literal["both", "stylos"] = "both"
    """both: by geometry and by optical flow; stylos adds the protocol that newer papers copy, quirks included."""
    overwrite: tyro.conf.FlagCreatePairsOff[bool] = False
    """Write into a folder that is not empty."""
    quiet: tyro.conf.FlagCreatePairsOff[bool] = False
    """No progress bar, and no table."""


def eval(arguments: Sequence[str]) -> int:
    """Run the command; returns the exit code."""
    given = parse(EvalArguments(tyro.MISSING, tyro.MISSING), arguments, "nst3d eval", _DESCRIPTION)
    if not given.runs:
        raise ConfigError("no run: give the folder of a finished nst3d paint or nst3d video")
    flight = FlightOptions(given.size, given.frames, given.clip, given.views, given.gaps, given.path)
    job = EvalJob(
        given.runs,
        given.out,
        given.baseline,
        flight,
        given.flow,
        given.protocol == "stylos",
        given.overwrite,
        command=shlex.join(["nst3d", "eval", *arguments]),
    )
    evaluate(job, given.quiet)
    return 0


def evaluate(job: EvalJob, quiet: bool) -> None:
    """Run a job with a progress bar, and print its table and what it wrote."""
    with CountBar("evaluating", quiet) as bar:
        result = run_eval(job, bar.note, lambda what, done, total: bar.count(done, total), BRIDGES)
    if not quiet:
        say(result.table)
    for path in result.paths:
        say(str(path))
