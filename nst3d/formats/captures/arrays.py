"""Reads captures in one .npz file: images, poses and a focal length."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from nst3d.errors import InputError
from nst3d.formats.captures.common import Found, Intrinsics, Shot, from_opengl
from nst3d.formats.io.npz import read_arrays, read_headers
from nst3d.formats.io.peek import Peek
from nst3d.formats.registry import Format, register_format
from nst3d.limits import claim
from nst3d.tensors import Array, ImageSize

_FEWEST = {"images": 1, "poses": 1, "focal": 0}


def read_arrays_capture(path: Path) -> Found:
    """The shots of an .npz with images (n, h, w, 3 or 4), poses (n, 3 or 4, 4) and focal in pixels.

    Images are uint8, or floating point in [0, 1]; poses are camera to world with OpenGL axes, as in the
    archives of NeRF tutorials; focal is one number, or one per image. Raises InputError for anything else.
    """
    headers = read_headers(path)
    lacking = [name for name in _FEWEST if name not in headers]
    if lacking:
        raise InputError(f"{path}: contains no {' and no '.join(lacking)}; expected images, poses and focal")
    for name in _FEWEST:
        if headers[name].dtype.kind not in "fiu":
            raise InputError(f"{path}: {name} has type {headers[name].dtype}, expected numbers")
    stored = headers["images"]
    if stored.dtype != np.uint8:
        claim(4 * stored.count, str(path))
    one = 4 * stored.count // max(stored.shape[:1] or (1,))  # a photograph as floats
    claim(0, str(path), stored.nbytes + one)
    arrays = read_arrays(path, tuple(_FEWEST))
    images, poses, focal = (arrays[name] for name in _FEWEST)
    _check_shapes(path, images, poses, focal)
    focals = np.broadcast_to(focal.astype(np.float64).reshape(-1), len(poses))
    if not (np.isfinite(focals).all() and (focals > 0).all()):
        raise InputError(f"{path}: focal is {focals.min():g} pixels, expected more than 0")
    size = ImageSize(*images.shape[1:3])
    pixels = _pixels(path, images)
    shots = []
    for index, (pose, length) in enumerate(zip(poses.astype(np.float64), focals)):
        full = np.vstack([pose[:3], [0, 0, 0, 1]])
        intrinsics = Intrinsics((float(length),) * 2, (size.width / 2, size.height / 2), size)
        shots.append(Shot(f"image {index}", from_opengl(full), intrinsics, pixels=pixels[index]))
    return Found(path, "npz", shots)


def _check_shapes(path: Path, images: Array, poses: Array, focal: Array) -> None:
    if images.ndim != 4 or images.shape[3] not in (3, 4) or 0 in images.shape:
        raise InputError(f"{path}: images are {images.shape}, expected (n, height, width, 3 or 4)")
    if poses.ndim != 3 or poses.shape[1:] not in ((4, 4), (3, 4)):
        raise InputError(f"{path}: poses are {poses.shape}, expected (n, 4, 4)")
    if len(images) != len(poses):
        raise InputError(f"{path}: {len(images)} images but {len(poses)} poses")
    if focal.size not in (1, len(poses)):
        raise InputError(f"{path}: {focal.size} focal lengths for {len(poses)} poses, expected one")


def _pixels(path: Path, images: Array) -> Array:
    if images.dtype == np.uint8:
        return images
    values = images.astype(np.float32)
    if not np.isfinite(values).all() or values.min() < -1e-3 or values.max() > 1.001:
        raise InputError(f"{path}: images has values outside 0 to 1; expected floats in that range or bytes")
    return values.clip(0, 1)


def _is_arrays(peek: Peek) -> bool:
    return peek.path.is_file() and {"images", "poses"} <= peek.once(read_headers).keys()


register_format(
    Format("arrays", (".npz",), "capture", "a NumPy archive", read_arrays_capture, sniff=_is_arrays)
)
