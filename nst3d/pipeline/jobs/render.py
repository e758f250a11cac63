"""Renders a video or pictures of an asset."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import ImageColor

from nst3d.cameras.pinhole import Camera
from nst3d.errors import ConfigError, OutputError
from nst3d.files import sweep
from nst3d.images.io import write_image
from nst3d.pipeline.jobs.open_scene import open_scene
from nst3d.pipeline.jobs.render_options import RenderJob
from nst3d.pipeline.jobs.render_prints import fingerprint
from nst3d.pipeline.jobs.render_sound import Heard, with_sound
from nst3d.pipeline.kinds.bridges import ALONE, Bridges, Note
from nst3d.pipeline.kinds.flight import Plan, plan, read_way
from nst3d.pipeline.kinds.shown import Fade, Shown, check_alike
from nst3d.pipeline.runtime.kept_frames import KeptFrames
from nst3d.renderers.radiance import Frame
from nst3d.tensors import Array
from nst3d.video.encode import Soundtrack, write_mp4
from nst3d.video.passes import write_depth_scale, write_pass

Count = Callable[[int, int], None]


@dataclass(frozen=True)
class _Film:
    """Everything needed to render frames."""

    scene: Shown
    before: Shown | None
    """The state on the left."""
    fade: Fade | None
    plan: Plan
    background: Array
    passes: bool

    def frame(self, number: int) -> tuple[Array, Frame]:
        """A picture (h, w, 3), and the scene's frame for its passes."""
        camera, share = self.plan.cameras[number], float(self.plan.shares[number])
        if self.fade is not None:
            frame = self.fade.frame(camera, share, self.passes)
        else:
            frame = self.scene.frame(camera, self.passes)
        picture = frame.over(self.background)
        if self.before is not None:
            picture = np.concatenate([self.before.frame(camera).over(self.background), picture], axis=1)
        return picture, frame


def run_render(
    job: RenderJob,
    note: Note = lambda text: None,
    progress: Count = lambda done, total: None,
    bridges: Bridges = ALONE,
) -> Path:
    """Render a scene from the cameras of a path; returns `job.out`.

    `note` is called with messages for the user, `progress` with the frames done and in total; `bridges`
    provide optional packages. Raises InputError for a scene or path that cannot be read, OutputError if the
    result exists or cannot be written, ConfigError for invalid settings. Ctrl-C keeps the finished frames for
    `resume`.
    """
    _check_name(job)
    read_way(job.way)  # report a broken path at once; opening the scene takes a while
    heard = with_sound(job, note)
    job = heard.job
    _claim(job)
    film = _film(heard, note, bridges)
    if _kind(job) == ".png":
        picture, frame = film.frame(0)
        write_image(job.out, picture)
        _passes(job, film)(0, frame)
        progress(1, 1)
        return job.out
    folder = job.out if not _kind(job) else job.out.with_name(f".{job.out.name}.frames")
    total = len(film.plan.cameras)
    keeper = KeptFrames(folder, fingerprint(job, film.plan), job.output.resume, bool(_kind(job)))
    try:
        with keeper:
            _write(heard, film, keeper, progress)
    except BaseException:
        if keeper.count():
            note(f"{keeper.count()} of {total} frames are kept: run the same job with `resume` to continue")
        else:
            keeper.discard()
        raise
    return job.out


def parse_colour(text: str) -> tuple[float, float, float]:
    """A colour name or #rrggbb as sRGB in [0, 1]; ConfigError for anything else."""
    try:
        red, green, blue = ImageColor.getrgb(text)[:3]
    except ValueError:
        raise ConfigError(f"colour {text!r} is not known: give a name like white, or #rrggbb") from None
    return red / 255, green / 255, blue / 255


def _film(heard: Heard, note: Note, bridges: Bridges) -> _Film:
    job = heard.job
    scene = open_scene(job.scene, job.look, job.way, note, bridges)
    planned = heard.moved(plan(scene, job.way))
    before = fade = None
    if job.compare.before is not None:
        before = _state(job, job.compare.before, f"`before` {job.compare.before}", scene, note, bridges)
        if job.compare.fade is not None:
            fade = Fade((before, scene), job.compare.fade)
    if job.then:
        states = [scene, *(_state(job, path, str(path), scene, note, bridges) for path in job.then)]
        places = np.array(job.at) if job.at else np.linspace(0, 1, len(states))
        fade = Fade(states, (places * (planned.shares[-1] if heard.sound is None else 1)).tolist())
    unseen = sum(not _sees(camera, scene.hull) for camera in planned.cameras)
    if unseen:
        note(f"the scene is out of sight in {unseen} of {len(planned.cameras)} frames")
    background = scene.background if job.look.background is None else job.look.background
    beside = before if job.compare.fade is None else None
    return _Film(scene, beside, fade, planned, np.asarray(background, np.float32), bool(job.output.passes))


