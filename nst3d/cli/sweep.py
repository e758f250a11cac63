"""nst3d sweep: paint a scene small in many settings, and see which to keep."""

from __future__ import annotations

import contextlib
import io
import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import tyro

from nst3d.bounds import Within, bounded_fields, check_value
from nst3d.cli.paint import Asked, asked_for
from nst3d.cli.parse import first_value, parse
from nst3d.cli.sweep_grid import MOST, Axis, combinations, read_grid, words_for
from nst3d.cli.terminal import StageBar, note, say
from nst3d.errors import ConfigError
from nst3d.integrations.bridges import BRIDGES
from nst3d.pipeline.jobs.sweep import Count, SweepJob, SweepResult, run_sweep
from nst3d.pipeline.jobs.trials import Trial, folder_names
from nst3d.pipeline.settings.config import PaintConfig

_PROGRAM = "nst3d sweep"
_GRID = "--grid"
_SHOWN = 50
"""Combinations between two counts of those whose settings are checked, which takes a twentieth of a second each."""
_VALUED = ("--out", "--size", "--iterations", "--most")
_SWITCHES = ("--quiet", "--overwrite", "--resume")
_DESCRIPTION = """Paint a scene small in all combinations of some settings, measure them together as nst3d eval does,
and draw a contact sheet with the numbers under each. The command that paints the best in full is printed, and those of
all others are in sweep.md. Every other option of nst3d paint (see its --help) is taken, too, and holds for all.

examples:
  nst3d sweep house.glb --style wave.jpg --grid stroke=0.7,1.2,2 content=0.1,0.3 --out sweep/
  nst3d sweep house.glb --grid style=wave.jpg,scream.jpg preset=quick,default --out sweep/
  nst3d sweep field.npz --style wave.jpg --grid recipe.style_scale=0.8,1.6 --out sweep/ --size 128 --iterations 30
  nst3d sweep house.glb --style wave.jpg --grid "preset=impasto|quick,mosaic" --region material:roof --out sweep/"""


@dataclass(frozen=True)
class SweepArguments:
    """Arguments of `nst3d sweep`; the others are those of nst3d paint."""

    scene: tyro.conf.Positional[Annotated[Path, tyro.conf.arg(metavar="SCENE")]]
    """Scene to paint, of any kind that nst3d paint takes."""
    out: Annotated[Path, tyro.conf.arg(metavar="FOLDER")]
    """Folder for sweep.png, sweep.md, the report and the small paintings."""
    style: tyro.conf.UseAppendAction[Annotated[tuple[Path, ...], tyro.conf.arg(metavar="IMAGE")]] = ()
    """Style image, as for nst3d paint. (required, unless the grid has style)"""
    grid: tyro.conf.UseAppendAction[
        Annotated[tuple[str, ...], tyro.conf.arg(metavar="NAME=VALUE,VALUE,... [NAME=...]")]
    ] = ()
    """What is varied: options of nst3d paint (stroke, size, preset, colour, start, style, ...), terms (content, gram,
    nnfm, nnfm.agree, ...) and settings with dots (recipe.style_scale). Values with commas in
    them are separated by |. (required)"""
    size: Annotated[int, tyro.conf.arg(metavar="PIXELS")] = 192
    """Size of the finest views of the small paintings, which the printed commands leave out."""
    iterations: Annotated[int, tyro.conf.arg(metavar="N")] = 60
    """Painting steps of the small paintings, which the printed commands leave out."""
    most: Annotated[int, tyro.conf.arg(metavar="N")] = 64
    """Largest number of combinations that is accepted, up to 1000."""
    overwrite: tyro.conf.FlagCreatePairsOff[bool] = False
    """Write into a folder that is not empty, and paint all of it again."""
    resume: tyro.conf.FlagCreatePairsOff[bool] = False
    """Continue an interrupted sweep: paintings that are finished, with the same settings, are kept."""
    quiet: tyro.conf.FlagCreatePairsOff[bool] = False
    """No progress bar, and no table."""


def sweep(arguments: Sequence[str]) -> int:
    """Run the command; returns the exit code."""
    if {"-h", "--help", "--help-all"} & set(arguments):
        parse(SweepArguments(tyro.MISSING, tyro.MISSING), ["--help"], _PROGRAM, _DESCRIPTION)
    own, grid, rest = parted(arguments)
    given = parse(SweepArguments(Path(), tyro.MISSING), [".", *own], _PROGRAM, _DESCRIPTION)
    axes = read_grid(grid)
    _check_apart(axes, rest)
    check_value("--most", given.most, Annotated[int, Within(1, MOST)])
    chosen = combinations(axes, given.most)
    with StageBar(given.quiet) as bar:
        trials = _trials(given, axes, chosen, rest, bar.count)
        job = SweepJob(trials, given.out, given.resume, given.overwrite)
        job = replace(job, command=_in_full(job))
        if not given.quiet:
            note(f"{len(chosen)} combinations of {', '.join(axis.name for axis in axes)}")
        result = run_sweep(job, bar.note, bar.count, BRIDGES)
    return _told(result, given)


