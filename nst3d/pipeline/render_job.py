"""A video or pictures of an asset as it is."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from PIL import ImageColor

from nst3d.errors import ConfigError, InputError, OutputError
from nst3d.formats.dispatch import is_picture, load_mesh
from nst3d.images.io import write_image
from nst3d.pipeline.config import OutputOptions
from nst3d.pipeline.gallery import Orbit, draw_frames, orbit_cameras
from nst3d.pipeline.mesh_scene import Up, upright
from nst3d.pipeline.shown_mesh import show_mesh
from nst3d.tensors import Array
from nst3d.video.encode import write_mp4, write_pngs


@dataclass(frozen=True)
class RenderJob:
    """What to show, how and where to."""

    scene: Path
    out: Path
    """An .mp4, a .png (the first frame alone), or a folder for PNG frames."""
    orbit: Orbit = field(default_factory=Orbit)
    look: OutputOptions = field(default_factory=OutputOptions)
    """Its lighting, background and fps count."""
    crf: int = 18
    """H.264 quality, from 0 (lossless) to 51."""
    overwrite: bool = False
    """Replace what is there."""
    up: Up = "auto"
    """World up; auto: as the format says."""


def run_render(
    job: RenderJob,
    note: Callable[[str], None] = lambda text: None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Path:
    """Render a mesh from the cameras of an orbit; returns `job.out`.

    `note` hears what the user should know of the file, `progress` the frames done and the frames in all.
    Raises InputError for a scene that cannot be read, OutputError if the result exists or cannot be
    written, ConfigError for settings that make no sense.
    """
    _check(job)
    _claim(job)
    mesh = upright(load_mesh(job.scene), job.up)
    for text in mesh.notes:
        note(text)
    shown = show_mesh(mesh, job.orbit)
    cameras = orbit_cameras(shown, job.orbit)
    frames = draw_frames(shown.renderer, cameras, shown.colours, job.look)
    _write(job, _counted(frames, len(cameras), progress))
    return job.out


def parse_colour(text: str) -> tuple[float, float, float]:
    """A colour's name or #rrggbb as sRGB in [0, 1]; ConfigError for anything else."""
    try:
        red, green, blue = ImageColor.getrgb(text)[:3]
    except ValueError:
        raise ConfigError(f"colour {text!r} is not known: give a name like white, or #rrggbb") from None
    return red / 255, green / 255, blue / 255


def _check(job: RenderJob) -> None:
    orbit, size = job.orbit, job.orbit.size
    if is_picture(job.scene):
        raise InputError(f"{job.scene}: is a picture; a mesh was expected ({_PATHS})")
    if not 16 <= min(size) <= max(size) <= 8192:
        raise ConfigError(f"size {size.width}x{size.height}: sides from 16 to 8192 pixels can be rendered")
    if orbit.frames < 1 or not 0 < job.look.fps <= 240:
        raise ConfigError("a video needs at least 1 frame, and 1 to 240 frames a second")
    if not 0.0 < orbit.field_of_view < 2.6:
        raise ConfigError("the field of view must lie between 0 and 150 degrees")
    if not abs(orbit.elevation) < 1.56:
        raise ConfigError("the elevation must lie between -89 and 89 degrees")
    if not abs(orbit.turns) <= 1000:
        raise ConfigError(f"{orbit.turns:g} turns: from -1000 to 1000 can be rendered")
    if not 0 <= job.crf <= 51:
        raise ConfigError(f"crf {job.crf}: from 0 (lossless) to 51 (worst)")
    if job.out.suffix.lower() not in ("", ".mp4", ".png") and not job.out.is_dir():
        raise ConfigError(
            f"{job.out}: videos are written as .mp4; a name without a suffix is a folder for PNG frames"
        )


_PATHS = "GLB, glTF, OBJ, PLY or STL"


def _claim(job: RenderJob) -> None:
    """Make the folder of the result, and make sure that nothing is overwritten unasked."""
    out = job.out
    try:
        if out.is_dir():
            if out.suffix.lower() in (".mp4", ".png"):
                raise OutputError(f"{out}: is a folder, expected the name of a file to write")
            if any(out.iterdir()) and not job.overwrite:
                raise OutputError(f"{out}: exists and is not empty; give --overwrite or another --out")
        elif out.exists() and (not job.overwrite or not out.suffix):
            raise OutputError(f"{out}: exists; give --overwrite or another --out")
        (out.parent if out.suffix else out).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{out}: cannot be written ({error.strerror or error})") from None


def _write(job: RenderJob, frames: Iterable[Array]) -> None:
    suffix = "" if job.out.is_dir() else job.out.suffix.lower()
    if suffix == ".mp4":
        write_mp4(job.out, frames, job.look.fps, job.crf)
    elif suffix == ".png":
        write_image(job.out, next(iter(frames)))
    else:
        count = write_pngs(job.out, frames)
        # Frames of a longer video that was here before would be taken for this one's.
        for path in job.out.glob("frame_[0-9][0-9][0-9][0-9][0-9].png"):
            if int(path.stem.removeprefix("frame_")) >= count:
                with contextlib.suppress(OSError):
                    path.unlink()


def _counted(frames: Iterable[Array], total: int, progress: Callable[[int, int], None]) -> Iterator[Array]:
    for done, frame in enumerate(frames, start=1):
        yield frame
        progress(done, total)
