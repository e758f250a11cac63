"""Writes captures as nerfstudio's transforms.json and PNG files."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from nst3d.cameras.lens import BrownConrady, Fisheye, Lens
from nst3d.cameras.pinhole import Camera
from nst3d.errors import OutputError
from nst3d.files import PathLike, write_bytes
from nst3d.formats.captures.common import from_opengl
from nst3d.images.io import encode_png
from nst3d.representations.capture import Split
from nst3d.tensors import Array

_BROWN = ("k1", "k2", "p1", "p2", "k3", "k4", "k5", "k6")


def save_transforms(
    folder: PathLike,
    cameras: Sequence[Camera],
    images: Iterable[Array],
    up: Array | None = None,
    splits: Sequence[Split] | None = None,
) -> Path:
    """Write transforms.json and images/0001.png … into a folder, created if missing; returns the JSON's path.

    Images (h, w, 3), or (h, w, 4) with straight alpha, in [0, 1], are consumed one at a time. Poses
    round-trip bit for bit, pixels to the nearest of 256 levels. Values that all cameras share are written
    once, `up` as world up. The JSON is written last, so that it never names a missing file. Raises
    OutputError if something cannot be written.
    """
    folder = Path(folder)
    try:
        (folder / "images").mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{folder}: cannot be created ({error.strerror or error})") from None
    names = [f"images/{i + 1:04d}.png" for i in range(len(cameras))]
    for name, image, camera in zip(names, images, cameras, strict=True):
        if image.shape[:2] != tuple(camera.size):
            raise ValueError(f"{name}: the image is {image.shape[:2]}, its camera's {tuple(camera.size)}")
        alpha = image[..., 3] if image.shape[2] == 4 else None
        write_bytes(folder / name, encode_png(image[..., :3], alpha))
    return save_cameras(folder / "transforms.json", names, cameras, up, splits)


def save_cameras(
    path: PathLike,
    names: Sequence[str],
    cameras: Sequence[Camera],
    up: Array | None = None,
    splits: Sequence[Split] | None = None,
) -> Path:
    """Write a transforms.json for photographs that exist; returns its path. See `save_transforms`.

    `names` are the photographs' paths relative to the JSON's folder. Raises OutputError if it cannot be written.
    """
    intrinsics = [_intrinsics(camera) for camera in cameras]
    shared = {k: v for k, v in intrinsics[0].items() if all(i.get(k) == v for i in intrinsics)}
    content: dict[str, Any] = {**shared}
    if up is not None:
        content["up"] = [float(v) for v in up]
    for split in ("train", "test") if splits else ():
        content[f"{split}_filenames"] = [n for n, s in zip(names, splits or ()) if s == split]
    content["frames"] = [
        {
            "file_path": name,
            **{k: v for k, v in own.items() if k not in shared},
            "transform_matrix": from_opengl(np.asarray(camera.camera_to_world, np.float64)).tolist(),
        }
        for name, own, camera in zip(names, intrinsics, cameras)
    ]
    path = Path(path)
    write_bytes(path, (json.dumps(content, indent=1) + "\n").encode())
    return path


def _intrinsics(camera: Camera) -> dict[str, Any]:
    return {
        "w": camera.size.width,
        "h": camera.size.height,
        "fl_x": float(camera.focal),
        "fl_y": float(camera.focal * camera.aspect),
        "cx": float(camera.centre[0]),
        "cy": float(camera.centre[1]),
        **_lens(camera.lens),
    }


def _lens(lens: Lens | None) -> dict[str, Any]:
    if lens is None:
        return {"camera_model": "PINHOLE"}
    if isinstance(lens, Fisheye):
        return {"camera_model": "OPENCV_FISHEYE", "k1": lens.k1, "k2": lens.k2, "k3": lens.k3, "k4": lens.k4}
    if not isinstance(lens, BrownConrady):
        raise TypeError(f"{type(lens).__name__}: transforms.json cannot describe this lens")
    rational = any((lens.k4, lens.k5, lens.k6))
    keys = _BROWN if rational else _BROWN[:5]
    values = {key: float(getattr(lens, key)) for key in keys}
    return {"camera_model": "FULL_OPENCV" if rational else "OPENCV", **values}
