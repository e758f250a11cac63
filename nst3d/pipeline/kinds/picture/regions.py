"""Regions of pictures: columns of weights beside the pixels."""

from __future__ import annotations

from pathlib import Path

import torch

from nst3d.images.colour import LUMA
from nst3d.images.io import read_image
from nst3d.stylize.layout import Layout, resampled
from nst3d.tensors import Colours, ImageSize


def mask_region(layout: Layout, path: Path) -> Colours:
    """Weights (n, 1) from the brightness of a mask image of any size: white inside, black outside.

    InputError for a file that cannot be read.
    """
    pixels = torch.from_numpy(read_image(path).pixels)
    grey = (pixels @ pixels.new_tensor(LUMA)).reshape(-1, 1)
    return resampled(grey, Layout.of_images([ImageSize(*pixels.shape[:2])]), layout).clamp(0, 1)
