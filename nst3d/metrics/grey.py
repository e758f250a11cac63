"""The brightness of pictures, for metrics that leave colours out."""

from __future__ import annotations

import numpy as np

from nst3d.images.colour import LUMA
from nst3d.tensors import Array


def luma(picture: Array) -> Array:
    """The weighted sum (h, w) of the encoded channels of a picture (h, w, 3), float64, in the picture's own range."""
    return np.asarray(picture, np.float64) @ np.array(LUMA)


def grey_picture(picture: Array) -> Array:
    """The picture (h, w, 3) without its colours, float32: all three channels are its luma."""
    return np.repeat(luma(picture)[..., None].astype(np.float32), 3, axis=2)
