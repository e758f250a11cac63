"""nst3d view: look at a scene in Open3D's window."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from nst3d.cli.parse import parse
from nst3d.cli.terminal import say
from nst3d.errors import ConfigError, OutputError
from nst3d.integrations.open3d.view import open_window_content, save_picture, show
from nst3d.pipeline.settings.shown import Up
from nst3d.tensors import ImageSize

_DESCRIPTION = """Look at a scene with Open3D: a mesh with its texture or colours; splats, point clouds and voxel
fields as points. nst3d render draws all of them as painted, and without Open3D.

examples:
  nst3d view painted/painted.glb --desktop
  nst3d view scan.ply --out picture.png"""


@dataclass(frozen=True)
class ViewArguments:
    """Arguments of `nst3d view`."""

    scene: tyro.conf.Positional[Annotated[Path, tyro.conf.arg(metavar="SCENE")]]
    """Mesh, splats, point cloud or voxel field."""
    desktop: tyro.conf.FlagCreatePairsOff[bool] = False
    """Open a window."""
    out: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """Picture to save, .png or .jpg, without a window."""
    size: Annotated[int, tyro.conf.arg(metavar="PIXELS")] = 1024
    """Side of the picture."""
    up: Up = "auto"
    """World up axis; auto follows the file or its format."""
    overwrite: tyro.conf.FlagCreatePairsOff[bool] = False
    """Replace an existing file."""


def view(arguments: Sequence[str]) -> int:
    """Run the command; returns the exit code."""
    given = parse(ViewArguments(tyro.MISSING), arguments, "nst3d view", _DESCRIPTION)
    _check(given)
    look = open_window_content(given.scene, given.up)
    if given.out is not None:
        save_picture(look, given.out, ImageSize(given.size, given.size))
        say(str(given.out))
    if given.desktop:
        show(look, given.scene.name)
    return 0


def _check(given: ViewArguments) -> None:
    if not given.desktop and given.out is None:
        raise ConfigError(
            "nothing to do: give --desktop to open a window, or --out picture.png to save a picture"
        )
    if not 32 <= given.size <= 8192:
        raise ConfigError(f"--size {given.size}: expected 32 to 8192")
    if given.out is None:
        return
    if given.out.suffix.lower() not in (".png", ".jpg", ".jpeg"):
        raise ConfigError(f"{given.out}: pictures are saved as .png or .jpg")
    if given.out.exists() and (not given.overwrite or given.out.is_dir()):
        raise OutputError(f"{given.out}: exists; give --overwrite or another --out")
