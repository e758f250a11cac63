"""nst3d capture: find the cameras of photographs or a video."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from nst3d.cli.parse import parse
from nst3d.cli.terminal import StageBar, say
from nst3d.integrations.bridges import BRIDGES
from nst3d.pipeline.jobs.capture import Captured, CaptureJob, run_capture
from nst3d.pipeline.settings.capture import PoseOptions

_DESCRIPTION = """Find the cameras of photographs or of a video, with COLMAP (pip install 'nst3d[capture]'), and write
them as a capture for nst3d reconstruct: transforms.json, a COLMAP model, and the photographs.

Walk around the subject and let neighbouring pictures overlap by more than half; keep the camera's zoom, and avoid
blur. 20 to 200 photographs or a minute of video are enough.

examples:
  nst3d capture photos/ --out capture/
  nst3d capture walk.mp4 --out capture/ --frames 100
  nst3d capture photos/ --out capture/ --size 1600 --overwrite
  nst3d capture photos/ --out capture/ --resume"""


@dataclass(frozen=True)
class CaptureArguments:
    """Arguments of `nst3d capture`."""

    source: tyro.conf.Positional[Annotated[Path, tyro.conf.arg(metavar="PHOTOS|VIDEO")]]
    """Folder of photographs, or a video."""
    out: Path
    """Folder for the capture."""
    size: Annotated[int, tyro.conf.arg(metavar="PIXELS")] = PoseOptions.size
    """Long side of the photographs when features are sought; they are kept at full size."""
    features: Annotated[int, tyro.conf.arg(metavar="N")] = PoseOptions.features
    """Maximum number of features per photograph."""
    frames: Annotated[int, tyro.conf.arg(metavar="N")] = PoseOptions.frames
    """Maximum number of frames taken from a video."""
    seed: Annotated[int, tyro.conf.arg(metavar="N")] = PoseOptions.seed
    """Random seed."""
    threads: Annotated[int, tyro.conf.arg(metavar="N")] = PoseOptions.threads
    """CPU threads; 0 takes all."""
    quiet: tyro.conf.FlagCreatePairsOff[bool] = False
    """No progress bar."""
    overwrite: tyro.conf.FlagCreatePairsOff[bool] = False
    """Write into a folder that is not empty."""
    resume: tyro.conf.FlagCreatePairsOff[bool] = False
    """Continue an interrupted run; give the same photographs and settings again."""


def capture(arguments: Sequence[str]) -> int:
    """Run the command; returns the exit code."""
    given = parse(CaptureArguments(tyro.MISSING, tyro.MISSING), arguments, "nst3d capture", _DESCRIPTION)
    options = PoseOptions(given.size, given.features, given.frames, given.seed, given.threads)
    job = CaptureJob(given.source, given.out, options, given.overwrite, given.resume)
    with StageBar(given.quiet) as bar:
        done = run_capture(job, bar.note, bar.count, BRIDGES)
    if done.interrupted:
        say(f"stopped early; run the same command with --resume to continue ({given.out} is kept)")
        return 130
    for path in done.paths:
        say(str(path))
    say(_summary(done))
    return 0


def _summary(done: Captured) -> str:
    numbers = done.metrics
    return (
        f"{numbers['with_camera']} of {numbers['photographs']} photographs have a camera; {numbers['points']} points,"
        f" mean reprojection error {numbers['reprojection_error']:.2f} pixels"
    )
