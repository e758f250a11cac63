"""A whole paint job: from a scene and a style to an asset, pictures, a configuration and numbers."""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
import yaml

from nst3d.errors import ConfigError, InputError, OutputError
from nst3d.files import write_bytes
from nst3d.formats.dispatch import load_mesh
from nst3d.formats.gltf_write import left_out
from nst3d.formats.point_cloud import is_point_cloud
from nst3d.formats.scene import SceneKind, capture_comes_first, kind_of, nerf_needs_opener
from nst3d.images.io import read_image
from nst3d.pipeline.capture_reader import OWN_READER, CaptureReader
from nst3d.pipeline.cleaning import Cleaning
from nst3d.pipeline.config import PaintConfig, as_plain
from nst3d.pipeline.displace_job import displace_mesh
from nst3d.pipeline.machine import Clock, peak_memory_gb, use_threads
from nst3d.pipeline.mesh_scene import Casting, prepare_mesh, upright
from nst3d.pipeline.mesh_subject import MeshSubject
from nst3d.pipeline.out_folder import claimed_folder, need_checkpoint
from nst3d.pipeline.painter import Keeper, Painter
from nst3d.pipeline.picture_subject import PictureSubject
from nst3d.pipeline.radiance_scene import open_field, open_splats, suited
from nst3d.pipeline.radiance_subject import RadianceSubject
from nst3d.pipeline.report import Reporter, Silent
from nst3d.pipeline.subject import Subject
from nst3d.tensors import Image

_STYLE_PIXELS = 4_000_000
_STYLE_ASPECT = 16
CHECKPOINT = "checkpoint.pt"
_CONFIG = "config.yaml"


@dataclass(frozen=True)
class Job:
    """What to paint, with what, where to."""

    scene: Path
    styles: tuple[Path, ...]
    out: Path
    config: PaintConfig = field(default_factory=PaintConfig)
    overwrite: bool = False
    resume: bool = False
    cameras: Path | None = None
    """A capture whose cameras paint a voxel field or splats; None: the field's own, a rig for splats."""
    casting: Casting | None = None
    """What the setting `renderer` means where that is not embree: from nst3d.integrations, which know the package."""
    reader: CaptureReader = OWN_READER
    """Who reads `cameras`."""
    cleaning: Cleaning | None = None
    """How a scan, a mesh or a point cloud, is made a clean mesh first; from nst3d.integrations."""
    data: Path | None = None
    """Where the data of a nerfstudio run is now; None: where the run says."""

    def __post_init__(self) -> None:
        """Take plain strings for paths, and one style by itself, too."""
        styles = (self.styles,) if isinstance(self.styles, str | Path) else self.styles
        if not styles:
            raise ConfigError("no style: give --style IMAGE")
        object.__setattr__(self, "scene", Path(self.scene))
        object.__setattr__(self, "styles", tuple(Path(s) for s in styles))
        object.__setattr__(self, "out", Path(self.out))
        if self.cameras is not None:
            object.__setattr__(self, "cameras", Path(self.cameras))
        if (self.casting is None) != (self.config.renderer == "embree"):
            raise ConfigError(
                f"renderer {self.config.renderer}: give the casting that it stands for with the job"
            )


@dataclass(frozen=True)
class Result:
    """What a job made."""

    paths: tuple[Path, ...]
    metrics: dict[str, Any]
    """What metrics.json holds. Seconds are of this run, wall_s all of it; iterations count those resumed, too."""
    interrupted: bool = False
    """Stopped by the user; `Job.resume` goes on."""


OpenNerf = Callable[[Job, Image, Reporter], tuple[Subject, PaintConfig]]
"""Opens a nerfacto run to be painted in a style (h, w, 3)."""


