"""nst3d paint: a scene and a style in, the painted asset out."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from nst3d.cli.parse import first_value, parse
from nst3d.cli.reporter import Reporters, TerminalReporter, say
from nst3d.errors import ConfigError
from nst3d.formats.picture import is_picture
from nst3d.integrations.bridges import BRIDGES
from nst3d.pipeline.jobs.paint import run_job
from nst3d.pipeline.jobs.paint_options import Job, Result
from nst3d.pipeline.kinds.kind import Opened
from nst3d.pipeline.kinds.mesh.cleaning import CleanOptions
from nst3d.pipeline.kinds.registry import kind_named, open_path
from nst3d.pipeline.settings.config import (
    DisplaceOptions,
    NerfPaint,
    PaintConfig,
    Renderer,
    Schedule,
    Stage,
    override,
    preset,
)
from nst3d.pipeline.settings.surface import Up

_DESCRIPTION = """Paint a mesh (GLB, glTF, OBJ, PLY, STL), a voxel field, splats, a point cloud, a nerfstudio run or a
picture in the style of an image.

examples:
  nst3d paint teapot.glb --style starry_night.jpg --out painted/
  nst3d paint scan.ply --style wave.jpg --out out/ --preset quick --clean
  nst3d paint field.npz --style wave.jpg --out out/
  nst3d paint splats.ply --style wave.jpg --out out/ --cameras capture/
  nst3d paint outputs/fox/nerfacto/2026-11-22_101010/config.yml --style wave.jpg --out out/
  nst3d paint photo.jpg --style wave.jpg --out out/ --preset gatys
  nst3d paint teapot.glb --style a.jpg --out out/ --settings.recipe.style-scale 1.6

nst3d paint --help-all lists every setting."""


@dataclass(frozen=True)
class PaintArguments:
    """What `nst3d paint` takes."""

    scene: tyro.conf.Positional[Path]
    """The mesh, picture, voxel field, splats or point cloud to paint, a folder that holds one mesh, or a run of
    nerfstudio: its folder, its config.yml or a checkpoint."""
    out: Path
    """Folder for the results."""
    style: tyro.conf.UseAppendAction[tuple[Path, ...]] = ()
    """A style image; given several times, styles are mixed."""
    preset: Annotated[str, tyro.conf.arg(metavar="NAME")] = "default"
    """default, quick, fine, gatys, arf, or a .yaml file with settings. Of a picture default means picture, of a
    voxel field or splats capture."""
    size: int | None = None
    """Finest view (of a picture: its long side), pixels; coarser stages, and those of --displace, keep their
    proportion."""
    iterations: int | None = None
    """Steps of painting in all; the preset's stages keep their shares, and --displace takes fewer or more, too."""
    up: Up | None = None
    """World up: x, y or z; auto: as the format says."""
    renderer: Renderer | None = None
    """What finds what a mesh's views see: embree, or pytorch3d where it is installed (on CUDA if there is a GPU)."""
    cameras: Path | None = None
    """A capture whose cameras paint a voxel field, splats or a nerfacto run. Else: its own, or a rig around splats."""
    dataparser: Annotated[str | None, tyro.conf.arg(metavar="NAME")] = None
    """nerfstudio's dataparser that reads the capture of --cameras, such as blender-data."""
    displace: Annotated[float | None, tyro.conf.arg(metavar="FRACTION")] = None
    """Stylise a mesh's shape, too: vertices move by at most this share of the bounding box' diagonal, e.g. 0.03."""
    clean: tyro.conf.FlagCreatePairsOff[bool] = False
    """Clean a scan first, with Open3D: repair and decimate a mesh, make a mesh of a point cloud."""
    clean_faces: Annotated[int | None, tyro.conf.arg(metavar="N")] = None
    """With --clean: decimate to so many faces; 0: keep all. Else only what is above 500 000 goes."""
    clean_depth: Annotated[int | None, tyro.conf.arg(metavar="N")] = None
    """With --clean: how fine a point cloud's mesh is, octree levels; else as fine as its points lie."""
    data: Path | None = None
    """Where the data of a nerfstudio run is now; without it where the run says."""
    nerf: NerfPaint | None = None
    """How a nerfacto run is painted: native, head or baked."""
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
    opened = None
    if name == "default" and not parsed.clean:
        # What is not there, the job complains of.
        opened = open_path(parsed.scene) if parsed.scene.exists() else None
        own = _own_default(parsed.scene, opened)
        parsed = parsed if own == name else _parsed(arguments, name, own)
    if not parsed.style:
        raise ConfigError("no style: give --style IMAGE")
    config = _adjusted(parsed)
    job = Job(
        parsed.scene,
        parsed.style,
        parsed.out,
        config,
        parsed.overwrite,
        parsed.resume,
        parsed.cameras,
        parsed.dataparser,
        _cleaning(parsed),
        parsed.data,
        opened,
    )
    result = _run(job, parsed)
    return _told(result, parsed)


