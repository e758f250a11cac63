"""nst3d render: a video or pictures of any asset."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro

from nst3d.cli.parse import parse
from nst3d.cli.reporter import CountReporter, say
from nst3d.errors import ConfigError
from nst3d.pipeline.config import Lighting, OutputOptions
from nst3d.pipeline.gallery import Orbit
from nst3d.pipeline.mesh_scene import Up
from nst3d.pipeline.render_job import RenderJob, parse_colour, run_render
from nst3d.tensors import ImageSize

_DESCRIPTION = """Make a video or pictures of any mesh (GLB, glTF, OBJ, PLY, STL), painted or not.

examples:
  nst3d render painted/painted.glb --path orbit --out orbit.mp4
  nst3d render teapot.glb --out frames/ --frames 24 --size 1280x720
  nst3d render teapot.glb --out front.png --elevation 30 --background black"""


@dataclass(frozen=True)
class RenderArguments:
    """What `nst3d render` takes."""

    scene: tyro.conf.Positional[Path]
    """The mesh to show, or a folder that holds one."""
    out: Path
    """An .mp4, a folder for PNG frames, or a .png for the first frame alone."""
    path: Literal["orbit"] = "orbit"
    """The way of the camera: orbit, once around."""
    frames: int = 96
    """Frames in all."""
    fps: float = 24.0
    """Frames a second."""
    size: Annotated[str, tyro.conf.arg(metavar="N|WxH")] = "512"
    """Width and height, pixels, such as 1280x720; one number for a square."""
    elevation: float = 18.0
    """Of the camera above the horizon, degrees."""
    field_of_view: float = 40.0
    """Of the shorter side, degrees."""
    turns: float = 1.0
    """How often the camera goes around; negative: the other way."""
    up: Up = "auto"
    """World up: x, y or z; auto: as the format says."""
    lighting: Lighting = "studio"
    """none, headlight or studio."""
    background: str = "white"
    """A colour's name, or #rrggbb."""
    crf: int = 18
    """Quality of the video, from 0 (lossless) to 51 (worst)."""
    overwrite: tyro.conf.FlagCreatePairsOff[bool] = False
    """Replace what is there."""
    quiet: tyro.conf.FlagCreatePairsOff[bool] = False
    """No progress."""


def render(arguments: Sequence[str]) -> int:
    """Run the command; returns the exit code."""
    default = RenderArguments(tyro.MISSING, tyro.MISSING)
    given = parse(default, arguments, "nst3d render", _DESCRIPTION)
    job = RenderJob(given.scene, given.out, _orbit(given), _look(given), given.crf, given.overwrite, given.up)
    with CountReporter("rendering", given.quiet) as reporter:
        path = run_render(job, reporter.note, reporter.count)
    say(str(path))
    return 0


def _orbit(given: RenderArguments) -> Orbit:
    return Orbit(
        frames=given.frames,
        size=_size(given.size),
        elevation=math.radians(given.elevation),
        field_of_view=math.radians(given.field_of_view),
        turns=given.turns,
    )


def _look(given: RenderArguments) -> OutputOptions:
    return OutputOptions(fps=given.fps, lighting=given.lighting, background=parse_colour(given.background))


def _size(text: str) -> ImageSize:
    match = re.fullmatch(r"(\d{1,6})(?:[xX×](\d{1,6}))?", text.strip())
    if match is None:
        raise ConfigError(f"size {text!r}: expected one number, or width and height like 1280x720")
    width = int(match[1])
    return ImageSize(int(match[2] or width), width)
