"""nst3d demo: paints the lighthouse that ships with nst3d."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import tyro

from nst3d.cli.paint import paint
from nst3d.cli.parse import parse
from nst3d.errors import InputError
from nst3d.pipeline.resources import resource

_DESCRIPTION = """Paint the lighthouse that ships with nst3d.

examples:
  nst3d demo
  nst3d demo --style woodblock --out renders/woodblock --preset quick"""


@dataclass(frozen=True)
class DemoArguments:
    """What `nst3d demo` takes."""

    out: Path = Path("renders/demo")
    """Folder for the results."""
    style: str = "swirls"
    """Name of a style that ships with nst3d, or the path of an image."""
    preset: str = "default"
    """As in nst3d paint."""
    overwrite: tyro.conf.FlagCreatePairsOff[bool] = False
    """Write into a folder that is not empty."""
    quiet: tyro.conf.FlagCreatePairsOff[bool] = False
    """No progress."""


def demo(arguments: Sequence[str]) -> int:
    """Run the command; returns the exit code."""
    given = parse(DemoArguments(), arguments, "nst3d demo", _DESCRIPTION)
    scenes = resource("scenes")
    shipped = scenes / "styles" / f"{given.style}.jpg"
    style = shipped if shipped.is_file() else Path(given.style)
    if not style.exists():
        known = ", ".join(sorted(p.stem for p in shipped.parent.glob("*.jpg")))
        raise InputError(f"{style}: no such file, and no style that ships with nst3d; these are {known}")
    flags = [f"--{name}" for name in ("overwrite", "quiet") if getattr(given, name)]
    options = ["--style", str(style), "--out", str(given.out), "--preset", given.preset]
    return paint([str(scenes / "lighthouse" / "lighthouse.glb"), *options, *flags])
