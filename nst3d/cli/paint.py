"""nst3d paint: a scene and a style in, the painted asset out."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from nst3d.cli.parse import first_value, parse
from nst3d.cli.reporter import Reporters, TerminalReporter, say
from nst3d.errors import ConfigError
from nst3d.formats.dispatch import is_picture
from nst3d.formats.scene import kind_of
from nst3d.pipeline.config import PaintConfig, Stage, override, preset
from nst3d.pipeline.job import Job, Result, run_job
from nst3d.pipeline.mesh_scene import Up

_DESCRIPTION = """Paint a mesh (GLB, glTF, OBJ, PLY, STL), a voxel field, splats or a picture in the style of an image.

examples:
  nst3d paint teapot.glb --style starry_night.jpg --out painted/
  nst3d paint scan.ply --style wave.jpg --out out/ --preset quick
  nst3d paint field.npz --style wave.jpg --out out/
  nst3d paint splats.ply --style wave.jpg --out out/ --cameras capture/
  nst3d paint photo.jpg --style wave.jpg --out out/ --preset gatys
  nst3d paint teapot.glb --style a.jpg --out out/ --settings.recipe.style-scale 1.6

nst3d paint --help-all lists every setting."""

_DEFAULTS = {"picture": "picture", "field": "capture", "splats": "capture"}
"""Kind of scene to the preset that "default" means for it."""


@dataclass(frozen=True)
class PaintArguments:
    """What `nst3d paint` takes."""

    scene: tyro.conf.Positional[Path]
    """The mesh, picture, voxel field or splats to paint, or a folder that holds one mesh."""
    out: Path
    """Folder for the results."""
    style: tyro.conf.UseAppendAction[tuple[Path, ...]] = ()
    """A style image; given several times, styles are mixed."""
    preset: Annotated[str, tyro.conf.arg(metavar="NAME")] = "default"
    """default, quick, fine, gatys, arf, or a .yaml file with settings. Of a picture default means picture, of a
    voxel field or splats capture."""
    size: int | None = None
    """Finest view (of a picture: its long side), pixels; coarser stages keep their proportion."""
    iterations: int | None = None
    """Steps in all; the preset's stages keep their shares."""
    up: Up | None = None
    """World up: x, y or z; auto: as the format says."""
    cameras: Path | None = None
    """A capture whose cameras paint a voxel field or splats. Else: the field's own, or a rig around splats."""
    keep_specular: Annotated[float | None, tyro.conf.arg(metavar="0..1")] = None
    """How much of a capture's own view-dependence stays on top of the paint."""
    seed: int | None = None
    """Of everything random."""
    quiet: tyro.conf.FlagCreatePairsOff[bool] = False
    """No progress."""
    overwrite: tyro.conf.FlagCreatePairsOff[bool] = False
    """Write into a folder that is not empty."""
    resume: tyro.conf.FlagCreatePairsOff[bool] = False
    """Go on where an interrupted run stopped; give the same scene, style and settings again."""
    tensorboard: tyro.conf.FlagCreatePairsOff[bool] = False
    """Log losses into OUT/tensorboard."""


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
    parsed = _parsed(arguments, name, name)
    if name == "default" and (own := _own_default(parsed.scene)) is not None:
        parsed = _parsed(arguments, name, own)
    if not parsed.style:
        raise ConfigError("no style: give --style IMAGE")
    config = _adjusted(parsed)
    job = Job(parsed.scene, parsed.style, parsed.out, config, parsed.overwrite, parsed.resume, parsed.cameras)
    result = _run(job, parsed)
    return _told(result, parsed)


def _own_default(scene: Path) -> str | None:
    """The preset that "default" means for a scene; of what is not there the name tells, and the job complains."""
    kind = kind_of(scene) if scene.exists() else "picture" if is_picture(scene) else "mesh"
    return _DEFAULTS.get(kind)


def _parsed(arguments: Sequence[str], name: str, source: str) -> AllArguments:
    """The arguments, where those not given hold what the preset `source` says."""
    base = override(PaintConfig(), preset(source), f"preset {source}")
    default = AllArguments(tyro.MISSING, tyro.MISSING, preset=name, settings=base)
    return parse(default, arguments, "nst3d paint", _DESCRIPTION)


def _run(job: Job, parsed: PaintArguments) -> Result:
    if not parsed.tensorboard:
        with TerminalReporter(parsed.quiet) as reporter:
            return run_job(job, reporter)
    from nst3d.cli.tensorboard import TensorBoardReporter

    with (
        closing(TensorBoardReporter(job.out / "tensorboard")) as log,
        TerminalReporter(parsed.quiet) as reporter,
    ):
        return run_job(job, Reporters(reporter, log))


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
        stages = _shared_out(stages, parsed.iterations)
    seed = schedule.seed if parsed.seed is None else parsed.seed
    schedule = dataclasses.replace(schedule, stages=stages, seed=seed)
    keep = config.keep_specular if parsed.keep_specular is None else parsed.keep_specular
    return dataclasses.replace(config, schedule=schedule, up=parsed.up or config.up, keep_specular=keep)


def _shared_out(stages: tuple[Stage, ...], total: int) -> tuple[Stage, ...]:
    """The stages with `total` iterations in all, shared as they were."""
    if total < 1:
        raise ConfigError(f"--iterations {total}: at least 1 is needed")
    ends = list(itertools.accumulate(s.epochs or s.iterations for s in stages))
    steps = [round(end * total / max(ends[-1], 1e-9)) for end in ends]
    counts = [after - before for before, after in zip([0, *steps], steps)]
    return tuple(dataclasses.replace(s, iterations=n, epochs=0.0) for s, n in zip(stages, counts))


def _resized(stage: Stage, size: int) -> Stage:
    return dataclasses.replace(stage, size=size)