def _own_default(scene: Path, opened: Opened | None) -> str:
    """The preset that "default" means for a scene; of what is not there the name tells."""
    if opened is not None:
        return opened.kind.preset
    return kind_named("picture" if is_picture(scene) else "mesh").preset


def _parsed(arguments: Sequence[str], name: str, source: str) -> AllArguments:
    """The arguments, where those not given hold what the preset `source` says."""
    base = override(PaintConfig(), preset(source), f"preset {source}")
    default = AllArguments(tyro.MISSING, tyro.MISSING, preset=name, settings=base)
    return parse(default, arguments, "nst3d paint", _DESCRIPTION)


def _cleaning(parsed: PaintArguments) -> CleanOptions | None:
    if parsed.clean:
        return CleanOptions(parsed.clean_faces, parsed.clean_depth)
    if parsed.clean_faces is not None or parsed.clean_depth is not None:
        raise ConfigError("--clean-faces and --clean-depth tell how to clean: give --clean, too")
    return None


def _run(job: Job, parsed: PaintArguments) -> Result:
    if not parsed.tensorboard:
        with TerminalReporter(parsed.quiet) as reporter:
            return run_job(job, reporter, BRIDGES)
    from nst3d.cli.tensorboard import TensorBoardReporter

    with (
        closing(TensorBoardReporter(job.out / "tensorboard")) as log,
        TerminalReporter(parsed.quiet) as reporter,
    ):
        return run_job(job, Reporters(reporter, log), BRIDGES)


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
    keep = config.keep_specular if parsed.keep_specular is None else parsed.keep_specular
    return dataclasses.replace(
        config,
        schedule=_schedule(config.schedule, parsed),
        displace=_shape(config, parsed),
        up=parsed.up or config.up,
        renderer=parsed.renderer or config.renderer,
        nerf=parsed.nerf or config.nerf,
        keep_specular=keep,
    )


def _schedule(schedule: Schedule, parsed: PaintArguments) -> Schedule:
    stages = schedule.stages
    if parsed.size is not None:
        stages = _resized(stages, parsed.size / schedule.finest)
        stages = (*stages[:-1], dataclasses.replace(stages[-1], size=parsed.size))
    seed = schedule.seed if parsed.seed is None else parsed.seed
    schedule = dataclasses.replace(schedule, stages=stages, seed=seed)
    if parsed.iterations is None:
        return schedule
    if parsed.iterations < 1:
        raise ConfigError(f"--iterations {parsed.iterations}: at least 1 is needed")
    return schedule.shared_out(parsed.iterations)


def _shape(config: PaintConfig, parsed: PaintArguments) -> DisplaceOptions:
    """The shape's own steps follow --size and --iterations in proportion."""
    shape, schedule = config.displace, config.schedule
    if parsed.displace is not None:
        if parsed.displace == 0:
            raise ConfigError("--displace 0: moves nothing; give a share such as 0.03, or leave it out")
        shape = dataclasses.replace(shape, fraction=parsed.displace)
    stages = Schedule(shape.stages)
    if parsed.size is not None:
        stages = dataclasses.replace(stages, stages=_resized(stages.stages, parsed.size / schedule.finest))
    if parsed.iterations is not None and schedule.total:
        stages = stages.shared_out(max(1, round(stages.total * parsed.iterations / schedule.total)))
    return dataclasses.replace(shape, stages=stages.stages)


def _resized(stages: tuple[Stage, ...], ratio: float) -> tuple[Stage, ...]:
    return tuple(dataclasses.replace(s, size=max(32, round(s.size * ratio / 16) * 16)) for s in stages)
