"""Reads what a camera noted in a photograph: how it was held, its focal length, and which camera it is."""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping
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
_FOCAL, _PER_UNIT, _UNIT, _SIDES = 0x920A, 0xA20E, 0xA210, (0xA002, 0xA003)
_FILM_DIAGONAL = math.hypot(36, 24)
_INCH = 2
_UNITS: dict[float, float] = {_INCH: 25.4, 3: 10.0, 4: 1.0, 5: 0.001}
"""Millimetres of the units of a sensor's resolution."""
_SENSORS = (3.0, 60.0)
"""Long sides of sensors, in millimetres. What is beyond follows from a picture that was reduced without a trace."""


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
    """Focal length in pixels, from that of an equivalent lens for 35 mm film, or otherwise from the sensor's
    resolution; None if not noted."""
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
                    _focal(details, ImageSize(height, width)),
                    " ".join(filter(None, map(_text, names))),
                )
    except FileNotFoundError:
        raise InputError(f"{path}: no such file, expected a picture") from None
    except (*BROKEN, Image.DecompressionBombError) as error:
        raise InputError(f"{path}: not a readable picture ({error})") from None


def _text(value: Any) -> str:
    """A text, which ends at its first NUL: cameras leave anything behind it."""
    return "" if value is None else str(value).partition("\0")[0].strip()


def _focal(details: Mapping[int, Any], size: ImageSize) -> float | None:
    """The focal length in pixels; None if it is missing or absurd, as 0 is where it is unknown."""
    film = math.hypot(*size) / _FILM_DIAGONAL
    for focal in (_number(details.get(_FOCAL_35MM)) * film, _through_sensor(details, max(size))):
        if 4 * film <= focal <= 2000 * film:
            return focal
    return None


def _through_sensor(details: Mapping[int, Any], long_side: int) -> float:
    """The focal length in pixels by the sensor's resolution; 0 if that is not known.

    The picture may have been reduced since, or cropped at its shorter side.
    """
    taken = max(_number(details.get(side)) for side in _SIDES)
    per_unit, unit = _number(details.get(_PER_UNIT)), _UNITS.get(_number(details.get(_UNIT, _INCH)), 0.0)
    if min(taken, per_unit, unit) <= 0 or not _SENSORS[0] <= taken / per_unit * unit <= _SENSORS[1]:
        return 0.0
    return _number(details.get(_FOCAL)) / unit * per_unit * long_side / taken


def _number(value: Any) -> float:
    """A number; 0 for what is none."""
    try:
        number = float(value)
    except (TypeError, ValueError, ZeroDivisionError):
        return 0.0
    return number if math.isfinite(number) else 0.0
