"""nst3d train-style: train a network that paints pictures in styles, or translates one kind of pictures to another."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, TypeVar

import tyro

from nst3d.cli.parse import parse
from nst3d.cli.terminal import PaintBar, say, summarise
from nst3d.cli.values import read_terms
from nst3d.errors import ConfigError
from nst3d.integrations.bridges import BRIDGES
from nst3d.pipeline.jobs.train_cycle import CycleJob, run_cycle_training
from nst3d.pipeline.jobs.train_style import Trained, TrainJob, run_training
from nst3d.pipeline.settings.cycle import CycleOptions
from nst3d.pipeline.settings.train import TrainOptions

Options = TypeVar("Options", TrainOptions, CycleOptions)

_DESCRIPTION = """Train a network that paints pictures in one or several styles at once, on your own views, frames or
photographs; nst3d paint uses it with --teacher network. Beside it, a picture shows it at work on pictures that it was
not trained on. With --cycle, two networks learn to translate pictures of one folder to the kind of the other, and back,
from pictures that do not belong together; --teacher translate paints with either, without a style.

examples:
  nst3d train-style wave.jpg --on house.glb --out wave.safetensors
  nst3d train-style wave.jpg scream.jpg --on photos/ --out two.safetensors --minutes 20
  nst3d train-style wave.jpg --on clip.mp4 --video --out wave.safetensors
  nst3d paint house.glb --style wave.jpg --out out/ --teacher network --teacher-option file=wave.safetensors
  nst3d train-style --cycle photos/ etchings/ --out etch.safetensors
  nst3d paint house.glb --out out/ --teacher translate --teacher-option file=etch.safetensors"""


@dataclass(frozen=True)
class TrainStyleArguments:
    """Arguments of `nst3d train-style`."""

    out: Annotated[Path, tyro.conf.arg(metavar="FILE")]
    """File for the network, .safetensors."""
    styles: tyro.conf.Positional[Annotated[tuple[Path, ...], tyro.conf.arg(metavar="STYLE")]] = ()
    """Style images; the network learns each, and mixes them. (required, unless there is --cycle)"""
    on: Annotated[Path | None, tyro.conf.arg(metavar="SCENE|FOLDER|VIDEO")] = None
    """Scene whose views it is trained on, a folder of pictures, or a video. (required, unless there is --cycle)"""
    cycle: Annotated[tuple[Path, Path] | None, tyro.conf.arg(metavar="FROM TO")] = None
    """Two folders of pictures, or scenes: learn to translate those of the first to the kind of the second. The network
    of the way back is written beside --out, as NAME_back.safetensors."""
    size: Annotated[int | None, tyro.conf.arg(metavar="PIXELS")] = None
    """Size of views, or of the long side of pictures; the network is for pictures of this size. By default 256, with
    --cycle 128."""
    minutes: Annotated[float | None, tyro.conf.arg(metavar="N")] = None
    """Time for training, by default 9, with --cycle 25."""
    steps: Annotated[int | None, tyro.conf.arg(metavar="N")] = None
    """Training steps, in place of --minutes."""
    patch: Annotated[int | None, tyro.conf.arg(metavar="PIXELS")] = None
    """Side of the patches that are cut from the pictures, by default 256, with --cycle 128; smaller pictures make
    smaller patches."""
    video: tyro.conf.FlagCreatePairsOff[bool] = False
    """Learn from pairs of a video's frames, too, so that painted videos flicker less."""
    temporal: Annotated[float | None, tyro.conf.arg(metavar="WEIGHT")] = None
    """Weight of the difference between painted frames along the motion, with --video; 500 by default."""
    recurrent: tyro.conf.FlagCreatePairsOff[bool] = False
    """The network remembers the frames before, with --video; nst3d video uses it with --teacher network."""
    widths: Annotated[tuple[int, int, int], tyro.conf.arg(metavar="N N N")] = TrainOptions.widths
    """The network's channels at full, half and quarter resolution."""
    width: Annotated[int | None, tyro.conf.arg(metavar="N")] = None
    """The networks' channels at full resolution, with --cycle; 16 by default."""
    blocks: Annotated[int | None, tyro.conf.arg(metavar="N")] = None
    """The network's residual blocks, by default 5, with --cycle 6."""
    term: Annotated[
        tyro.conf.UseAppendAction[tuple[str, ...]], tyro.conf.arg(metavar="NAME[.OPTION]=VALUE")
    ] = ()
    """Weight of a loss or guide, or one of its options: gram=1, content=0.4; repeatable."""
    seed: Annotated[int, tyro.conf.arg(metavar="N")] = TrainOptions.seed
    """Random seed."""
    threads: Annotated[int, tyro.conf.arg(metavar="N")] = TrainOptions.threads
    """CPU threads; 0 takes all."""
    quiet: tyro.conf.FlagCreatePairsOff[bool] = False
    """No progress bar."""
    overwrite: tyro.conf.FlagCreatePairsOff[bool] = False
    """Replace an existing file."""
    resume: tyro.conf.FlagCreatePairsOff[bool] = False
    """Continue an interrupted training; give the same styles, pictures and settings again."""


