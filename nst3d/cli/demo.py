"""nst3d demo: paint the lighthouse that ships with nst3d, as a mesh and as a capture of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from nst3d.cli.paint import paint
from nst3d.cli.parse import parse
from nst3d.cli.reconstruct import reconstruct
from nst3d.cli.render import render
from nst3d.errors import InputError
from nst3d.pipeline.jobs.make_capture import CaptureOptions, capture_mesh
from nst3d.pipeline.settings.resources import resource
from nst3d.tensors import ImageSize

_PHOTO = 192
"""Side of the demo's photographs, in pixels."""

_DESCRIPTION = """Paint the lighthouse that ships with nst3d: first as a mesh, then as a capture, photographed
from all around, reconstructed as a radiance field, painted, and flown through.

examples:
  nst3d demo
  nst3d demo --style woodblock --out renders/woodblock --preset quick"""


@dataclass(frozen=True)
class DemoArguments:
    """Arguments of `nst3d demo`."""

    out: Annotated[Path, tyro.conf.arg(metavar="FOLDER")] = Path("renders/demo")
    """Folder for the results."""
    style: Annotated[str, tyro.conf.arg(metavar="STYLE")] = "swirls"
    """Style that ships with nst3d, or an image file."""
    preset: Annotated[str, tyro.conf.arg(metavar="NAME")] = "default"
    """Preset of nst3d paint."""
    capture: bool = True
    """Also make, reconstruct, paint and fly through a capture."""
    overwrite: tyro.conf.FlagCreatePairsOff[bool] = False
    """Write into a folder that is not empty."""
    quiet: tyro.conf.FlagCreatePairsOff[bool] = False
    """No progress bar."""


def demo(arguments: Sequence[str]) -> int:
    """Run the command; returns the exit code."""
    given = parse(DemoArguments(), arguments, "nst3d demo", _DESCRIPTION)
    scenes = resource("scenes")
    shipped = scenes / "styles" / f"{given.style}.jpg"
    style = shipped if shipped.is_file() else Path(given.style)
    if not style.exists():
        known = ", ".join(sorted(p.stem for p in shipped.parent.glob("*.jpg")))
        raise InputError(f"{style}: no such file and no style that ships with nst3d; those are {known}")
    flags = [f"--{name}" for name in ("overwrite", "quiet") if getattr(given, name)]
    options = ["--style", str(style), "--preset", given.preset, *flags]
    lighthouse = scenes / "lighthouse" / "lighthouse.glb"
    code = paint([str(lighthouse), "--out", str(given.out), *options])
    return (
        code
        if code or not given.capture
        else _paint_capture(lighthouse, given.out / "capture", options, flags)
    )


def _paint_capture(lighthouse: Path, out: Path, options: list[str], flags: list[str]) -> int:
    """Photograph the lighthouse, and run the commands for a capture."""
    # With alpha, so that the field ends where the lighthouse does.
    photographed = CaptureOptions(size=ImageSize(_PHOTO, _PHOTO), background=None, lighting="studio")
    capture_mesh(lighthouse, out / "photos", photographed)
    field, painted, quiet = out / "field", out / "painted", [f for f in flags if f == "--quiet"]
    size = ["--size", str(_PHOTO)]
    code = reconstruct([str(out / "photos"), "--out", str(field), "--quality", "quick", *size, *flags])
    code = code or paint([str(field / "field.npz"), "--out", str(painted), *size, *options])
    if code:
        return code
    before = ["--before", str(field / "field.npz"), "--fade", "0.1:0.6"]
    target = ["--out", str(out / "fly.mp4"), "--overwrite", *quiet]
    look = ["--size", "320", "--seconds", "4", "--background", "white"]
    return render([str(painted / "painted.npz"), "--path", "spiral", *before, *look, *target])