def run_job(job: Job, reporter: Reporter | None = None, open_nerf: OpenNerf | None = None) -> Result:
    """Paint a scene and write everything into `job.out`; `open_nerf` opens runs of nerfacto.

    Raises Nst3dError subclasses for what the user can put right. Ctrl-C ends the painting early: what there
    is gets written, with a checkpoint to resume from.
    """
    if job.resume:  # known at once, whatever the scene takes to be read
        need_checkpoint(job.out / CHECKPOINT)
    with claimed_folder(job.out, job.overwrite or job.resume, [_CONFIG]):
        return _paint(job, reporter or Silent(), open_nerf)


def _paint(job: Job, reporter: Reporter, open_nerf: OpenNerf | None) -> Result:
    use_threads(job.config.threads)
    clock = Clock()
    reporter.phase("reading")
    styles = [_read_style(path, reporter) for path in job.styles]
    clock.lap("read_s")
    reporter.phase("preparing")
    subject, config = _subject(job, styles, reporter, open_nerf)
    clock.lap("prepare_s")
    reporter.phase("painting")
    output = job.config.output
    keeper = Keeper(job.out / CHECKPOINT, _fingerprint(job), output.checkpoint_seconds, job.resume)
    painter = Painter(config, subject, styles, keeper, reporter)
    # Only now, for what an earlier run left stays whole until this one is known to work.
    write_bytes(job.out / _CONFIG, _config_yaml(job))
    interrupted = painter.paint()
    clock.lap("paint_s")
    reporter.phase("writing")
    try:
        paths, metrics = _write(job, painter, clock)
    except BaseException:
        with contextlib.suppress(OutputError):
            painter.keep()
            reporter.note("the painting is kept: the same command with --resume writes it")
        raise
    if not interrupted:
        keeper.forget()
    return Result(tuple(paths), metrics, interrupted)


def _write(job: Job, painter: Painter, clock: Clock) -> tuple[list[Path], dict[str, Any]]:
    subject, painted = painter.subject, painter.result()
    paths = subject.save(job.out, painted)
    paths += subject.show(job.out, painted)
    clock.lap("write_s")
    metrics = painter.metrics() | subject.facts() | clock.laps | {"peak_rss_gb": peak_memory_gb()}
    return paths + _write_records(job, metrics), metrics


def _read_style(path: Path, reporter: Reporter) -> Image:
    picture = read_image(path, max_pixels=_STYLE_PIXELS)
    for note in picture.notes:
        reporter.note(note)
    height, width = picture.pixels.shape[:2]
    if max(height, width) > _STYLE_ASPECT * min(height, width):
        raise InputError(f"{path}: {width} x {height} pixels are too narrow for a style; crop it")
    return torch.from_numpy(picture.pixels)


def _subject(
    job: Job, styles: list[Image], reporter: Reporter, open_nerf: OpenNerf | None
) -> tuple[Subject, PaintConfig]:
    """The scene, and the settings with what depends on it decided."""
    kind = kind_of(job.scene) if job.cleaning is None else _cleanable(job.scene)
    _check_options(job, kind)
    if kind == "capture":
        raise capture_comes_first(job.scene)
    style = styles[0]
    if kind == "picture":
        picture = PictureSubject(job.scene, style, job.config)
        _tell(reporter, picture.notes)
        return picture, job.config
    if job.config.start != "content":
        raise ConfigError("--settings.start noise is for pictures; other scenes start from their own colours")
    if kind == "nerf":
        if open_nerf is None:
            raise nerf_needs_opener(job.scene)
        return open_nerf(job, style, reporter)
    return _mesh(job, styles, reporter) if kind == "mesh" else _radiance(job, kind, style, reporter)


