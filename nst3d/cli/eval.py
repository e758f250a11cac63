"""nst3d eval: measure finished runs, and write a report."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Annotated, Literal

import tyro

from nst3d.cli.parse import parse
from nst3d.cli.terminal import CountBar, say
from nst3d.errors import ConfigError
from nst3d.integrations.bridges import BRIDGES
from nst3d.pipeline.evaluation.flight import FlightOptions
from nst3d.pipeline.evaluation.votes import Tally
from nst3d.pipeline.jobs.compare_pairs import PairsJob, count_votes, write_pairs
from nst3d.pipeline.jobs.evaluate import EvalJob, FlowName, run_eval

_USUAL = FlightOptions()
_DESCRIPTION = """Measure how good finished paintings are: steadiness from frame to frame, closeness to the style,
what is left of the scene, and cost; and write a report. All is seen by cameras that painting did not use, beside
the unpainted scene and two decoys. With --pairs, people measure: a page shows views of two runs side by side without
saying which is which, and --votes counts what was chosen on it.

examples:
  nst3d eval painted/ --out report/
  nst3d eval wave/ scream/ --out report/ --gaps 1 7 15
  nst3d eval thin/ thick/ --baseline default/ --out report/
  nst3d eval painted/ --out report/ --protocol stylos
  nst3d eval --pairs wave/ scream/ --out pairs/ --views 20 --size 768
  nst3d eval --pairs wave/ scream/ --votes votes.json"""


@dataclass(frozen=True)
class EvalArguments:
    """Arguments of `nst3d eval`."""

    runs: tyro.conf.Positional[Annotated[tuple[Path, ...], tyro.conf.arg(metavar="[RUN ...]")]] = ()
    """Folders of finished runs of one scene, by nst3d paint or nst3d video."""
    out: Annotated[Path | None, tyro.conf.arg(metavar="FOLDER")] = None
    """Folder for report.html, table.md and metrics.json, or for pairs.html. (required, but not with --votes)"""
    baseline: Annotated[Path | None, tyro.conf.arg(metavar="RUN")] = None
    """Run that the others are compared with, view by view: what differs by more than chance is listed."""
    pairs: Annotated[tuple[Path, Path] | None, tyro.conf.arg(metavar="RUN RUN")] = None
    """Two runs to choose between, instead of a report: writes pairs.html, which shows --views of both, sides at
    random, and keeps the votes."""
    votes: Annotated[tuple[Path, ...], tyro.conf.arg(metavar="FILE...")] = ()
    """Files saved by that page, one a person: counts their votes on the runs of --pairs, with a sign test."""
    seed: Annotated[int, tyro.conf.arg(metavar="N")] = 0
    """Random seed of the order and the sides of --pairs."""
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
    text: Annotated[str, tyro.conf.arg(metavar="WORDS")] = ""
    """What the paintings should look like, such as "a charcoal drawing": CLIP says how near they are, if its weights
    are here."""
    source_text: Annotated[str, tyro.conf.arg(metavar="WORDS")] = "a photo"
    """What the unpainted scene looks like, from which the change towards --text is measured."""
    overwrite: tyro.conf.FlagCreatePairsOff[bool] = False
    """Write into a folder that is not empty."""
    quiet: tyro.conf.FlagCreatePairsOff[bool] = False
    """No progress bar, and no table."""


def eval(arguments: Sequence[str]) -> int:
    """Run the command; returns the exit code."""
    given = parse(EvalArguments(), arguments, "nst3d eval", _DESCRIPTION)
    if given.pairs is None:
        if given.votes or given.seed:
            raise ConfigError("`votes` and `seed` belong to `pairs`: give the two runs there")
        evaluate(_job(given, shlex.join(["nst3d", "eval", *arguments])), given.quiet)
    elif given.votes:
        say(_counted(given, given.pairs).text)
    else:
        with CountBar("rendering pairs", given.quiet) as bar:
            job = _pairs(given, given.pairs)
            path = write_pairs(job, bar.note, lambda what, done, total: bar.count(done, total), BRIDGES)
        say(str(path))
    return 0


def _job(given: EvalArguments, command: str) -> EvalJob:
    """The evaluation that is asked for. ConfigError without runs or a folder."""
    if not given.runs:
        raise ConfigError("no run: give the folder of a finished nst3d paint or nst3d video")
    if given.source_text != EvalArguments().source_text and not given.text:
        raise ConfigError("`source_text` says where the change towards `text` begins: give that, too")
    return EvalJob(
        given.runs,
        _out(given),
        given.baseline,
        _flight(given),
        given.flow,
        given.protocol == "stylos",
        False,
        given.text,
        given.source_text,
        given.overwrite,
        command,
    )


def _pairs(given: EvalArguments, runs: tuple[Path, Path]) -> PairsJob:
    """The page that is asked for. ConfigError for options that change nothing on it."""
    usual = EvalArguments()
    for name in ("runs", "baseline", "clip", "gaps", "flow", "protocol", "text", "source_text"):
        if getattr(given, name) != getattr(usual, name):
            raise ConfigError(f"`{name}` changes nothing with `pairs`, which shows two runs to people")
    flight = _flight(replace(given, gaps=(1,)))
    return PairsJob(runs, _out(given), flight, given.seed, given.overwrite)


def _counted(given: EvalArguments, runs: tuple[Path, Path]) -> Tally:
    """The votes that are asked for. ConfigError for options that change nothing in their count."""
    usual = replace(EvalArguments(), pairs=given.pairs, votes=given.votes, quiet=given.quiet)
    for own in fields(EvalArguments):
        if getattr(given, own.name) != getattr(usual, own.name):
            raise ConfigError(f"`{own.name}` changes nothing with `votes`, which are counted as they are")
    return count_votes(runs, given.votes)


def _out(given: EvalArguments) -> Path:
    if given.out is None:
        raise ConfigError("no folder for the result: give `out`")
    return given.out


def _flight(given: EvalArguments) -> FlightOptions:
    return FlightOptions(given.size, given.frames, given.clip, given.views, given.gaps, given.path)


def evaluate(job: EvalJob, quiet: bool) -> None:
    """Run a job with a progress bar, and print its table and what it wrote."""
    with CountBar("evaluating", quiet) as bar:
        result = run_eval(job, bar.note, lambda what, done, total: bar.count(done, total), BRIDGES)
    if not quiet:
        say(result.table)
    for path in result.paths:
        say(str(path))
