"""The cameras of a transforms.json: focal length, principal point and lens, shared or per frame."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from nst3d.cameras.lens import BrownConrady, Fisheye, Lens
from nst3d.errors import InputError, shown
from nst3d.formats.captures.common import Intrinsics
from nst3d.formats.io.json_values import number
from nst3d.tensors import ImageSize

MAX_SIDE = 100_000
_BROWN = ("k1", "k2", "p1", "p2", "k3", "k4", "k5", "k6")
_FISHEYE = ("k1", "k2", "k3", "k4")
_PLAIN = ("PINHOLE", "SIMPLE_PINHOLE", "PERSPECTIVE")
_BENT = ("OPENCV", "FULL_OPENCV", "RADIAL", "SIMPLE_RADIAL")
_ROUND = ("OPENCV_FISHEYE", "FISHEYE", "RADIAL_FISHEYE", "SIMPLE_RADIAL_FISHEYE")


def read_intrinsics(
    scopes: Sequence[dict[str, Any]], path: Path, name: str, measured: Callable[[], ImageSize]
) -> Intrinsics:
    """The intrinsics of a frame: each value from the first scope that has it (frame, then file).

    Focal lengths are fl_x, fl_y, or follow from camera_angle_x, camera_angle_y (radians) or x_fov, y_fov
    (degrees); a missing vertical one equals the horizontal, a missing centre is the image's, a missing size
    is the photograph's (`measured`). Raises InputError for an unknown lens or invalid values.
    """
    width, height = (number(scopes, key, path) for key in ("w", "h"))
    size = measured() if width is None or height is None else ImageSize(round(height), round(width))
    if not (0 < size.height <= MAX_SIDE and 0 < size.width <= MAX_SIDE):
        raise InputError(f"{path}: {name} has an image of {size.width} x {size.height} pixels")
    across = _focal(scopes, "x", size.width, path)
    down = _focal(scopes, "y", size.height, path)
    if across is None and down is None:
        raise InputError(f"{path}: {name} has no focal length (fl_x or camera_angle_x)")
    first, second = (down if across is None else across), (across if down is None else down)
    focal = (first or 0.0, second or 0.0)
    if min(focal) <= 0:
        raise InputError(f"{path}: {name} has a focal length of {min(focal):g} pixels, expected more than 0")
    x, y = (number(scopes, key, path) for key in ("cx", "cy"))
    centre = (size.width / 2 if x is None else x, size.height / 2 if y is None else y)
    return Intrinsics(focal, centre, size, read_lens(scopes, path))


def read_lens(scopes: Sequence[dict[str, Any]], path: Path) -> Lens | None:
    """The lens that a frame or its file describes; None if it does not distort.

    Raises InputError for an unknown camera model.
    """
    model = next((s["camera_model"] for s in scopes if s.get("camera_model")), None)
    for key, what in (
        ("ftheta_p0", "an f-theta lens"),
        ("latlong", "a panorama"),
        ("is_latlong", "a panorama"),
    ):
        if any(s.get(key) for s in scopes):
            raise InputError(f"{path}: {what} is not supported; undistort the photographs to a pinhole first")
    known = (None, *_PLAIN, *_BENT, *_ROUND)
    if model not in known:
        raise InputError(
            f"{path}: camera model {shown(model)} is not supported, expected one of {', '.join(known[1:])}"
        )
    if model in _PLAIN:
        return None
    if model in _ROUND or (model is None and any(s.get("is_fisheye") for s in scopes)):
        return Fisheye(*_values(scopes, _FISHEYE, path))
    values = _values(scopes, _BROWN, path)
    if model == "OPENCV" or (model is None and not any(values[6:])):
        # k4 is not a coefficient of this model: writers fill it in for fisheyes, where it is one.
        values[5:] = [0.0, 0.0, 0.0]
    return BrownConrady(*values) if any(values) else None


def _values(scopes: Sequence[dict[str, Any]], keys: Sequence[str], path: Path) -> list[float]:
    return [number(scopes, key, path) or 0.0 for key in keys]


def _focal(scopes: Sequence[dict[str, Any]], axis: str, side: int, path: Path) -> float | None:
    focal = number(scopes, f"fl_{axis}", path)
    if focal is not None:
        return focal
    angle = number(scopes, f"camera_angle_{axis}", path)
    if angle is None:
        degrees = number(scopes, f"{axis}_fov", path)
        angle = None if degrees is None else math.radians(degrees)
    if angle is None:
        return None
    if not 0 < angle < math.pi:
        raise InputError(f"{path}: a field of view of {math.degrees(angle):g} degrees, expected 0 to 180")
    return side / 2 / math.tan(angle / 2)
