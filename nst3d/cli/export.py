"""nst3d export: a radiance scene as a textured mesh."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from nst3d.cli.parse import parse
from nst3d.cli.reporter import CountReporter, say
from nst3d.integrations.bridges import BRIDGES
from nst3d.pipeline.jobs.export import Exported, ExportJob, Fusion, SightOptions, run_export
from nst3d.pipeline.meshing.field_mesh import MeshingOptions
from nst3d.pipeline.meshing.texture_bake import TextureOptions

_DESCRIPTION = """Make a textured mesh (GLB, glTF, OBJ) of a voxel field or splats, painted or not, for a game engine.

The scene is drawn from its cameras, the pictures' depths are fused into a surface, and the pictures baked into
its texture. What no camera saw stays open.

examples:
  nst3d export painted/painted.npz --out fox.glb
  nst3d export fox.npz --out room.glb --reach 6 --faces 150000
  nst3d export garden.ply --cameras garden/ --out garden.glb"""


@dataclass(frozen=True)
class ExportArguments:
    """What `nst3d export` takes."""

    scene: tyro.conf.Positional[Path]
    """A voxel field (.npz) or splats."""
    out: Path
    """The .glb, .gltf or .obj to write."""
    cameras: Path | None = None
    """A capture whose cameras look at the scene; otherwise its own, or cameras all around."""
    dataparser: Annotated[str | None, tyro.conf.arg(metavar="NAME")] = None
    """nerfstudio's dataparser that reads the capture of --cameras, such as blender-data."""
    reach: float = MeshingOptions.reach
    """How far from the centre the mesh goes, in radii of the inner box; what is bounded ends at 1."""
    resolution: int | None = None
    """Cells along the longest side; otherwise half as large as the field's own, 192 for splats."""
    faces: int = MeshingOptions.faces
    """About so many are kept; 0: all."""
    fusion: Fusion = "own"
    """What fuses depths into a surface: nst3d itself, or Open3D where it is installed."""
    texture_size: int | None = None
    """Side of the texture, pixels; otherwise about a texel a pixel of the views."""
    views: int = SightOptions.views
    """At most so many cameras look at the scene."""
    view_size: int | None = None
    """Longer side of their pictures, pixels; otherwise one and a half times that of the photographs."""
    specular: float = SightOptions.specular
    """How much of the scene's view-dependence goes into the texture, 0 to 1."""
    overwrite: tyro.conf.FlagCreatePairsOff[bool] = False
    """Replace what is there."""
    quiet: tyro.conf.FlagCreatePairsOff[bool] = False
    """No progress."""


def export(arguments: Sequence[str]) -> int:
    """Run the command; returns the exit code."""
    default = ExportArguments(tyro.MISSING, tyro.MISSING)
    given = parse(default, arguments, "nst3d export", _DESCRIPTION)
    job = ExportJob(
        scene=given.scene,
        out=given.out,
        cameras=given.cameras,
        sights=SightOptions(given.views, given.view_size, given.specular),
        meshing=MeshingOptions(given.reach, given.resolution, given.faces),
        texture=TextureOptions(given.texture_size),
        overwrite=given.overwrite,
        dataparser=given.dataparser,
        fusion=given.fusion,
    )
    with CountReporter("exporting", given.quiet) as reporter:
        done = run_export(job, reporter.note, reporter.count, BRIDGES)
    for path in done.paths:
        say(str(path))
    say(_summary(done))
    return 0


def _summary(done: Exported) -> str:
    height, width = done.texture
    return f"{done.faces} faces, texture {width}x{height}, from {done.views} views"
