"""nst3d paint: paint a scene in a style and save the asset."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path

import tyro

from nst3d.cli.eval import evaluate
from nst3d.cli.pace import as_before, paced
from nst3d.cli.paint_arguments import STARTS, AllArguments, PaintArguments, adjusted, styled
from nst3d.cli.parse import first_value, parse
from nst3d.cli.terminal import PaintBar, say, summarise
from nst3d.errors import ConfigError
from nst3d.formats.picture import is_picture
from nst3d.integrations.bridges import BRIDGES
from nst3d.pipeline.jobs.evaluate import EvalJob
from nst3d.pipeline.jobs.paint import CONFIG, run_job
from nst3d.pipeline.kinds.kind import Opened
from nst3d.pipeline.kinds.paint_job import Job, Result
from nst3d.pipeline.kinds.registry import kind_named, open_path
from nst3d.pipeline.runtime.early_look import EarlyLook
from nst3d.pipeline.runtime.events import Listener
from nst3d.pipeline.settings.clean import CleanOptions
from nst3d.pipeline.settings.config import (
    PaintConfig,
    load_preset,
    looks_of,
    reads_words,
    with_preset,
)
from nst3d.pipeline.settings.direction_file import read_direction
from nst3d.pipeline.settings.overrides import Note

_DESCRIPTION = """Paint a mesh (GLB, glTF, OBJ, PLY, STL), a voxel field, splats, a point cloud, a nerfstudio run or a
picture in the style of an image, or as words say.

examples:
  nst3d paint teapot.glb --style starry_night.jpg --out painted/
  nst3d paint scan.ply --style wave.jpg --out out/ --preset quick --clean
  nst3d paint field.npz --style wave.jpg --out out/
  nst3d paint splats.ply --style wave.jpg --out out/ --cameras capture/
  nst3d paint outputs/fox/nerfacto/2026-11-22_101010/config.yml --style wave.jpg --out out/
  nst3d paint photo.jpg --style wave.jpg --out out/ --preset gatys
  nst3d paint teapot.glb --style wave.jpg --out out/ --preset quick,impasto
  nst3d paint house.glb --direction look.yaml --out out/
  nst3d paint teapot.glb --reference front.png --out out/
  nst3d paint teapot.glb --text "carved jade" --out out/
  nst3d paint teapot.glb --style a.jpg --out out/ --settings.recipe.style-scale 1.6