def _check_options(job: Job, kind: SceneKind) -> None:
    """Raise ConfigError for what was asked for that is not for scenes of this kind."""
    if job.cameras is not None and kind not in ("field", "splats", "nerf"):
        raise ConfigError(f"--cameras is for voxel fields, splats and NeRFs; {job.scene} is a {kind}")
    if job.config.keep_specular and kind in ("mesh", "picture"):
        raise ConfigError(f"--keep-specular is for voxel fields, splats and NeRFs; {job.scene} is a {kind}")
    if job.casting is not None and kind != "mesh":
        raise ConfigError(f"--renderer {job.config.renderer} is for meshes; {job.scene} is a {kind}")
    if job.config.displace.fraction and kind != "mesh":
        raise ConfigError(f"--displace is for meshes; {job.scene} is a {kind}")
    if job.config.nerf != PaintConfig.nerf and kind != "nerf":
        raise ConfigError(f"--nerf is for runs of nerfacto; {job.scene} is a {kind}")
    if job.data is not None and kind != "nerf":
        raise ConfigError(f"--data is for runs of nerfacto; {job.scene} is a {kind}")


def _mesh(job: Job, styles: list[Image], reporter: Reporter) -> tuple[Subject, PaintConfig]:
    config = job.config
    clean = job.cleaning
    mesh = clean.clean(job.scene, clean.options, reporter.note) if clean else load_mesh(job.scene)
    mesh = upright(mesh, config.up)
    _tell(reporter, mesh.notes)
    shape: dict[str, Any] = {}
    if config.displace.fraction:
        mesh, shape = displace_mesh(mesh, styles, config, reporter)
        reporter.phase("preparing")
    scene = prepare_mesh(mesh, config.surface, config.rig, config.schedule.finest, job.casting)
    _tell(reporter, left_out(mesh, scene.paint))
    return MeshSubject(scene, job.scene, styles[0], config, shape), config


def _cleanable(scene: Path) -> SceneKind:
    kind = kind_of(scene)
    if kind != "mesh" and not is_point_cloud(scene):
        raise ConfigError(f"--clean is for meshes and point clouds; {scene} is a {kind}")
    return "mesh"


def _radiance(job: Job, kind: str, style: Image, reporter: Reporter) -> tuple[Subject, PaintConfig]:
    if kind == "field":
        scene = open_field(job.scene, job.cameras, job.config, job.reader)
    else:
        scene = open_splats(job.scene, job.cameras, job.config, job.reader)
    _tell(reporter, scene.notes)
    config = suited(job.config, scene)
    return RadianceSubject(scene, style, config), config


def _tell(reporter: Reporter, notes: Iterable[str]) -> None:
    for note in notes:
        reporter.note(note)


def _config_yaml(job: Job) -> bytes:
    values = {
        "scene": str(job.scene),
        "styles": [str(s) for s in job.styles],
        **({} if job.cameras is None else {"cameras": str(job.cameras)}),
        **({"dataparser": job.reader.name} if job.reader.name else {}),
        **({} if job.cleaning is None else {"clean": as_plain(job.cleaning.options)}),
        **({} if job.data is None else {"data": str(job.data)}),
        "settings": as_plain(job.config),
    }
    return yaml.safe_dump(values, sort_keys=False, allow_unicode=True).encode()


def _fingerprint(job: Job) -> str:
    """What a checkpoint belongs to: the bytes of scene and styles, and all settings but the output's."""
    digest = hashlib.sha256()
    for path in (job.scene, *job.styles):
        digest.update(path.read_bytes() if path.is_file() else str(path).encode())
    if job.cameras is not None:
        digest.update(f"cameras {job.cameras} {job.reader.name}".rstrip().encode())
    if job.cleaning is not None:
        digest.update(f"clean {as_plain(job.cleaning.options)}".encode())
    settings = as_plain(job.config)
    settings.pop("output")
    digest.update(json.dumps(settings, sort_keys=True).encode())
    return digest.hexdigest()


def _write_records(job: Job, metrics: dict[str, Any]) -> list[Path]:
    path = job.out / "metrics.json"
    write_bytes(path, (json.dumps(metrics, indent=2) + "\n").encode())
    return [job.out / _CONFIG, path]
