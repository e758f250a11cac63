"""Reads what a camera noted in a photograph: how it was held, its focal length, and which camera it is."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from nst3d.errors import InputError
from nst3d.files import PathLike
from nst3d.images.io import BROKEN, FORMATS
from nst3d.tensors import ImageSize

_ORIENTATION, _MAKE, _MODEL = 0x0112, 0x010F, 0x0110
_DETAILS, _FOCAL_35MM, _LENS = 0x8769, 0xA405, 0xA434
_FILM_DIAGONAL = math.hypot(36, 24)


@dataclass(frozen=True)
class CameraNotes:
    """The notes of a camera in a photograph's file."""

    size: ImageSize
    """Size when held upright."""
    upright: bool
    """Whether the pixels are stored upright, so that the EXIF orientation turns nothing."""
    plain: bool
    """Whether the file is a JPEG or PNG of 8 bits in grey or RGB, which every program reads alike."""
    focal: float | None
    """Focal length in pixels, from that of an equivalent lens for 35 mm film; None if not noted."""
    camera: str
    """Make, model and lens; empty if not noted."""


def read_camera_notes(path: PathLike) -> CameraNotes:
    """The notes in a photograph's file. Raises InputError if it is missing, not a picture, or damaged."""
    path = Path(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(path, formats=FORMATS) as image:
                exif = image.getexif()
                details = exif.get_ifd(_DETAILS)
                turn = exif.get(_ORIENTATION, 1)
                width, height = image.size if turn not in (5, 6, 7, 8) else image.size[::-1]
                plain = image.format in ("JPEG", "MPO", "PNG") and image.mode in ("L", "RGB")
                names = (exif.get(_MAKE), exif.get(_MODEL), details.get(_LENS))
                return CameraNotes(
                    ImageSize(height, width),
                    turn not in range(2, 9),
                    plain,
                    _focal(details.get(_FOCAL_35MM), math.hypot(width, height)),
                    " ".join(str(name).strip("\0 ") for name in names if name),
                )
    except FileNotFoundError:
        raise InputError(f"{path}: no such file, expected a picture") from None
    except (*BROKEN, Image.DecompressionBombError) as error:
        raise InputError(f"{path}: not a readable picture ({error})") from None


def _focal(equivalent: Any, diagonal: float) -> float | None:
    """The focal length in pixels; None if that for film is missing or absurd, as 0 is where it is unknown."""
    try:
        millimetres = float(equivalent)
    except (TypeError, ValueError, ZeroDivisionError):
        return None
    return millimetres / _FILM_DIAGONAL * diagonal if 4 <= millimetres <= 2000 else None
