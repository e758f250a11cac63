"""nst3d render: make a video or pictures of any asset."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import tyro

from nst3d.cli.parse import parse
from nst3d.cli.terminal import CountBar, say
from nst3d.errors import ConfigError
from nst3d.integrations.bridges import BRIDGES
from nst3d.pipeline.jobs.for_painting import ForPaintingJob, run_for_painting
from nst3d.pipeline.jobs.render import parse_colour, run_render
from nst3d.pipeline.jobs.render_options import Compare, FrameOutput, Pass, PassFormat, RenderJob
from nst3d.pipeline.kinds.flight import Way
from nst3d.pipeline.runtime.steadiness import steadiness_of
from nst3d.pipeline.settings.config import Lighting
from nst3d.pipeline.settings.shown import SceneOptions, Up
from nst3d.tensors import ImageSize

_DESCRIPTION = """Make a video or pictures of a mesh, splats or a voxel field, painted or not.

examples:
  nst3d render painted/painted.glb --path orbit --out orbit.mp4
  nst3d render wave.glb scream.glb monet.glb --path orbit --out styles.mp4
  nst3d render wave.glb scream.glb monet.glb --at 0,0.3,0.8 --out styles.mp4
  nst3d render painted/painted.glb --sound song.mp3 --out film.mp4
  nst3d render painted.ply --path spiral --size 1280x720 --out spiral.mp4
  nst3d render painted.npz --path cameras --before field.npz --fade 0.3:0.7 --out fade.mp4
  nst3d render painted.npz --path flight.yaml --passes depth opacity --out frames/
  nst3d render teapot.glb --for-painting --view front back --out views/
  nst3d render teapot.glb --out front.png --elevation 30 --background black"""


@dataclass(frozen=True)
class RenderArguments:
    """Arguments of `nst3d render`."""

    scene: tyro.conf.Positional[Annotated[tuple[Path, ...], tyro.conf.arg(metavar="SCENE [SCENE ...]")]]
    """Scene to show, or a folder with one mesh. Several: the same scene in different colours, each of which fades into
    the next along the path."""
    out: Path
    """Output: an .mp4, a folder for PNG frames, or a .png for the first frame only."""
    path: Annotated[str, tyro.conf.arg(metavar="auto|orbit|spiral|inside|cameras|FILE")] = "auto"
    """Camera path: auto (orbit, then inside if a mesh has a room), orbit, spiral, inside (a turn in a room),
    cameras (through those of the capture), keyframes in a .yaml, or a
    camera_path.json from nerfstudio's viewer."""
    frames: Annotated[int | None, tyro.conf.arg(metavar="N")] = None
    """Number of frames; by default given by --seconds or the path."""
    seconds: Annotated[float | None, tyro.conf.arg(metavar="SECONDS")] = None
    """Length of the video."""
    fps: Annotated[float | None, tyro.conf.arg(metavar="FPS")] = None
    """Frames per second; 24 by default, unless the path's file sets it."""
    size: Annotated[str | None, tyro.conf.arg(metavar="N|WxH")] = None
    """Width and height in pixels, such as 1280x720, or one number for a square; by default 512, or the
    capture's aspect ratio."""
    elevation: Annotated[float | None, tyro.conf.arg(metavar="DEGREES")] = None
    """Elevation of an orbit, or of the start of a spiral, above the horizon; by default 18 and 20, or that of
    the capture's cameras."""
    field_of_view: Annotated[float | None, tyro.conf.arg(metavar="DEGREES")] = None
    """Field of view along the shorter side; by default 40, or that of the capture's cameras."""
    turns: Annotated[float | None, tyro.conf.arg(metavar="N")] = None
    """Number of turns, by default 1 for an orbit and 2 for a spiral; negative for the other direction."""
    ease: Annotated[float | None, tyro.conf.arg(metavar="0..0.5")] = None
    """Fraction of the time spent accelerating from rest, and again decelerating to rest."""
    loop: tyro.conf.FlagCreatePairsOff[bool] = False
    """Close a path of cameras or keyframes; orbits and spirals are always closed."""
    cameras: Annotated[Path | None, tyro.conf.arg(metavar="CAPTURE")] = None
    """Capture whose cameras guide the path."""
    dataparser: Annotated[str | None, tyro.conf.arg(metavar="NAME")] = None
    """nerfstudio dataparser for the capture of --cameras, such as blender-data."""
    data: Annotated[Path | None, tyro.conf.arg(metavar="FOLDER")] = None
    """Data of a nerfstudio run, if it has moved since training."""
    up: Up = "auto"
    """World up axis; auto follows the file or its format."""
    lighting: Lighting = "studio"
    """Lighting of meshes."""
    background: Annotated[str | None, tyro.conf.arg(metavar="COLOUR")] = None
    """Background colour, a name or #rrggbb; by default a voxel field's own, otherwise white."""
    keep_specular: Annotated[float, tyro.conf.arg(metavar="0..1")] = 1.0
    """Fraction of the scene's view-dependent colour that is shown."""
    before: Annotated[Path | None, tyro.conf.arg(metavar="SCENE")] = None
    """The same scene in other colours, shown on the left or faded from."""
    fade: Annotated[str | None, tyro.conf.arg(metavar="START:END")] = None
    """Fractions of the path, such as 0.3:0.7, between which --before fades into the scene."""
    for_painting: tyro.conf.FlagCreatePairsOff[bool] = False
    """Write pictures to paint over into the folder --out, each with its camera, for nst3d paint --reference."""
    view: Annotated[tuple[str, ...], tyro.conf.arg(metavar="VIEW...")] = ()
    """Views of --for-painting: front (default), back, left, right, top, bottom, three-quarter, the number of one of
    the scene's own cameras, or azimuth,elevation[,distance], in degrees and relative to a distance that fills the
    picture."""
    at: Annotated[str | None, tyro.conf.arg(metavar="A,B,…")] = None
    """Fractions of the path, or of the strength of --sound, at which each of several scenes shows alone, such as
    0,0.3,1; by default at equal distances."""
    sound: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """Sound (wav, flac, ogg, mp3, …) that the film moves with: quiet moments show the scene as it was before it was
    painted, or the first of several, loud ones and beats as it is, or the last. The video gets its sound and length."""
    passes: Annotated[tuple[Pass, ...], tyro.conf.arg(metavar="PASS...")] = ()
    """Additional outputs, one file per frame: depth, opacity, or both."""
    pass_format: PassFormat = "png"
    """Format of --passes: 16-bit png, with the depth's scale in depth.json, or float32 exr."""
    crf: Annotated[int, tyro.conf.arg(metavar="0..51")] = 18
    """H.264 quality of the video, from 0 (lossless) to 51 (worst)."""
    overwrite: tyro.conf.FlagCreatePairsOff[bool] = False
    """Replace existing files."""
    resume: tyro.conf.FlagCreatePairsOff[bool] = False
    """Continue an interrupted run."""
    check: tyro.conf.FlagCreatePairsOff[bool] = False
    """Measure how much the pictures change from frame to frame along the motion."""
    quiet: tyro.conf.FlagCreatePairsOff[bool] = False
    """No progress bar."""


