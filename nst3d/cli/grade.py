"""nst3d grade: change a painted scene's colours without painting again."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from nst3d.cli.parse import parse
from nst3d.cli.terminal import note, say
from nst3d.errors import ConfigError
from nst3d.pipeline.jobs.grade import Grade, GradeJob, run_grade

_DESCRIPTION = """Change saturation, contrast, brightness and hue of a painted scene (voxel field, splats, mesh,
picture) without painting again.

examples:
  nst3d grade painted/painted.glb --saturation 1.2 --out vivid.glb
  nst3d grade painted/painted.ply --contrast 1.1 --brightness 0.05 --out bright.ply
  nst3d grade painted/painted.glb --hue 30 --region material:roof --out roof.glb"""


@dataclass(frozen=True)
class GradeArguments:
    """Arguments of `nst3d grade`."""

    scene: tyro.conf.Positional[Annotated[Path, tyro.conf.arg(metavar="SCENE")]]
    """Scene whose colours change. (required)"""
    out: Annotated[Path, tyro.conf.arg(metavar="FILE")]
    """Output file; for splats and meshes its suffix chooses the format."""
    saturation: Annotated[float | None, tyro.conf.arg(metavar="0..8")] = None
    """Factor of the saturation: 0 is grey, 1 changes nothing."""
    contrast: Annotated[float | None, tyro.conf.arg(metavar="0..8")] = None
    """Factor of the distance from mid grey: 1 changes nothing."""
    brightness: Annotated[float | None, tyro.conf.arg(metavar="-1..1")] = None
    """Added to red, green and blue, which go from 0 to 1."""
    hue: Annotated[float | None, tyro.conf.arg(metavar="DEGREES")] = None
    """Turn of all hues, which keeps luminance: 120 makes red green."""
    region: Annotated[str | None, tyro.conf.arg(metavar="SELECTOR")] = None
    """Region in which colours change, as in nst3d paint; the rest stays as it is, bit for bit."""
    overwrite: tyro.conf.FlagCreatePairsOff[bool] = False
    """Replace an existing file."""


def grade(arguments: Sequence[str]) -> int:
    """Run the command; returns the exit code."""
    given = parse(GradeArguments(tyro.MISSING, tyro.MISSING), arguments, "nst3d grade", _DESCRIPTION)
    job = GradeJob(given.scene, given.out, _grade(given), given.region, given.overwrite)
    for path in run_grade(job, note):
        say(str(path))
    return 0


def _grade(given: GradeArguments) -> Grade:
    values = {
        "saturation": given.saturation,
        "contrast": given.contrast,
        "brightness": given.brightness,
        "hue": None if given.hue is None else math.radians(math.remainder(given.hue, 360)),
    }
    changes = {name: value for name, value in values.items() if value is not None}
    if not changes:
        raise ConfigError("nothing to change: give --saturation, --contrast, --brightness or --hue")
    return Grade(**changes)