nst3d paint --help-all lists all settings."""


def paint(arguments: Sequence[str]) -> int:
    """Run the command; returns the exit code."""
    if {"-h", "--help"} & set(arguments):
        parse(PaintArguments(tyro.MISSING, tyro.MISSING), ["--help"], "nst3d paint", _DESCRIPTION)
    arguments = ["--help" if a == "--help-all" else a for a in arguments]
    asked = asked_for(arguments)
    job, parsed = asked.job, asked.parsed
    result = _run(asked)
    code = _told(result, parsed)
    if parsed.report and not result.interrupted:
        report = job.out / "report"
        again = shlex.join(["nst3d", "eval", str(job.out), "--out", str(report), "--overwrite"])
        evaluate(EvalJob((job.out,), report, overwrite=True, command=again), parsed.quiet)
    return code


@dataclass(frozen=True)
class Asked:
    """What a command line asks for."""

    job: Job
    parsed: AllArguments
    opened: Opened | None
    """The scene, if choosing the settings took opening it."""
    notes: list[str]
    """How settings were chosen."""


def asked_for(arguments: Sequence[str], program: str = "nst3d paint") -> Asked:
    """The job that the arguments of `nst3d paint` ask for; `program` is named where they are wrong.

    Raises ConfigError for settings that cannot be, and SystemExit for other wrong arguments.
    """
    name = looks_of(first_value(arguments, "--preset") or "default")[0]
    notes: list[str] = []
    parsed = _parsed(arguments, name, notes, program)
    opened, own = None, name
    if name == "default" and not parsed.clean:
        # The job reports missing files.
        opened = open_path(parsed.scene) if parsed.scene.exists() else None
        own = _own_default(parsed.scene, opened)
        parsed = parsed if own == name else _parsed(arguments, own, notes, program)
    config = adjusted(parsed)
    if not (styled(parsed) or config.teach.alone):
        raise ConfigError(
            "no style: give --style IMAGE, --text WORDS, --sound FILE, or --direction FILE for styles by region"
        )
    if name == "default" and parsed.scene.exists() and _open_ended(parsed, _base(own, arguments)):
        kept = as_before(config, parsed.out / CONFIG) if parsed.resume else None
        config, told = (kept, "") if kept else paced(config)
        notes += [told] if told else []
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
        None if parsed.direction is None else read_direction(parsed.direction),
        parsed.data,
        parsed.reference,
        parsed.text,
        parsed.avoid,
        parsed.words,
        parsed.library,
        parsed.sound,
        parsed.sound_as,
    )
    return Asked(job, parsed, opened, notes)


def _own_default(scene: Path, opened: Opened | None) -> str:
    """The preset that "default" means for a scene; for a missing file, judged by its name."""
    if opened is not None:
        return opened.kind.preset
    return kind_named("picture" if is_picture(scene) else "mesh").preset


def _open_ended(parsed: AllArguments, base: PaintConfig) -> bool:
    """Whether the command line leaves sizes and steps to the preset `base`."""
    settings = parsed.settings
    if not settings.schedule.total:
        return False
    same = settings.schedule == base.schedule and settings.displace.stages == base.displace.stages
    return parsed.size is None and parsed.iterations is None and same


def _base(source: str, arguments: Sequence[str], note: Note = lambda text: None) -> PaintConfig:
    """The settings of the preset `source`, with those of --reference, --method, --start or --teacher on top."""
    base = load_preset(source, note)
    for look in looks_of(first_value(arguments, "--preset") or "default")[1]:
        base = with_preset(base, look)
    if first_value(arguments, "--reference") and not first_value(arguments, "--style"):
        base = with_preset(base, "reference")
    if first_value(arguments, "--method") == "instant":
        return with_preset(base, "instant")
    start = first_value(arguments, "--start")
    if start not in STARTS and reads_words(first_value(arguments, "--teacher")):
        return with_preset(base, "taught")
    return with_preset(base, STARTS[start]) if start in STARTS else base


def _parsed(arguments: Sequence[str], source: str, notes: list[str], program: str) -> AllArguments:
    """The arguments, with defaults from the preset `source`; `notes` on its settings are added."""
    base = _base(source, arguments, notes.append)
    default = AllArguments(tyro.MISSING, tyro.MISSING, settings=base)
    return parse(default, arguments, program, _DESCRIPTION)


def _cleaning(parsed: PaintArguments) -> CleanOptions | None:
    if parsed.clean:
        return CleanOptions(parsed.clean_faces, parsed.clean_depth)
    if parsed.clean_faces is not None or parsed.clean_depth is not None:
        raise ConfigError("--clean-faces and --clean-depth need --clean: give --clean, too")
    return None


def _run(asked: Asked) -> Result:
    job, parsed = asked.job, asked.parsed
    with ExitStack() as stack:
        listeners: list[Listener] = []
        if parsed.tensorboard:
            from nst3d.cli.tensorboard import TensorBoardLog

            listeners.append(stack.enter_context(closing(TensorBoardLog(job.out / "tensorboard"))))
        bar = stack.enter_context(PaintBar(parsed.quiet))
        listeners.append(bar)
        early = EarlyLook(job.out)
        result = run_job(job, [*listeners, early], BRIDGES, opened=asked.opened, notes=asked.notes)
    if not result.interrupted:
        early.remove()
    return result


def _told(result: Result, parsed: PaintArguments) -> int:
    for path in result.paths:
        say(str(path))
    if result.interrupted:
        say(f"stopped early; run the same command with --resume to continue ({parsed.out} is kept)")
    summarise(result.metrics["notes"], parsed.quiet)
    return 130 if result.interrupted else 0
