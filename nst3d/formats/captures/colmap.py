"""Reads COLMAP sparse models, binary and text: cameras, poses, and the photographs they belong to."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from nst3d.cameras.lens import BrownConrady, Fisheye, Lens
from nst3d.errors import InputError
from nst3d.formats.captures.colmap_model import Model, ModelCamera, read_binary, read_text
from nst3d.formats.captures.common import Found, Intrinsics, Shot
from nst3d.formats.captures.intrinsics import MAX_SIDE
from nst3d.formats.io.files import relative_parts, resolve
from nst3d.formats.io.peek import Peek
from nst3d.formats.registry import Format, register_format
from nst3d.tensors import Array, ImageSize

_MODELS = ("sparse/0", "sparse", "colmap/sparse/0", "colmap/sparse", "distorted/sparse/0", "")
_PHOTOS = ("images", "input", "images_2", "images_4", "images_8")


def _plain(_: Sequence[float]) -> Lens | None:
    return None


_LENSES: Mapping[str, tuple[bool, Callable[[Sequence[float]], Lens | None]]] = {
    # name: one focal length for both axes?, the numbers after the centre as a lens
    "SIMPLE_PINHOLE": (True, _plain),
    "PINHOLE": (False, _plain),
    "SIMPLE_RADIAL": (True, lambda p: BrownConrady(k1=p[0])),
    "RADIAL": (True, lambda p: BrownConrady(k1=p[0], k2=p[1])),
    "OPENCV": (False, lambda p: BrownConrady(*p)),
    "FULL_OPENCV": (False, lambda p: BrownConrady(*p)),
    "OPENCV_FISHEYE": (False, lambda p: Fisheye(*p)),
    "SIMPLE_RADIAL_FISHEYE": (True, lambda p: Fisheye(k1=p[0])),
    "RADIAL_FISHEYE": (True, lambda p: Fisheye(k1=p[0], k2=p[1])),
}


_NAMES = ("cameras.bin", "cameras.txt", "images.bin", "images.txt")


@dataclass(frozen=True)
class _Place:
    """Paths of a model's files, and the reader for them."""

    folder: Path
    suffix: str


def find_model(folder: Path) -> Path | None:
    """The folder with the cameras and images of a COLMAP model in or below a folder, or None."""
    for place in _MODELS:
        if _place(folder / place) is not None:
            return folder / place
    return None


def read_colmap(source: Path, folder: Path) -> Found:
    """The shots of the model in `folder` by name; photographs come from `images` beside or above it.

    Raises InputError for models that are broken, refer to missing cameras or use an unknown lens.
    """
    place = _place(folder)
    if place is None:
        raise InputError(f"{folder}: a COLMAP model needs both cameras and images, .bin or .txt")
    read = read_binary if place.suffix == ".bin" else read_text
    model = read(folder / f"cameras{place.suffix}", folder / f"images{place.suffix}")
    used = {image.camera for image in model.images}
    intrinsics = {i: _intrinsics(model.cameras[i], folder) for i in used if i in model.cameras}
    photos = _photo_folder(source, folder, model)
    shots, missing = [], []
    for image in sorted(model.images, key=lambda i: i.name):
        if image.camera not in intrinsics:
            raise InputError(
                f"{folder}: {image.name} refers to camera {image.camera}, which the model does not have"
            )
        path = resolve(photos, image.name)
        if path.is_file():
            pose = _pose(image.quaternion, image.translation)
            shots.append(Shot(image.name, pose, intrinsics[image.camera], path))
        else:
            missing.append(image.name)
    return Found(source, f"COLMAP ({'binary' if place.suffix == '.bin' else 'text'})", shots, missing)


def _place(folder: Path) -> _Place | None:
    for suffix in (".bin", ".txt"):
        if all((folder / f"{name}{suffix}").is_file() for name in ("cameras", "images")):
            return _Place(folder, suffix)
    return None


def _photo_folder(source: Path, folder: Path, model: Model) -> Path:
    """The folder that holds the model's photographs, or the first place where they were looked for."""
    roots = [source, *(p for p in (folder, *folder.resolve().parents[:3]) if p != source)]
    candidates = [root / name for root in roots for name in (*_PHOTOS, "")]
    some = [relative_parts(image.name) for image in model.images[:50]]
    for candidate in candidates:
        if any(candidate.joinpath(*name).is_file() for name in some):
            return candidate
    return candidates[0]


def _pose(quaternion: Array, translation: Array) -> Array:
    """Camera to world (4, 4) from world to camera: a quaternion w, x, y, z and a translation."""
    pose = np.full((4, 4), np.nan)
    if not (1e-9 < np.abs(quaternion).max() < 1e9 and np.abs(translation).max() < 1e15):
        return pose  # reported like every pose that is not finite
    w, x, y, z = quaternion / np.linalg.norm(quaternion)
    rotation = np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
            [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
            [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
        ]
    )
    pose[:3, :3], pose[:3, 3], pose[3] = rotation.T, -rotation.T @ translation, (0, 0, 0, 1)
    return pose


def _intrinsics(camera: ModelCamera, folder: Path) -> Intrinsics:
    if camera.model not in _LENSES:
        raise InputError(
            f"{folder}: camera model {camera.model} is not supported, expected one of {', '.join(_LENSES)}; "
            "colmap image_undistorter converts others to PINHOLE"
        )
    one, lens = _LENSES[camera.model]
    numbers = camera.parameters
    focal = (float(numbers[0]), float(numbers[0 if one else 1]))
    centre = numbers[1 if one else 2 :][:2]
    sane = np.isfinite(numbers).all() and min(focal) > 0
    if not sane or not all(0 < side <= MAX_SIDE for side in camera.size):
        height, width = camera.size
        told = " ".join(f"{v:.6g}" for v in numbers)
        raise InputError(
            f"{folder}: camera {camera.number} is not valid: {camera.model} {width} x {height}, {told}"
        )
    rest = numbers[3 if one else 4 :]
    bent = lens([float(v) for v in rest]) if rest.any() or "FISHEYE" in camera.model else None
    return Intrinsics(focal, (float(centre[0]), float(centre[1])), ImageSize(*camera.size), bent)


def _is_colmap(peek: Peek) -> bool:
    if peek.is_folder:
        return peek.once(find_model) is not None
    return peek.path.name in _NAMES and peek.path.is_file()


def _load(path: Path) -> Found:
    if not path.is_dir():
        return read_colmap(path.parent, path.parent)
    return read_colmap(path, find_model(path) or path)


# Before LLFF: a COLMAP model knows the lens, and folders that have both were made from it.
register_format(Format("colmap", (), "capture", "a COLMAP model", _load, sniff=_is_colmap, rank=2))
