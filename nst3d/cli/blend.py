"""nst3d blend: mix painted versions of one scene."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from nst3d.cli.parse import parse
from nst3d.cli.terminal import note, say
from nst3d.errors import ConfigError
from nst3d.pipeline.jobs.blend import BlendJob, alpha_weights, given_weights, run_blend

_DESCRIPTION = """Mix painted versions of one scene (voxel fields, splats, meshes, pictures) without painting again:
colours are interpolated, everything else comes from the first.

examples:
  nst3d blend fox.npz painted/painted.npz --alpha 0.5 --out half.npz
  nst3d blend plain.ply night.ply wave.ply --weights 0.2,0.5,0.3 --out mixed.ply
  nst3d blend fox.npz painted/painted.npz --alpha 1.3 --out exaggerated.npz
  nst3d blend house.glb painted/painted.glb --alpha 0.4 --region material:roof --out roof.glb"""


@dataclass(frozen=True)
class BlendArguments:
    """Arguments of `nst3d blend`."""

    scenes: tyro.conf.Positional[Annotated[tuple[Path, ...], tyro.conf.arg(metavar="SCENE SCENE...")]]
    """Two or more scenes of the same kind and geometry. (required)"""
    out: Annotated[Path, tyro.conf.arg(metavar="FILE")]
    """Output file; for splats and meshes its suffix chooses the format."""
    alpha: Annotated[float | None, tyro.conf.arg(metavar="-0.5..1.5")] = None
    """Weight of the second of two scenes: 0 gives the first, 1 the second; values outside exaggerate."""
    weights: Annotated[str | None, tyro.conf.arg(metavar="W,W,...")] = None
    """Weight of each scene, separated by commas and normalised to sum to 1."""
    region: Annotated[str | None, tyro.conf.arg(metavar="SELECTOR")] = None
    """Region in which the others count, as in nst3d paint; the rest stays that of the first scene, bit for bit."""
    overwrite: tyro.conf.FlagCreatePairsOff[bool] = False
    """Replace an existing file."""


def blend(arguments: Sequence[str]) -> int:
    """Run the command; returns the exit code."""
    given = parse(BlendArguments(tyro.MISSING, tyro.MISSING), arguments, "nst3d blend", _DESCRIPTION)
    job = BlendJob(given.scenes, _weights(given), given.out, given.overwrite, given.region)
    for path in run_blend(job, note):
        say(str(path))
    return 0


def _weights(given: BlendArguments) -> tuple[float, ...]:
    if given.alpha is None and given.weights is None:
        raise ConfigError("no weights: give either --alpha or --weights")
    if given.alpha is not None and given.weights is not None:
        raise ConfigError("two sets of weights: give either --alpha or --weights, not both")
    if given.weights is not None:
        return given_weights(given.weights, len(given.scenes), note)
    return alpha_weights(given.alpha or 0.0, len(given.scenes))
