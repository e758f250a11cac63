"""Reads COLMAP sparse models, binary and text: cameras, poses, and the photographs they belong to."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from nst3d.cameras.lens import BrownConrady, Fisheye, Lens
from nst3d.errors import InputError
from nst3d.formats.captures.colmap_model import Model, ModelCamera, read_binary, read_text
from nst3d.formats.captures.colmap_place import (
    NAMES,
    ModelFiles,
    find_models,
    largest_model,
    model_files,
    photo_folder,
)
from nst3d.formats.captures.common import Found, Intrinsics, Shot, listed
from nst3d.formats.captures.intrinsics import MAX_SIDE
from nst3d.formats.captures.search import pictures_in
from nst3d.formats.io.peek import Peek
from nst3d.formats.registry import Format, register_format
from nst3d.tensors import Array, ImageSize

_UNPOSED = 8


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


def read_colmap(source: Path, files: ModelFiles) -> Found:
    """The shots of a model by name; their photographs come from the folder in or above `source` that fits.

    Raises InputError for models that are broken, refer to missing cameras or use an unknown lens.
    """
    read = read_binary if files.is_binary else read_text
    model = read(files.cameras, files.images)
    images = sorted(model.images, key=lambda i: i.name)
    used = {image.camera for image in images}
    intrinsics = {i: _intrinsics(model.cameras[i], files.folder) for i in used if i in model.cameras}
    for image in images:
        if image.camera not in intrinsics:
            raise InputError(
                f"{files.folder}: {image.name} refers to camera {image.camera}, which the model does not have"
            )
    search = photo_folder(source, files.folder, [(i.name, intrinsics[i.camera].size) for i in images])
    photos = search.find_all([i.name for i in images], source)
    shots = [
        Shot(i.name, _pose(i.quaternion, i.translation), intrinsics[i.camera], photos[i.name])
        for i in images
        if i.name in photos
    ]
    missing = [i.name for i in images if i.name not in photos]
    kind = f"COLMAP ({'binary' if files.is_binary else 'text'})"
    return Found(source, kind, shots, missing, notes=_notes(model, files, list(photos.values())))


def _notes(model: Model, files: ModelFiles, photos: Sequence[Path]) -> list[str]:
    """What does not add up: the images that the file declares, the photographs without a pose."""
    notes = []
    if model.declared not in (None, len(model.images)):
        notes.append(f"{files.images}: declares {model.declared} images, but has {len(model.images)}")
    posed = set(photos)
    unposed = [p.name for folder in sorted({p.parent for p in photos}) for p in pictures_in(folder)
               if p not in posed]  # fmt: skip
    if unposed:
        notes.append(
            f"{len(unposed)} photographs beside the {len(posed)} of the model have no pose, and are left out:"
            f" {listed(unposed, _UNPOSED)}"
        )
    return notes


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
        return bool(peek.once(find_models))
    return peek.path.name.lower() in NAMES and peek.path.is_file()


def _load(path: Path) -> Found:
    if not path.is_dir():
        files = model_files(path.parent)
        if files is None:
            raise InputError(f"{path.parent}: a COLMAP model needs both cameras and images, .bin or .txt")
        return read_colmap(path.parent, files)
    files, notes = largest_model(path, find_models(path))
    found = read_colmap(path, files)
    return replace(found, notes=(*notes, *found.notes))


# Before LLFF: a COLMAP model knows the lens, and folders that have both were made from it.
register_format(Format("colmap", (), "capture", "a COLMAP model", _load, sniff=_is_colmap, rank=2))
