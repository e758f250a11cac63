"""Reads LLFF captures: poses_bounds.npy and a folder of photographs (Mildenhall et al. 2019)."""

from __future__ import annotations

import io
import warnings
from pathlib import Path
from tokenize import TokenError

import numpy as np

from nst3d.errors import InputError
from nst3d.formats.captures.common import Found, Intrinsics, Shot
from nst3d.formats.captures.intrinsics import MAX_SIDE
from nst3d.formats.captures.search import check_inside, pictures_in
from nst3d.formats.io.files import descend, read_bytes
from nst3d.formats.io.peek import Peek
from nst3d.formats.registry import Format, register_format
from nst3d.tensors import Array, ImageSize

POSES = "poses_bounds.npy"
_PHOTOS = ("images", "images_2", "images_4", "images_8")
_VALUES = 17


def read_llff(folder: Path) -> Found:
    """The shots of poses_bounds.npy, in the order of the photographs' names.

    Each row holds 3 x 5 numbers (the camera's down, right and backward axes, its position, and height, width
    and focal length) and the nearest and farthest depth. Raises InputError if it holds something else, or
    if the numbers of poses and photographs differ.
    """
    path = descend(folder, [POSES]) or folder / POSES
    rows = _rows(path)
    photos = _photos(folder, len(rows))
    blocks = rows[:, :15].reshape(-1, 3, 5)
    shots = [
        Shot(f"{p.parent.name}/{p.name}", _pose(b), _intrinsics(b, path), p) for p, b in zip(photos, blocks)
    ]
    near, far = rows[:, 15], rows[:, 16]
    known = bool((near > 0).all() and (far > near).all() and np.isfinite(far).all())
    depths = (float(near.min()), float(far.max())) if known else None
    return Found(folder, "LLFF", shots, depths=depths)


def _rows(path: Path) -> Array:
    rows = read_npy(path)
    if rows.ndim != 2 or rows.shape[1] != _VALUES or rows.dtype.kind not in "fiu":
        raise InputError(
            f"{path}: holds {rows.shape} values of {rows.dtype}, expected (photographs, {_VALUES}) numbers"
        )
    return rows.astype(np.float64)


def _photos(folder: Path, count: int) -> list[Path]:
    found = {}
    for name in _PHOTOS:
        place = descend(folder, [name])
        if place is not None and place.is_dir():
            check_inside([place], folder)
            files = pictures_in(place)
            if len(files) == count:
                check_inside(files, folder)
                return files
            found[name] = len(files)
    told = ", ".join(f"{n} in {name}" for name, n in found.items()) or "no folder named images"
    raise InputError(f"{folder}: {count} poses in {POSES}, but {told}")


def _pose(block: Array) -> Array:
    pose = np.eye(4)
    down, right, backward, position = (block[:, k] for k in range(4))
    pose[:3] = np.stack([right, down, -backward, position], axis=1)
    return pose


def _intrinsics(block: Array, path: Path) -> Intrinsics:
    height, width, focal = block[:, 4]
    if not (1 <= height <= MAX_SIDE and 1 <= width <= MAX_SIDE and 0 < focal < np.inf):
        raise InputError(
            f"{path}: a photograph of {width:g} x {height:g} pixels with a focal length of {focal:g}"
        )
    size = ImageSize(round(float(height)), round(float(width)))
    return Intrinsics((float(focal), float(focal)), (size.width / 2, size.height / 2), size)


def read_npy(path: Path) -> Array:
    """The array in a .npy file. Raises InputError if it is malformed, truncated or contains objects."""
    data = read_bytes(path)
    start = data[:6]
    if start != b"\x93NUMPY" or len(data) < 10:
        raise InputError(f"{path}: not a .npy file")
    wide = data[6] > 1
    length = int.from_bytes(data[8:12] if wide else data[8:10], "little") + (12 if wide else 10)
    try:
        shape, fortran, dtype = _header(data[:length], wide)
    except (ValueError, EOFError, SyntaxError, TokenError, OverflowError) as error:
        raise InputError(f"{path}: not a readable .npy file ({error})") from None
    if dtype.hasobject:
        raise InputError(f"{path}: contains pickled objects, which are never loaded")
    count = int(np.prod(shape, dtype=object))
    if count * dtype.itemsize != len(data) - length:
        raise InputError(
            f"{path}: broken; declares {count * dtype.itemsize} bytes but has {len(data) - length}"
        )
    return np.frombuffer(data, dtype, count, length).reshape(shape, order="F" if fortran else "C")


def _header(data: bytes, wide: bool) -> tuple[tuple[int, ...], bool, np.dtype]:
    stream = io.BytesIO(data)
    np.lib.format.read_magic(stream)
    read = np.lib.format.read_array_header_2_0 if wide else np.lib.format.read_array_header_1_0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about headers written by Python 2, which are read all the same
        return read(stream)


def _is_llff(peek: Peek) -> bool:
    file = descend(peek.path, [POSES]) if peek.is_folder else peek.path
    return file is not None and file.name.lower() == POSES and file.is_file()


def _load(path: Path) -> Found:
    return read_llff(path if path.is_dir() else path.parent)


register_format(Format("llff", (), "capture", "an LLFF capture", _load, sniff=_is_llff, rank=3))
