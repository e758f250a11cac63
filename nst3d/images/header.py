"""Reads a picture file's header: its size, orientation and alpha, without decoding it."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from nst3d.errors import InputError, cut
from nst3d.files import PathLike
from nst3d.images.io import BROKEN, FORMATS
from nst3d.limits import regular
from nst3d.tensors import Array, ImageSize

_ORIENTATION = 0x0112
_LYING = (5, 6, 7, 8)
"""Orientations whose rows are the upright picture's columns."""


@dataclass(frozen=True)
class PictureHeader:
    """The header of a picture file."""

    size: ImageSize
    """Size as stored, before EXIF rotation."""
    orientation: int
    """Its EXIF orientation, 1 to 8; 1 if it has none."""
    alpha: bool
    """Whether it has transparency."""

    @property
    def lying(self) -> bool:
        """Whether its EXIF orientation turns it by 90 degrees."""
        return self.orientation in _LYING


def read_header(path: PathLike) -> PictureHeader:
    """The header of a picture file. Raises InputError if it is missing, not a picture, or damaged."""
    path = Path(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(regular(path), formats=FORMATS) as image:
                size = ImageSize(image.height, image.width)
                orientation = image.getexif().get(_ORIENTATION, 1)
                return PictureHeader(size, orientation, image.has_transparency_data)
    except FileNotFoundError:
        raise InputError(f"{path}: no such file, expected a picture") from None
    except (*BROKEN, Image.DecompressionBombError) as error:
        raise InputError(f"{path}: not a readable picture ({cut(str(error))})") from None


def upright(image: Array, orientation: int) -> Array:
    """A picture (h, w, …) turned upright according to its EXIF orientation; others than 1 to 8 leave it as it is."""
    if orientation in _LYING:
        image = image.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        image = image[::-1]
    return image[:, ::-1] if orientation in (2, 3, 6, 7) else image
