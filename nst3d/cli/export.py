"""nst3d export: a radiance scene as a textured mesh."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from nst3d.cli.parse import parse
from nst3d.cli.terminal import CountBar, say
from nst3d.integrations.bridges import BRIDGES
from nst3d.pipeline.jobs.export import Exported, ExportJob, Fusion, SightOptions, run_export
from nst3d.pipeline.meshing.field_mesh import MeshingOptions
from nst3d.pipeline.meshing.texture_bake import TextureOptions

_DESCRIPTION = """Make a textured mesh (GLB, glTF, OBJ) from a voxel field or splats, painted or not, for a game
engine.

The scene is rendered from its cameras, depths are fused into a surface, and views are baked into a texture.
Parts that no camera saw stay open.

examples:
  nst3d export painted/painted.npz --out fox.glb
  nst3d export fox.npz --out room.glb --reach 6 --faces 150000
  nst3d export garden.ply --cameras garden/ --out garden.glb"""


@dataclass(frozen=True)
class ExportArguments:
    """Arguments of `nst3d export`."""

    scene: tyro.conf.Positional[Annotated[Path, tyro.conf.arg(metavar="SCENE")]]
    """Voxel field (.npz) or splats."""
    out: Annotated[Path, tyro.conf.arg(metavar="FILE")]
    """Output file: .glb, .gltf or .obj."""
    cameras: Annotated[Path | None, tyro.conf.arg(metavar="CAPTURE")] = None
    """Capture whose cameras view the scene; by default the scene's own cameras, or a rig around it."""
    dataparser: Annotated[str | None, tyro.conf.arg(metavar="NAME")] = None
    """nerfstudio dataparser for the capture of --cameras, such as blender-data."""
    reach: Annotated[float, tyro.conf.arg(metavar="RADII")] = MeshingOptions.reach
    """Extent of the mesh from the centre, in radii of the inner box; bounded scenes end at 1."""
    resolution: Annotated[int | None, tyro.conf.arg(metavar="CELLS")] = None
    """Grid cells along the longest side; by default twice as fine as the field's own, or 192 for splats."""
    faces: Annotated[int, tyro.conf.arg(metavar="N")] = MeshingOptions.faces
    """Target face count; 0 keeps all."""
    fusion: Fusion = "own"
    """Depth fusion: nst3d's own, or Open3D's if it is installed."""
    texture_size: Annotated[int | None, tyro.conf.arg(metavar="PIXELS")] = None
    """Side of the texture; by default about one texel per pixel of the views."""
    views: Annotated[int, tyro.conf.arg(metavar="N")] = SightOptions.views
    """Maximum number of cameras that view the scene."""
    view_size: Annotated[int | None, tyro.conf.arg(metavar="PIXELS")] = None
    """Longer side of the views; by default 1.5 times that of the photographs."""
    specular: Annotated[float, tyro.conf.arg(metavar="0..1")] = SightOptions.specular
    """Share of the scene's view-dependent colour baked into the texture."""
    overwrite: tyro.conf.FlagCreatePairsOff[bool] = False
    """Replace existing files."""
    quiet: tyro.conf.FlagCreatePairsOff[bool] = False
    """No progress bar."""


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
    with CountBar("exporting", given.quiet) as bar:
        done = run_export(job, bar.note, bar.count, BRIDGES)
    for path in done.paths:
        say(str(path))
    say(_summary(done))
    return 0


def _summary(done: Exported) -> str:
    height, width = done.texture
    return f"{done.faces} faces, texture {width}x{height}, from {done.views} views"
