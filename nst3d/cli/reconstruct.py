"""nst3d reconstruct: fit a voxel radiance field to photographs with poses."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro
from rich.progress import TaskID

from nst3d.cli.parse import first_value, parse
from nst3d.cli.terminal import PaintBar, say, summarise
from nst3d.integrations.bridges import BRIDGES
from nst3d.pipeline.jobs.reconstruct import Reconstructed, ReconstructJob, run_reconstruct
from nst3d.pipeline.runtime.events import Fitted
from nst3d.pipeline.settings.reconstruct import ReconstructConfig, quality

_DESCRIPTION = """Fit a voxel radiance field to a capture, photographs with poses: transforms.json of nerfstudio,
instant-ngp or Blender, a COLMAP model, poses_bounds.npy or an .npz.

examples:
  nst3d reconstruct fox/ --out fox-field/
  nst3d reconstruct fox/ --out fox.npz --quality quick
  nst3d reconstruct fox/ --out fox-field/ --size 480 --quality fine
  nst3d reconstruct fox/ --out fox-field/ --resume
  nst3d reconstruct scan/ --out scan-field/ --dataparser scannet-data

nst3d reconstruct --help-all lists all settings."""

_PRINTED = 10
"""Seconds between lines when not on a terminal."""
_WORST = 3
"""How many of the photographs that fit worst are named."""


@dataclass(frozen=True)
class ReconstructArguments:
    """Arguments of `nst3d reconstruct`."""

    capture: tyro.conf.Positional[Annotated[Path, tyro.conf.arg(metavar="CAPTURE")]]
    """Capture to fit: its folder or its pose file."""
    out: Path
    """Folder for the results, or an .npz file."""
    quality: Annotated[str, tyro.conf.arg(metavar="NAME")] = "default"
    """Quality: quick, default, fine, or a .yaml file with settings."""
    size: Annotated[int | None, tyro.conf.arg(metavar="PIXELS")] = None
    """Long side of the reduced photographs; 240 by default."""
    degree: Annotated[int | None, tyro.conf.arg(metavar="0|1|2")] = None
    """Degree of the spherical harmonics for view-dependent colour; 0 makes colour view-independent."""
    seed: Annotated[int | None, tyro.conf.arg(metavar="N")] = None
    """Random seed."""
    quiet: tyro.conf.FlagCreatePairsOff[bool] = False
    """No progress bar."""
    overwrite: tyro.conf.FlagCreatePairsOff[bool] = False
    """Write into a folder that is not empty, or replace the .npz."""
    resume: tyro.conf.FlagCreatePairsOff[bool] = False
    """Continue an interrupted run; give the same capture and settings again."""
    dataparser: Annotated[str | None, tyro.conf.arg(metavar="NAME")] = None
    """nerfstudio dataparser for the capture, such as blender-data; by default the format is detected."""


@dataclass(frozen=True)
class AllArguments(ReconstructArguments):
    """Arguments of `nst3d reconstruct`, with every setting."""

    settings: ReconstructConfig = dataclasses.field(default_factory=ReconstructConfig)


class FitBar(PaintBar):
    """A reconstruction's bar with iteration, PSNR, nodes and time left; plain lines without a terminal."""

    def fitted(self, event: Fitted) -> None:
        """Move the bar."""
        detail = f"PSNR {event.psnr:.2f} dB, {event.nodes} nodes"
        if self._task is None:
            self._task = self._bar.add_task("fitting", total=event.iterations, detail=detail)
        self._bar.update(TaskID(self._task), completed=event.iteration, detail=detail)
        if not (self._quiet or self._console.is_terminal) and event.seconds - self._printed > _PRINTED:
            self._printed = event.seconds
            self._console.print(f"step {event.iteration}/{event.iterations} {detail}", markup=False)


def reconstruct(arguments: Sequence[str]) -> int:
    """Run the command; returns the exit code."""
    if {"-h", "--help"} & set(arguments):
        parse(ReconstructArguments(tyro.MISSING, tyro.MISSING), ["--help"], "nst3d reconstruct", _DESCRIPTION)
    arguments = ["--help" if a == "--help-all" else a for a in arguments]
    name = first_value(arguments, "--quality") or "default"
    default = AllArguments(tyro.MISSING, tyro.MISSING, quality=name, settings=quality(name))
    given = parse(default, arguments, "nst3d reconstruct", _DESCRIPTION)
    job = ReconstructJob(
        given.capture, given.out, _adjusted(given), given.overwrite, given.resume, given.dataparser
    )
    with FitBar(given.quiet) as bar:
        result = run_reconstruct(job, bar, BRIDGES)
    return _told(result, given)


def _adjusted(given: AllArguments) -> ReconstructConfig:
    """The settings with the short options applied."""
    config = given.settings
    degree = config.fit.degree if given.degree is None else given.degree
    seed = config.fit.seed if given.seed is None else given.seed
    fit = dataclasses.replace(config.fit, degree=degree, seed=seed)
    return dataclasses.replace(config, fit=fit, size=config.size if given.size is None else given.size)


def _told(result: Reconstructed, given: ReconstructArguments) -> int:
    for path in result.paths:
        say(str(path))
    numbers = result.metrics
    if numbers["psnr"] is not None:
        say(f"held out: PSNR {numbers['psnr']:.2f} dB, SSIM {numbers['ssim']:.3f}")
    fitted = numbers["train_views"]
    if fitted and not result.interrupted:
        worst = ", ".join(f"{row['name']} {row['psnr']:.1f} dB" for row in fitted[:_WORST])
        say(f"fitted worst: {worst}; median {fitted[len(fitted) // 2]['psnr']:.1f} dB")
    if result.interrupted:
        say(f"stopped early; run the same command with --resume to continue ({given.out} is kept)")
    summarise(numbers["notes"], given.quiet)
    return 130 if result.interrupted else 0