def render(arguments: Sequence[str]) -> int:
    """Run the command; returns the exit code."""
    default = RenderArguments(tyro.MISSING, tyro.MISSING)
    given = parse(default, arguments, "nst3d render", _DESCRIPTION)
    output = FrameOutput(given.crf, given.passes, given.pass_format, given.overwrite, given.resume)
    compare = Compare(given.before, _fade(given.fade))
    if not given.scene:
        raise ConfigError("no scene: give the file or folder to show")
    if given.for_painting:
        return _for_painting(given)
    if given.view:
        raise ConfigError(
            "--view is for pictures to paint over: give --for-painting, too, or --path and --elevation"
        )
    scene, *then = given.scene
    job = RenderJob(
        scene, given.out, _way(given), _look(given), output, compare, then, _places(given.at), given.sound
    )
    with CountBar("rendering", given.quiet) as bar:
        path = run_render(job, bar.note, bar.count, BRIDGES)
    say(str(path))
    if given.check:
        beside = compare.before is not None and compare.fade is None
        say(_steadiness(steadiness_of(path, 2 if beside else 1)))
    return 0


def _for_painting(given: RenderArguments) -> int:
    if len(given.scene) > 1:
        raise ConfigError("--for-painting takes one scene")
    job = ForPaintingJob(
        given.scene[0],
        given.out,
        given.view or ForPaintingJob.views,
        _size(given.size),
        _radians(given.field_of_view),
        _look(given),
        given.overwrite,
    )
    for path in run_for_painting(job, say, BRIDGES):
        say(str(path))
    return 0


def _steadiness(found: Mapping[str, Any]) -> str:
    if found["flow"] is None:
        return f"not checked: {found['reason']}"
    *before, scene = (f"{error:.4f}" for error in found["warped_error"])
    beside = f", and {before[0]} in the scene of --before" if before else ""
    return f"from frame to frame, {scene} of 1 changes along the motion ({found['pairs']} pairs){beside}"


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
        raise ConfigError(f"fade {text!r}: expected two fractions of the path, like 0.3:0.7") from None
    return start, end


def _places(text: str | None) -> tuple[float, ...]:
    if text is None:
        return ()
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError:
        raise ConfigError(
            f"at {text!r}: expected a fraction of the path for each scene, like 0,0.3,1"
        ) from None
