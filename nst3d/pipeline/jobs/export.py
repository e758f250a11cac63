"""Turns a radiance scene into a textured mesh."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Literal

from nst3d.bounds import Within, check_bounds
from nst3d.cameras.pinhole import Camera
from nst3d.errors import ConfigError, OutputError
from nst3d.files import OptionalPathField, PathField
from nst3d.formats.mesh_files import mesh_formats, save_mesh
from nst3d.pipeline.captures.reader import CaptureReader
from nst3d.pipeline.kinds.bridges import ALONE, Bridges, Note
from nst3d.pipeline.kinds.registry import open_path
from nst3d.pipeline.kinds.source import RadianceSource
from nst3d.pipeline.meshing.field_mesh import RESOLUTION, MeshingOptions, fused_mesh, fused_surface
from nst3d.pipeline.meshing.sights import cameras_around, chosen_cameras, draw_depth_pictures
from nst3d.pipeline.meshing.texture_bake import SOLVE, TextureOptions, baked_texture
from nst3d.representations.lattice import half_side

Fusion = Literal["own", "open3d"]

_AROUND = 480
"""Side of the pictures of a surrounding rig, in pixels."""
_FINEST = 320
"""Default number of cells along the longest side."""


@dataclass(frozen=True)
class SightOptions:
    """The renders that a mesh is made from."""

    views: Annotated[int, Within(1, 1000)] = 60
    """Maximum number of cameras that view the scene."""
    view_size: Annotated[int, Within(32, 4096)] | None = None
    """Longer side of the renders, in pixels; None: 1.5 times that of the photographs, from 240 to 720."""
    specular: Annotated[float, Within(0, 1)] = 0.0
    """Fraction of the scene's view-dependence in the texture: 0 none, 1 its mean over the views."""


@dataclass(frozen=True)
class ExportJob:
    """Scene to convert to a mesh, settings and output."""

    scene: PathField = PathField()
    """Voxel field or splats."""
    out: PathField = PathField()
    """Output file: .glb, .gltf or .obj."""
    cameras: OptionalPathField = OptionalPathField()
    """Capture whose cameras view the scene, instead of the scene's own."""
    sights: SightOptions = field(default_factory=SightOptions)
    meshing: MeshingOptions = field(default_factory=MeshingOptions)
    texture: TextureOptions = field(default_factory=TextureOptions)
    overwrite: bool = False
    """Replace existing files."""
    dataparser: str | None = None
    """nerfstudio dataparser for `cameras`; None: the format is detected."""
    fusion: Fusion = "own"
    """Depth fusion: nst3d's own, or Open3D's."""


@dataclass(frozen=True)
class Exported:
    """The result of an export."""

    paths: tuple[Path, ...]
    faces: int
    texture: tuple[int, int]
    """Height and width, in pixels."""
    views: int


def run_export(
    job: ExportJob,
    note: Note = lambda text: None,
    progress: Callable[[int, int], None] = lambda done, total: None,
    bridges: Bridges = ALONE,
) -> Exported:
    """Render the scene with depth, fuse the depths into a surface, and bake the renders into its texture.

    `note` is called with messages for the user, `progress` with the views rendered plus solver iterations,
    done and total; `bridges` provide optional packages. Raises InputError for a scene that cannot be read or
    shows no surface, OutputError if the result exists or cannot be written, ConfigError for invalid settings.
    """
    _check(job)
    opened = open_path(job.scene)
    if opened.kind.source is None:
        raise opened.refusal("export", ", neither a voxel field (.npz) nor splats")
    source = opened.kind.source(opened)
    for text in source.notes:
        note(text)
    reader = bridges.reader(job.dataparser, job.cameras)
    cameras = _cameras(job, reader, source, note)
    steps = len(cameras) + SOLVE.iterations
    drawn = (source.renderer, cameras, source.colours, job.sights.specular)
    sights = draw_depth_pictures(*drawn, progress=lambda done: progress(done, steps))
    meshing = replace(
        job.meshing, resolution=job.meshing.resolution or _resolution(source, job.meshing.reach)
    )
    fuse = fused_surface if job.fusion == "own" else bridges.fuse
    mesh, lattice = fused_mesh(source.space, sights, source.up, meshing, str(job.scene), fuse)
    paint, colours = baked_texture(
        mesh, lattice, sights, job.texture, lambda done: progress(len(cameras) + done, steps)
    )
    progress(steps, steps)
    paths = save_mesh(job.out, mesh, paint, colours)
    size = paint.slots[0].size
    return Exported(tuple(paths), mesh.num_faces, (size.height, size.width), len(cameras))


def _cameras(job: ExportJob, reader: CaptureReader, source: RadianceSource, note: Note) -> list[Camera]:
    options = job.sights
    known = source.cameras
    if job.cameras is not None:
        capture = reader.for_scene(job.cameras, job.scene)
        known = tuple(photo.camera for photo in capture.of("train"))
        for text in capture.notes:
            note(text)
    if known:
        usual = min(max(round(1.5 * max(max(c.size) for c in known)), 240), 720)
        return chosen_cameras(known, options.views, options.view_size or usual)
    note(
        f"{job.scene}: has no cameras of its own; using cameras all around it"
        " (give `cameras`, a capture, for others)"
    )
    return cameras_around(source.space, source.up, options.view_size or _AROUND, options.views)


def _resolution(source: RadianceSource, reach: float) -> int:
    """Cells half as large as the field's own."""
    if source.cell is None:
        return RESOLUTION
    return min(max(round(4 * half_side(source.space, reach) / source.cell), 32), _FINEST)


def _check(job: ExportJob) -> None:
    check_bounds(job)
    written = [f.suffix for f in mesh_formats("textures")]
    if job.out.suffix.lower() not in written:
        raise ConfigError(f"{job.out}: textured meshes are written as {', '.join(written)}")
    if job.out.exists() and (not job.overwrite or job.out.is_dir()):
        raise OutputError(f"{job.out}: exists; give `overwrite` or another `out`")
    try:
        job.out.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{job.out}: cannot be written ({error.strerror or error})") from None
