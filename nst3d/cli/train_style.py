"""nst3d train-style: train a network that paints pictures in one or several styles at once."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from nst3d.cli.parse import parse
from nst3d.cli.terminal import PaintBar, say, summarise
from nst3d.cli.values import read_terms
from nst3d.integrations.bridges import BRIDGES
from nst3d.pipeline.jobs.train_style import Trained, TrainJob, run_training
from nst3d.pipeline.settings.train import TrainOptions

_DESCRIPTION = """Train a network that paints pictures in one or several styles at once, on your own views, frames or
photographs; nst3d paint uses it with --teacher network. Beside it, a picture shows it at work on pictures that it was
not trained on.

examples:
  nst3d train-style wave.jpg --on house.glb --out wave.safetensors
  nst3d train-style wave.jpg scream.jpg --on photos/ --out two.safetensors --minutes 20
  nst3d train-style wave.jpg --on clip.mp4 --video --out wave.safetensors
  nst3d paint house.glb --style wave.jpg --out out/ --teacher network --teacher-option file=wave.safetensors"""


@dataclass(frozen=True)
class TrainStyleArguments:
    """Arguments of `nst3d train-style`."""

    styles: tyro.conf.Positional[Annotated[tuple[Path, ...], tyro.conf.arg(metavar="STYLE")]]
    """Style images; the network learns each, and mixes them."""
    on: Annotated[Path, tyro.conf.arg(metavar="SCENE|FOLDER|VIDEO")]
    """Scene whose views it is trained on, a folder of pictures, or a video."""
    out: Annotated[Path, tyro.conf.arg(metavar="FILE")]
    """File for the network, .safetensors."""
    size: Annotated[int, tyro.conf.arg(metavar="PIXELS")] = TrainOptions.size
    """Size of views, or of the long side of pictures; the network is for pictures of this size."""
    minutes: Annotated[float, tyro.conf.arg(metavar="N")] = TrainOptions.minutes
    """Time for training."""
    steps: Annotated[int | None, tyro.conf.arg(metavar="N")] = None
    """Training steps, in place of --minutes."""
    patch: Annotated[int, tyro.conf.arg(metavar="PIXELS")] = TrainOptions.patch
    """Side of the patches that are cut from the pictures; smaller pictures make smaller patches."""
    video: tyro.conf.FlagCreatePairsOff[bool] = False
    """Learn from pairs of a video's frames, too, so that painted videos flicker less."""
    temporal: Annotated[float | None, tyro.conf.arg(metavar="WEIGHT")] = None
    """Weight of the difference between painted frames along the motion, with --video; 500 by default."""
    recurrent: tyro.conf.FlagCreatePairsOff[bool] = False
    """The network remembers the frames before, with --video; nst3d video uses it with --teacher network."""
    widths: Annotated[tuple[int, int, int], tyro.conf.arg(metavar="N N N")] = TrainOptions.widths
    """The network's channels at full, half and quarter resolution."""
    blocks: Annotated[int, tyro.conf.arg(metavar="N")] = TrainOptions.blocks
    """The network's residual blocks."""
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
    default = TrainStyleArguments(tyro.MISSING, tyro.MISSING, tyro.MISSING)
    given = parse(default, arguments, "nst3d train-style", _DESCRIPTION)
    names = {field.name for field in dataclasses.fields(TrainOptions)}
    options = TrainOptions(**{n: v for n, v in vars(given).items() if n in names})
    if given.term:
        recipe = options.recipe.with_terms(read_terms(given.term))
        options = dataclasses.replace(options, recipe=recipe)
    job = TrainJob(given.styles, given.on, given.out, options, given.overwrite, given.resume)
    with PaintBar(given.quiet) as bar:
        trained = run_training(job, bar, BRIDGES)
    return _told(trained, given.quiet)


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
    if trained.interrupted:
        say("stopped early; run the same command with --resume to continue")
    summarise(trained.metrics["notes"], quiet)
    return 130 if trained.interrupted else 0
