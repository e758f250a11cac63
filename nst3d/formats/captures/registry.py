"""Reads captures, photographs with poses, whoever wrote them."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path

from nst3d.errors import InputError
from nst3d.files import PathLike
from nst3d.formats.captures.arrays import read_arrays_capture
from nst3d.formats.captures.colmap import find_model, read_colmap
from nst3d.formats.captures.common import Found, as_capture
from nst3d.formats.captures.llff import POSES, read_llff
from nst3d.formats.captures.transforms import read_blender, read_transforms
from nst3d.formats.captures.write import save_transforms
from nst3d.formats.io.files import refuse_empty
from nst3d.representations.capture import Capture

__all__ = ["is_capture", "load_capture", "save_transforms"]

_TRANSFORMS, _BLENDER = "transforms.json", "transforms_train.json"
_LARGEST_JSON = 256 * 2**20
_KINDS = (
    "transforms.json, transforms_train.json, a COLMAP model (cameras and images, .bin or .txt), "
    "poses_bounds.npy or an .npz with images, poses and focal"
)


def is_capture(path: PathLike) -> bool:
    """Whether a file or folder is a capture, by its name and a look inside; nothing is checked yet."""
    path = Path(path)
    return _reader(path) is not None


def load_capture(path: PathLike) -> Capture:
    """The capture in a file or folder, with OpenCV axes, its split and world up.

    Photographs that are listed but missing are named in a note; of the rest only headers are read. Where the
    capture does not say, every 8th photograph is held out. Raises InputError with one line that says what is
    wrong: no photographs or one, sizes that do not fit, poses that are not finite, mirrored, scaled or all
    alike, files that are broken or hold pickled objects.
    """
    path = Path(path)
    if not path.exists():
        raise InputError(f"{path}: no such file or folder, expected a capture")
    refuse_empty(path, "a capture")
    read = _reader(path)
    if read is None:
        raise InputError(f"{path}: no capture found, expected {_KINDS}")
    return as_capture(read())


def _reader(path: Path) -> Callable[[], Found] | None:
    try:
        return _folder_reader(path) if path.is_dir() else _file_reader(path)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error})") from None


def _folder_reader(folder: Path) -> Callable[[], Found] | None:
    if (folder / _TRANSFORMS).is_file():
        return lambda: read_transforms(folder / _TRANSFORMS)
    if (folder / _BLENDER).is_file():
        return lambda: read_blender(folder)
    # Before LLFF: a COLMAP model knows the lens, and folders that have both were made from it.
    model = find_model(folder)
    if model is not None:
        return lambda: read_colmap(folder, model)
    if (folder / POSES).is_file():
        return lambda: read_llff(folder)
    return None


def _file_reader(path: Path) -> Callable[[], Found] | None:
    if not path.is_file():
        return None
    if path.name == _BLENDER:
        return lambda: read_blender(path.parent)
    if path.suffix.lower() == ".json":
        small = path.stat().st_size <= _LARGEST_JSON
        return (lambda: read_transforms(path)) if small and b'"frames"' in path.read_bytes() else None
    if path.name == POSES:
        return lambda: read_llff(path.parent)
    if path.name in ("cameras.bin", "cameras.txt", "images.bin", "images.txt"):
        return lambda: read_colmap(path.parent, path.parent)
    if path.suffix.lower() == ".npz" and {"images.npy", "poses.npy"} <= _archived(path):
        return lambda: read_arrays_capture(path)
    return None


def _archived(path: Path) -> set[str]:
    """The names in an archive; none if it is broken."""
    try:
        with zipfile.ZipFile(path) as archive:
            return set(archive.namelist())
    except (zipfile.BadZipFile, ValueError, NotImplementedError):
        return set()