def parted(arguments: Sequence[str]) -> tuple[list[str], list[str], list[str]]:
    """The sweep's own options, the words of its grid, and the rest, which nst3d paint understands."""
    own, grid, rest, given = list[str](), list[str](), list[str](), list(arguments)
    while given:
        word = given.pop(0)
        name, equals, value = word.partition("=")
        if name == _GRID:
            texts = [value] if equals else given[:1]
            given = given if equals else given[1:]
            while given and re.match(r"\w[\w.-]*=", given[0]):
                texts.append(given.pop(0))
            grid += texts
        elif name in _VALUED and not equals and given:
            own += [word, given.pop(0)]
        elif name in (*_VALUED, *_SWITCHES):
            own.append(word)
        else:
            rest.append(word)
    return own, grid, rest


def _check_apart(axes: Sequence[Axis], rest: Sequence[str]) -> None:
    for axis in axes:
        if axis.is_in(rest):
            raise ConfigError(f"{axis.name} is in the grid and given for all as well: leave out one of them")


def _trials(
    given: SweepArguments,
    axes: Sequence[Axis],
    chosen: Sequence[Mapping[str, str]],
    rest: Sequence[str],
    count: Count,
) -> tuple[Trial, ...]:
    """All combinations, each with the job that paints it small and the command that paints it in full."""
    bare = [*rest, "--out", str(given.out)]
    if any(axis.flag == "--style" for axis in axes):
        bare += ["--style", str(given.out)]
    trials = []
    for number, (values, name) in enumerate(zip(chosen, folder_names(chosen))):
        if number and number % _SHOWN == 0:
            count("checking settings", number, len(chosen))
        words = [*rest, *words_for(axes, values)]
        try:
            job = _asked([*_small(given, words), *words, "--out", str(given.out / "runs" / name)]).job
        except (ConfigError, SystemExit) as error:
            asked_for([*_small(given, rest), *bare], _PROGRAM)  # wrong without the grid as well: it says how
            raise ConfigError(
                _blamed(given, axes, values, bare) or f"--grid {_in_words(values)}: {error}"
            ) from None
        full = ["nst3d", "paint", *words, "--out", str(given.out / "full" / name)]
        trials.append(Trial(values, job, shlex.join(full)))
    return tuple(trials)


def _blamed(
    given: SweepArguments, axes: Sequence[Axis], values: Mapping[str, str], bare: Sequence[str]
) -> str | None:
    """What is wrong with the first value that is wrong by itself; None if all of them are right alone."""
    for axis in axes:
        words = [*bare, *axis.words(values[axis.name])]
        try:
            _asked([*_small(given, words), *words])
        except (ConfigError, SystemExit) as error:
            return f"--grid {axis.name}={values[axis.name]}: {error}"
    return None


def _in_words(values: Mapping[str, str]) -> str:
    return " ".join(f"{name}={value}" for name, value in values.items())


def _small(given: SweepArguments, words: Sequence[str]) -> list[str]:
    """Options that make a painting small: the first of each counts least, so that a grid can have its own."""
    small = ["--settings.output.no-turntable"]
    if first_value(words, "--size") is None:
        small += ["--size", str(given.size)]
    if first_value(words, "--iterations") is None and first_value(words, "--method") != "instant":
        small += ["--iterations", str(given.iterations)]
    return small


def _asked(arguments: Sequence[str]) -> Asked:
    """What arguments of nst3d paint ask for; wrong ones raise SystemExit with one line instead of printing many."""
    printed = io.StringIO()
    try:
        with contextlib.redirect_stderr(printed):
            return asked_for(arguments, _PROGRAM)
    except SystemExit:
        lines = [line.strip("│ ") for line in printed.getvalue().splitlines()[1:]]
        end = next((k for k, line in enumerate(lines) if line.startswith("─")), len(lines))
        raise SystemExit(_worded(" ".join(lines[:end])) or "is not understood") from None


def _worded(text: str) -> str:
    """What tyro says of a value that is no number, in this program's words, with the bounds where they are known."""
    parsed = re.match(
        r"Error parsing --(\S+): (?:could not convert string to float|invalid literal for int)", text
    )
    if parsed is None:
        return text
    name = parsed[1].removeprefix("settings.").replace("-", "_")
    bounds = dict(bounded_fields(PaintConfig())).get(name)
    kind = "a whole number" if "int" in parsed[0] else "a number"
    return f"expected {kind}" if bounds is None else f"expected {bounds}"


def _in_full(job: SweepJob) -> str:
    """The command that measures everything of the small paintings."""
    runs = [str(trial.job.out) for trial in job.trials]
    report = ["--out", str(job.out / "full_report"), "--size", str(job.flight.size)]
    return shlex.join(["nst3d", "eval", *runs, *report])


def _told(result: SweepResult, given: SweepArguments) -> int:
    """Print what came of it; returns the exit code."""
    if result.interrupted:
        say(
            f"stopped early: {result.finished} of {result.total} paintings are finished; run the same command with"
            f" --resume to continue ({given.out} is kept)"
        )
        return 130
    if not given.quiet:
        say(result.table)
    for line in result.failures:
        say(f"failed: {line}")
    for path in result.paths:
        say(str(path))
    if result.best is not None:
        say(f"best: {result.best.label}; to paint it in full:\n  {result.best.command}")
    say(f"the commands of {'all others' if result.best else 'all'} are in {given.out / 'sweep.md'}")
    return 0