def _state(job: RenderJob, path: Path, name: str, scene: Shown, note: Note, bridges: Bridges) -> Shown:
    """Another state of the scene. ConfigError, starting with its `name`, for another scene."""
    state = open_scene(path, job.look, job.way, note, bridges)
    check_alike(state, scene, name)
    return state


def _sees(camera: Camera, points: Array) -> bool:
    pixels, depth = camera.project(points)
    inside = (pixels >= 0).all(1) & (pixels <= [camera.size.width, camera.size.height]).all(1)
    return bool((inside & (depth > 0)).any())


def _write(heard: Heard, film: _Film, keeper: KeptFrames, progress: Count) -> None:
    job, total = heard.job, len(film.plan.cameras)
    frames = _frames(film, keeper, _passes(job, film), progress)
    if _kind(job) == ".mp4":
        track = None if heard.sound is None else Soundtrack(heard.sound.path, total / film.plan.fps)
        write_mp4(job.out, frames, film.plan.fps, job.output.crf, track)
        keeper.discard()
    else:
        for _ in frames:
            pass
        keeper.finish(total)


def _frames(
    film: _Film, keeper: KeptFrames, passes: Callable[[int, Frame], None], progress: Count
) -> Iterator[Array]:
    total = len(film.plan.cameras)
    for number in range(total):
        picture = keeper.read(number)
        if picture is None:
            picture, frame = film.frame(number)
            keeper.keep(number, picture, lambda number=number, frame=frame: passes(number, frame))  # type: ignore[misc]
        yield picture
        progress(number + 1, total)
    keeper.settle()


def _passes(job: RenderJob, film: _Film) -> Callable[[int, Frame], None]:
    """Create the folder of the passes; returns a function that writes a frame's."""
    output = job.output
    if not output.passes:
        return lambda number, frame: None
    folder = job.out if not _kind(job) else job.out.with_name(f"{job.out.stem}_passes")
    folder.mkdir(exist_ok=True)
    far = _far(film)
    if "depth" in output.passes and output.pass_format == "png":
        write_depth_scale(folder / "depth.json", far)

    def write(number: int, frame: Frame) -> None:
        for name in output.passes:
            values = frame.depth if name == "depth" else frame.opacity
            write_pass(folder / f"{name}_{number:05d}.{output.pass_format}", name, values, far)

    return write


def _far(film: _Film) -> float:
    """A depth limit for the scene along the path, with a margin."""
    far = max(float(camera.project(film.scene.hull)[1].max()) for camera in film.plan.cameras)
    return 2.0 * far if far > 0 else 1.0


def _kind(job: RenderJob) -> str:
    """The suffix of the output; empty for a folder."""
    return "" if job.out.is_dir() else job.out.suffix.lower()


def _check_name(job: RenderJob) -> None:
    if job.out.suffix.lower() not in ("", ".mp4", ".png") and not job.out.is_dir():
        raise ConfigError(
            f"{job.out}: videos are written as .mp4; a name without a suffix is a folder for PNG frames"
        )


def _claim(job: RenderJob) -> None:
    """Create the result's folder, and refuse to overwrite anything unless asked."""
    out, output = job.out, job.output
    allowed = output.overwrite or output.resume
    try:
        if out.is_dir():
            if out.suffix.lower() in (".mp4", ".png"):
                raise OutputError(f"{out}: is a folder, expected a file name")
            if any(out.iterdir()) and not allowed:
                raise OutputError(f"{out}: exists and is not empty; give `overwrite` or another `out`")
        elif out.exists() and (not output.overwrite or not out.suffix):
            raise OutputError(f"{out}: exists; give `overwrite` or another `out`")
        folder = out.parent if out.suffix else out
        folder.mkdir(parents=True, exist_ok=True)
        sweep(folder)
    except OSError as error:
        raise OutputError(f"{out}: cannot be written ({error.strerror or error})") from None
