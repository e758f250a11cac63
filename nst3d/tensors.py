"""Type aliases for tensor shapes in signatures.

Colour tables and images are float tensors; the trailing axis is RGB in [0, 1] unless a docstring says
otherwise. `n` counts rows of a colour table, `h` and `w` are pixels, `c` channels.
"""

from __future__ import annotations

from typing import Any, NamedTuple, TypeAlias

import numpy as np
import torch

Array: TypeAlias = np.ndarray[Any, np.dtype[Any]]
Colours: TypeAlias = torch.Tensor  # (n, c): one row per texel, vertex, voxel corner or splat
Image: TypeAlias = torch.Tensor  # (h, w, c), top row first
Planes: TypeAlias = torch.Tensor  # (c, h, w): the same image in the layout of encoders and losses
Mask: TypeAlias = torch.Tensor  # (h, w) in [0, 1]


class ImageSize(NamedTuple):
    """Height and width of an image, in pixels."""

    height: int
    width: int
