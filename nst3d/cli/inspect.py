"""nst3d inspect: report what is in a file."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from nst3d.cli.errors import spoken
from nst3d.cli.parse import parse
from nst3d.cli.terminal import say
from nst3d.integrations.bridges import BRIDGES
from nst3d.pipeline.jobs.inspect import inspect_file
from nst3d.pipeline.settings.config import PaintConfig, Up

_DESCRIPTION = """Report what is in a mesh, picture, voxel field, splat scene or capture, how well cameras see it,
where paint would go, and its problems: for a capture, poses that look the wrong way, jumps in
exposure, and blur. Nothing is written.

examples:
  nst3d inspect scan.ply
  nst3d inspect teapot.glb --json
  nst3d inspect fox/transforms.json"""


@dataclass(frozen=True)
class InspectArguments:
    """Arguments of `nst3d inspect`."""

    file: tyro.conf.Positional[Annotated[Path, tyro.conf.arg(metavar="PATH")]]
    """Mesh, picture, voxel field or splats; a folder with one mesh; or a capture: its folder or its pose
    file."""
    up: Up = "auto"
    """World up axis; auto follows the file or its format."""
    json: tyro.conf.FlagCreatePairsOff[bool] = False
    """Print JSON."""
    dataparser: Annotated[str | None, tyro.conf.arg(metavar="NAME")] = None
    """nerfstudio dataparser that reads the path as a capture, such as blender-data."""


def inspect(arguments: Sequence[str]) -> int:
    """Run the command; returns the exit code."""
    given = parse(InspectArguments(tyro.MISSING), arguments, "nst3d inspect", _DESCRIPTION)
    reader = None if given.dataparser is None else BRIDGES.reader(given.dataparser, given.file)
    report = inspect_file(given.file, PaintConfig(up=given.up), reader)
    if given.json:
        say(spoken(json.dumps(report.facts, indent=2, ensure_ascii=False)))
        return 0
    for line in report.contents:
        say(spoken(line))
    say("problems: none" if not report.problems else "problems:")
    for line in report.problems:
        say(f"  {spoken(line)}")
    return 0
