"""Masks in files: pictures, or arrays of numpy."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from nst3d.errors import InputError
from nst3d.images.colour import LUMA
from nst3d.images.io import read_image
from nst3d.limits import claim, regular
from nst3d.tensors import Image


def read_mask(path: Path) -> Image:
    """The mask (h, w, 1) float32 in [0, 1] of a file: the brightness of a picture, or a .npy of truth values, of
    numbers from 0 to 1, or of bytes from 0 to 255.

    InputError for a file that cannot be read, or holds anything else.
    """
    if path.suffix.lower() != ".npy":
        pixels = torch.from_numpy(read_image(path).pixels)
        return Image((pixels @ pixels.new_tensor(LUMA))[..., None])
    try:
        claim(4 * regular(path).stat().st_size, str(path))
        # As a map, since that checks the size which a header claims.
        array = np.squeeze(np.asarray(np.lib.format.open_memmap(path, mode="r")))
    except FileNotFoundError:
        raise InputError(f"{path}: no such file, expected a mask") from None
    except (OSError, ValueError, EOFError) as error:
        raise InputError(f"{path}: not an array of numpy ({' '.join(str(error).split()):.80})") from None
    if array.ndim != 2 or array.dtype.kind not in "buif" or not array.size:
        raise InputError(
            f"{path}: an array of shape {array.shape} and {array.dtype}; expected numbers (h, w)"
        )
    values = array.astype(np.float32) / (255 if array.dtype == np.uint8 and array.max() > 1 else 1)
    if not (np.isfinite(values).all() and values.min() >= 0 and values.max() <= 1):
        raise InputError(f"{path}: has values outside 0 to 1; expected a mask")
    return Image(torch.from_numpy(values)[..., None])
