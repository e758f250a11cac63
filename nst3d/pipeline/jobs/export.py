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
"""Side of the pictures of cameras all around, pixels."""
_FINEST = 320
"""Cells along the longest side, unless more are asked for."""


@dataclass(frozen=True)
class SightOptions:
    """The pictures that a mesh is made from."""

    views: Annotated[int, Within(1, 1000)] = 60
    """At most so many cameras look at the scene."""
    view_size: Annotated[int, Within(32, 4096)] | None = None
    """Longer side of their pictures, pixels; None: one and a half times that of the photographs, 240 to 720."""
    specular: Annotated[float, Within(0, 1)] = 0.0
    """How much of the scene's view-dependence goes into the texture: 0 none, 1 its mean over the views."""


@dataclass(frozen=True)
class ExportJob:
    """What becomes a mesh, how, and where it goes."""

    scene: PathField = PathField()
    """A voxel field or splats."""
    out: PathField = PathField()
    """A .glb, .gltf or .obj."""
    cameras: OptionalPathField = OptionalPathField()
    """A capture whose cameras see the scene, instead of those that the scene itself brings."""
    sights: SightOptions = field(default_factory=SightOptions)
    meshing: MeshingOptions = field(default_factory=MeshingOptions)
    texture: TextureOptions = field(default_factory=TextureOptions)
    overwrite: bool = False
    """Replace what is there."""
    dataparser: str | None = None
    """nerfstudio's dataparser that reads `cameras`; None: the format is told from the files."""
    fusion: Fusion = "own"
    """What fuses depths into a surface: nst3d itself, or Open3D."""


@dataclass(frozen=True)
class Exported:
    """What was written."""

    paths: tuple[Path, ...]
    faces: int
    texture: tuple[int, int]
    """Height and width, pixels."""
    views: int


def run_export(
    job: ExportJob,
    note: Note = lambda text: None,
    progress: Callable[[int, int], None] = lambda done, total: None,
    bridges: Bridges = ALONE,
) -> Exported:
    """Draw the scene with its depth, fuse the depths into a surface, bake the pictures into its texture.

    `note` hears what the user should know, `progress` of the views drawn and the solver's iterations, done
    and in all; `bridges` do what takes other packages. Raises InputError for a scene that cannot be read or
    shows no surface, OutputError if the result exists or cannot be written, ConfigError for settings that make
    no sense.
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
        f"{job.scene}: does not say where it was photographed from; cameras look at it from all around"
        " (`cameras`, a capture, gives others)"
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
