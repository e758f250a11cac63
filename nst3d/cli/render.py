"""nst3d render: a video or pictures of any asset."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from nst3d.cli.parse import parse
from nst3d.cli.reporter import CountReporter, say
from nst3d.errors import ConfigError
from nst3d.integrations.bridges import BRIDGES
from nst3d.pipeline.jobs.render import parse_colour, run_render
from nst3d.pipeline.jobs.render_options import Compare, FrameOutput, Pass, PassFormat, RenderJob
from nst3d.pipeline.kinds.flight import Way
from nst3d.pipeline.settings.config import Lighting
from nst3d.pipeline.settings.shown import AnyUp, SceneOptions
from nst3d.tensors import ImageSize

_DESCRIPTION = """Make a video or pictures of a mesh, splats or a voxel field, painted or not.

examples:
  nst3d render painted/painted.glb --path orbit --out orbit.mp4
  nst3d render painted.ply --path spiral --size 1280x720 --out spiral.mp4
  nst3d render painted.npz --path cameras --before field.npz --fade 0.3:0.7 --out fade.mp4
  nst3d render painted.npz --path flight.yaml --passes depth opacity --out frames/
  nst3d render teapot.glb --out front.png --elevation 30 --background black"""


@dataclass(frozen=True)
class RenderArguments:
    """What `nst3d render` takes."""

    scene: tyro.conf.Positional[Path]
    """The scene to show, or a folder that holds one mesh."""
    out: Path
    """An .mp4, a folder for PNG frames, or a .png for the first frame alone."""
    path: Annotated[str, tyro.conf.arg(metavar="orbit|spiral|cameras|FILE")] = "orbit"
    """The way of the camera: orbit, spiral, cameras (along those of the capture), keyframes in a .yaml, or a
    camera_path.json of nerfstudio's viewer."""
    frames: int | None = None
    """Frames in all; without it and --seconds as the path needs."""
    seconds: float | None = None
    """How long the video is."""
    fps: float | None = None
    """Frames a second; 24 where the path's file says nothing else."""
    size: Annotated[str | None, tyro.conf.arg(metavar="N|WxH")] = None
    """Width and height, pixels, such as 1280x720; one number for a square. Without it 512, or the capture's
    proportions."""
    elevation: float | None = None
    """Of an orbit, and where a spiral starts to rise, above the horizon, degrees; 18 and 20, or as the capture's
    cameras."""
    field_of_view: float | None = None
    """Of the shorter side, degrees; 40, or as the capture's cameras."""
    turns: float | None = None
    """How often an orbit (1) or a spiral (2) goes around; negative: the other way."""
    ease: float | None = None
    """Share of the time, to 0.5, in which the camera starts from rest, and in which it comes to rest."""
    loop: tyro.conf.FlagCreatePairsOff[bool] = False
    """Close a path of cameras or keyframes; orbits and spirals are closed."""
    cameras: Path | None = None
    """A capture, whose cameras the path follows or orbits among."""
    dataparser: Annotated[str | None, tyro.conf.arg(metavar="NAME")] = None
    """nerfstudio's dataparser that reads the capture of --cameras, such as blender-data."""
    data: Path | None = None
    """Where the data of a nerfstudio run is now; without it where the run says."""
    up: AnyUp = "auto"
    """World up: an axis, such as z or -y (written --up=-y); auto: as the file or its format says."""
    lighting: Lighting = "studio"
    """Of meshes: none, headlight or studio."""
    background: str | None = None
    """A colour's name, or #rrggbb; without it what a field says, white behind all else."""
    keep_specular: float = 1.0
    """How much of the view-dependence in the scene's file is shown, 0 to 1."""
    before: Path | None = None
    """The same scene with other colours, to show on the left, or to fade from."""
    fade: Annotated[str | None, tyro.conf.arg(metavar="START:END")] = None
    """Shares of the path, such as 0.3:0.7, between which --before becomes the scene."""
    passes: tuple[Pass, ...] = ()
    """Also write depth, opacity: a file a frame."""
    pass_format: PassFormat = "png"
    """png: 16 bits, with the depth's scale in depth.json; exr: float32."""
    crf: int = 18
    """Quality of the video, from 0 (lossless) to 51 (worst)."""
    overwrite: tyro.conf.FlagCreatePairsOff[bool] = False
    """Replace what is there."""
    resume: tyro.conf.FlagCreatePairsOff[bool] = False
    """Go on with what an interrupted run left."""
    quiet: tyro.conf.FlagCreatePairsOff[bool] = False
    """No progress."""


def render(arguments: Sequence[str]) -> int:
    """Run the command; returns the exit code."""
    default = RenderArguments(tyro.MISSING, tyro.MISSING)
    given = parse(default, arguments, "nst3d render", _DESCRIPTION)
    output = FrameOutput(given.crf, given.passes, given.pass_format, given.overwrite, given.resume)
    compare = Compare(given.before, _fade(given.fade))
    job = RenderJob(given.scene, given.out, _way(given), _look(given), output, compare)
    with CountReporter("rendering", given.quiet) as reporter:
        path = run_render(job, reporter.note, reporter.count, BRIDGES)
    say(str(path))
    return 0


def _way(given: RenderArguments) -> Way:
    return Way(
        path=given.path,
        frames=given.frames,
        seconds=given.seconds,
        fps=given.fps,
        size=_size(given.size),
        field_of_view=_radians(given.field_of_view),
        elevation=_radians(given.elevation),
        turns=given.turns,
        ease=given.ease,
        loop=given.loop,
    )


def _look(given: RenderArguments) -> SceneOptions:
    background = None if given.background is None else parse_colour(given.background)
    return SceneOptions(
        given.lighting, background, given.up, given.cameras, given.keep_specular, given.dataparser, given.data
    )


def _radians(degrees: float | None) -> float | None:
    return None if degrees is None else math.radians(degrees)


def _size(text: str | None) -> ImageSize | None:
    if text is None:
        return None
    match = re.fullmatch(r"(\d{1,6})(?:[xX×](\d{1,6}))?", text.strip())
    if match is None:
        raise ConfigError(f"size {text!r}: expected one number, or width and height like 1280x720")
    width = int(match[1])
    return ImageSize(int(match[2] or width), width)


def _fade(text: str | None) -> tuple[float, float] | None:
    if text is None:
        return None
    try:
        start, end = (float(part) for part in text.split(":"))
    except ValueError:
        raise ConfigError(f"fade {text!r}: expected two shares of the path, like 0.3:0.7") from None
    return start, end
