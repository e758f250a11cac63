"""nst3d paint: a scene and a style in, the painted asset out."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from nst3d.cli.parse import first_value, parse
from nst3d.cli.reporter import TerminalReporter, say
from nst3d.errors import ConfigError
from nst3d.pipeline.config import PaintConfig, override, preset
from nst3d.pipeline.job import Job, Result, run_job
from nst3d.stylize.schedule import Stage

_DESCRIPTION = """Paint a mesh (GLB, glTF, OBJ, PLY, STL) or a picture in the style of an image.

examples:
  nst3d paint teapot.glb --style starry_night.jpg --out painted/
  nst3d paint scan.ply --style wave.jpg --out out/ --preset quick
  nst3d paint photo.jpg --style wave.jpg --out out/ --preset gatys
  nst3d paint teapot.glb --style a.jpg --out out/ --settings.recipe.style-scale 1.6

nst3d paint --help-all lists every setting."""


@dataclass(frozen=True)
class PaintArguments:
    """What `nst3d paint` takes."""

    scene: tyro.conf.Positional[Path]
    """The mesh or picture to paint, or a folder that holds one mesh."""
    out: Path
    """Folder for the results."""
    style: tyro.conf.UseAppendAction[tuple[Path, ...]] = ()
    """A style image; given several times, styles are mixed."""
    preset: Annotated[str, tyro.conf.arg(metavar="NAME")] = "default"
    """default, quick, fine, gatys, arf, or a .yaml file with settings."""
    size: int | None = None
    """Finest view (of a picture: its long side), pixels; coarser stages keep their proportion."""
    iterations: int | None = None
    """Steps in all; the preset's stages keep their shares."""
    seed: int | None = None
    """Of everything random."""
    quiet: tyro.conf.FlagCreatePairsOff[bool] = False
    """No progress."""
    overwrite: tyro.conf.FlagCreatePairsOff[bool] = False
    """Write into a folder that is not empty."""
    resume: tyro.conf.FlagCreatePairsOff[bool] = False
    """Go on where an interrupted run stopped; give the same scene, style and settings again."""


@dataclass(frozen=True)
class AllArguments(PaintArguments):
    """The same with every setting."""

    settings: PaintConfig = dataclasses.field(default_factory=PaintConfig)


def paint(arguments: Sequence[str]) -> int:
    """Run the command; returns the exit code."""
    if {"-h", "--help"} & set(arguments):
        parse(PaintArguments(tyro.MISSING, tyro.MISSING), ["--help"], "nst3d paint", _DESCRIPTION)
    arguments = ["--help" if a == "--help-all" else a for a in arguments]
    name = first_value(arguments, "--preset") or "default"
    base = override(PaintConfig(), preset(name), f"preset {name}")
    default = AllArguments(tyro.MISSING, tyro.MISSING, preset=name, settings=base)
    parsed = parse(default, arguments, "nst3d paint", _DESCRIPTION)
    if not parsed.style:
        raise ConfigError("no style: give --style IMAGE")
    job = Job(parsed.scene, parsed.style, parsed.out, _adjusted(parsed), parsed.overwrite, parsed.resume)
    with TerminalReporter(parsed.quiet) as reporter:
        result = run_job(job, reporter)
    return _told(result, parsed)


def _told(result: Result, parsed: PaintArguments) -> int:
    for path in result.paths:
        say(str(path))
    if result.interrupted:
        say(f"stopped early; to go on, give the same command with --resume (keeps {parsed.out})")
        return 130
    return 0


def _adjusted(parsed: AllArguments) -> PaintConfig:
    """The settings with the short options put in."""
    config = parsed.settings
    schedule = config.schedule
    stages = schedule.stages
    if parsed.size is not None:
        ratio = parsed.size / schedule.finest
        stages = tuple(_resized(s, max(32, round(s.size * ratio / 16) * 16)) for s in stages)
        stages = (*stages[:-1], _resized(stages[-1], parsed.size))
    if parsed.iterations is not None:
        ratio = parsed.iterations / max(schedule.total, 1)
        stages = tuple(dataclasses.replace(s, iterations=max(1, round(s.iterations * ratio))) for s in stages)
    seed = schedule.seed if parsed.seed is None else parsed.seed
    return dataclasses.replace(config, schedule=dataclasses.replace(schedule, stages=stages, seed=seed))


def _resized(stage: Stage, size: int) -> Stage:
    return dataclasses.replace(stage, size=size)