def train_style(arguments: Sequence[str]) -> int:
    """Run the command; returns the exit code."""
    default = TrainStyleArguments(tyro.MISSING)
    given = parse(default, arguments, "nst3d train-style", _DESCRIPTION)
    if given.cycle is not None:
        return _cycle(given, given.cycle)
    if not given.styles or given.on is None:
        raise ConfigError(
            "give STYLE, an image, and --on SCENE|FOLDER|VIDEO to train on, or --cycle FROM TO, two folders"
        )
    if given.width is not None:
        raise ConfigError("--width is for --cycle: give --widths")
    options = _options(TrainOptions, given)
    if given.term:
        recipe = options.recipe.with_terms(read_terms(given.term))
        options = dataclasses.replace(options, recipe=recipe)
    job = TrainJob(given.styles, given.on, given.out, options, given.overwrite, given.resume)
    with PaintBar(given.quiet) as bar:
        trained = run_training(job, bar, BRIDGES)
    return _told(trained, given.quiet)


_OF_STYLES = ("on", "video", "temporal", "recurrent", "widths", "term")
"""Options that --cycle has no use for."""


def _cycle(given: TrainStyleArguments, pair: tuple[Path, Path]) -> int:
    """Train translators between two sets of pictures."""
    if given.styles:
        raise ConfigError("--cycle learns from two folders alone: leave out STYLE")
    for name in _OF_STYLES:
        if getattr(given, name) != getattr(TrainStyleArguments, name):
            raise ConfigError(f"--cycle learns from two folders alone: leave out --{name}")
    options = _options(CycleOptions, given)
    job = CycleJob(*pair, given.out, options, given.overwrite, given.resume)
    with PaintBar(given.quiet) as bar:
        trained = run_cycle_training(job, bar, BRIDGES)
    for path in trained.paths:
        say(str(path))
    for way, found in trained.metrics["losses"].items():
        say(
            f"{way}: colours of held-out pictures {found['painted']:.3g} from those of the other folder, untouched"
            f" {found['untouched']:.3g}; translated back, they differ by {found['returned']:.3g}"
        )
    return _ended(trained, given.quiet)


def _options(kind: type[Options], given: TrainStyleArguments) -> Options:
    """The settings that were given, with the defaults of their kind for the others."""
    names = {field.name for field in dataclasses.fields(kind)}
    return kind(**{n: v for n, v in vars(given).items() if n in names and v is not None})


def _told(trained: Trained, quiet: bool) -> int:
    for path in trained.paths:
        say(str(path))
    for style, losses in trained.metrics["losses"].items():
        say(
            f"{style}: loss of held-out pictures {losses['painted']:.3g}, untouched {losses['untouched']:.3g}"
        )
        if "warped_error" in losses:
            say(
                f"{style}: warped error of held-out frames {losses['warped_error']:.3g}, untouched"
                f" {losses['warped_error_untouched']:.3g}"
            )
    return _ended(trained, quiet)


def _ended(trained: Trained, quiet: bool) -> int:
    if trained.interrupted:
        say("stopped early; run the same command with --resume to continue")
    summarise(trained.metrics["notes"], quiet)
    return 130 if trained.interrupted else 0
