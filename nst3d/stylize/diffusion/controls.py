"""The pictures that ControlNets see of a view's shape."""

from __future__ import annotations

from typing import Literal

import torch

from nst3d.errors import ConfigError
from nst3d.stylize.diffusion.normals import FRONT, normal_picture
from nst3d.stylize.diffusion.views import nearness
from nst3d.stylize.look import Look

ControlOf = Literal["depth", "normal"]


def control_picture(look: Look, of: ControlOf, size: tuple[int, int], owner: str) -> torch.Tensor:
    """The picture (3, *size) in [0, 1] of a view's exact depth or normals, continued by what shows nothing.

    `size` is at least the view's. ConfigError, that begins with `owner`, for a view without depth.
    """
    if look.depth is None or (of == "normal" and look.camera is None):
        raise ConfigError(f"{owner}: a ControlNet needs views with depth, which pictures lack")
    depth = look.depth()
    if of == "depth":
        return continued(nearness(depth), of, size)
    assert look.camera is not None
    return continued(normal_picture(depth, look.camera), of, size)


def continued(picture: torch.Tensor, of: ControlOf, size: tuple[int, int]) -> torch.Tensor:
    """A picture (3, h, w) of depth or normals with rows and columns that show nothing, up to `size`."""
    height, width = picture.shape[1:]
    nothing = (0.0, 0.0, 0.0) if of == "depth" else FRONT
    found = picture.new_tensor(nothing)[:, None, None].repeat(1, *size)
    found[:, :height, :width] = picture
    return found
