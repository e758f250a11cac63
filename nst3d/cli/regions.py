"""nst3d regions: list what regions a scene has, and draw them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import tyro

from nst3d.cli.parse import parse
from nst3d.cli.terminal import note, say
from nst3d.integrations.bridges import BRIDGES
from nst3d.pipeline.jobs.regions import RegionsJob, RegionsReport, run_regions
from nst3d.pipeline.kinds.registry import open_path
from nst3d.pipeline.settings.config import load_preset
from nst3d.pipeline.settings.region_text import quoted
from nst3d.pipeline.settings.shown import Up

_DESCRIPTION = """List the materials, nodes and selectors of a scene, and draw regions in flat colours before anything
is painted.

A folder gets a sheet, the pictures of all views, and the mask of each region in them, from which views:FOLDER makes the
region again: paint masks over the pictures, or run any segmenter on them.

examples:
  nst3d regions house.glb
  nst3d regions house.glb --out sheet.png
  nst3d regions house.glb "material:roof feather 8px" "node:door or sphere:0,1,0,0.5" --out sheet.png
  nst3d regions scene.ply "box:-1,-1,0,1,1,2 and not colour:#3050c0±0.15" cluster:5 --out regions/
  nst3d regions house.glb "words: roof, door" --out sheet.png
  nst3d regions house.glb "views:masks" --out sheet.png"""


@dataclass(frozen=True)
class RegionsArguments:
    """Arguments of `nst3d regions`."""

    scene: tyro.conf.Positional[Annotated[Path, tyro.conf.arg(metavar="SCENE")]]
    """Mesh, picture, voxel field, splats or point cloud."""
    regions: tyro.conf.Positional[Annotated[tuple[str, ...], tyro.conf.arg(metavar="[SELECTOR ...]")]] = ()
    """Regions to draw, the first on top; cluster:5 stands for all five. By default all materials, if there are
    several."""
    out: Annotated[Path | None, tyro.conf.arg(metavar="FOLDER|sheet.png")] = None
    """Output: a .png for the sheet, or a folder for sheet, views and masks. By default names are listed only."""
    cameras: Annotated[Path | None, tyro.conf.arg(metavar="CAPTURE")] = None
    """Capture whose cameras would paint the scene."""
    dataparser: Annotated[str | None, tyro.conf.arg(metavar="NAME")] = None
    """nerfstudio dataparser for the capture of --cameras, such as blender-data."""
    preset: Annotated[str, tyro.conf.arg(metavar="NAME")] = "default"
    """Preset with which the scene would be painted, or a .yaml file."""
    size: Annotated[int | None, tyro.conf.arg(metavar="PIXELS")] = None
    """Size of the finest views, as for nst3d paint."""
    up: Up = "auto"
    """World up axis; auto follows the file or its format."""
    overwrite: tyro.conf.FlagCreatePairsOff[bool] = False
    """Replace existing files."""


def regions(arguments: Sequence[str]) -> int:
    """Run the command; returns the exit code."""
    given = parse(RegionsArguments(tyro.MISSING), arguments, "nst3d regions", _DESCRIPTION)
    opened = open_path(given.scene) if given.scene.exists() else None
    own = given.preset if opened is None or given.preset != "default" else opened.kind.preset
    config = load_preset(own, note)
    config = config if given.size is None else config.with_size(given.size)
    job = RegionsJob(
        given.scene,
        given.regions,
        given.out,
        replace(config, up=given.up),
        given.cameras,
        given.dataparser,
        given.overwrite,
    )
    report = run_regions(job, note, BRIDGES, opened)
    for line in _lines(report):
        say(line)
    for path in report.paths:
        say(str(path))
    return 0


def _lines(report: RegionsReport) -> list[str]:
    lines = [f"selectors: {', '.join(f'{name}:…' for name in report.selectors)}"]
    for selector, names in report.names.items():
        lines += [f"{selector}s:" if names else f"{selector}s: none with a name"]
        lines += [f"  {share:6.1%}  {selector}:{quoted(name)}" for name, share in names.items()]
    if report.regions:
        lines += ["regions:", *(f"  {share:6.1%}  {text}" for text, share in report.regions.items())]
    return lines
