"""Reads the cameras.json that 3DGS training writes: the cameras of its photographs, which lie elsewhere."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np

from nst3d.errors import InputError
from nst3d.formats.captures.common import Found, Intrinsics, Shot
from nst3d.formats.captures.intrinsics import MAX_SIDE
from nst3d.formats.captures.search import PhotoSearch
from nst3d.formats.io.files import OutsideError, read_bytes
from nst3d.formats.io.json_values import number, shown
from nst3d.formats.io.peek import Peek
from nst3d.formats.registry import Format, register_format
from nst3d.tensors import Array, ImageSize

CAMERAS, _SETTINGS = "cameras.json", "cfg_args"
_PHOTOS = ("images", "input", "")
_SOURCE = re.compile(r"\b(source_path|images)=(['\"])(.*?)\2")
_LARGEST = 256 * 2**20


def read_camera_list(path: Path) -> Found:
    """The cameras of a cameras.json, with photographs beside it, or where the training had them if that is allowed.

    Cameras without their photographs are kept. Raises InputError for a file of another content.
    """
    source = _source(path.parent)
    beside = [path.parent / name for name in _PHOTOS]
    search = PhotoSearch([*beside, *([] if source is None else [source])], [path.parent])
    shots, missing, outside = [], 0, False
    for count, entry in enumerate(_entries(path), start=1):
        name = entry.get("img_name")
        if not isinstance(name, str) or not name:
            raise InputError(f"{path}: camera {count} has no img_name")
        photo = None
        try:
            photo = search.find(name)
        except OutsideError:
            outside = True
        missing += photo is None
        pose, intrinsics = _pose(entry, name, path), _intrinsics(entry, name, path)
        shots.append(Shot(name, pose, intrinsics, photo, split="train"))
    if not missing:
        return Found(path, "3DGS cameras", shots)
    note = f"{path}: {missing} of its {len(shots)} cameras are used without their photographs"
    if source is not None:
        remedy = ": give `allow_outside` to read them" if outside else ", which is not here"
        note += f"; the training read them from {str(source)[:200]}{remedy}"
    return Found(path, "3DGS cameras", shots, notes=[note])


def _entries(path: Path) -> list[dict[str, Any]]:
    try:
        content = json.loads(read_bytes(path).decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: not a JSON file ({error})") from None
    if not isinstance(content, list) or not all(isinstance(e, dict) for e in content):
        raise InputError(
            f"{path}: expected a list of cameras, as 3DGS training writes it, found {shown(content)}"
        )
    return content


def _source(folder: Path) -> Path | None:
    """The folder of the training's photographs, as its settings name it; the settings are not executed."""
    try:
        text = read_bytes(folder / _SETTINGS)[:65536].decode("utf-8", "replace")
    except InputError:
        return None
    told = {m[1]: m[3] for m in _SOURCE.finditer(text)}
    return Path(told["source_path"]) / told.get("images", "images") if told.get("source_path") else None


def _pose(entry: dict[str, Any], name: str, path: Path) -> Array:
    """Camera to world (4, 4), with OpenCV axes as written."""
    pose = np.eye(4)
    try:
        pose[:3, :3] = np.array(entry["rotation"], np.float64).reshape(3, 3)
        pose[:3, 3] = np.array(entry["position"], np.float64).reshape(3)
    except (KeyError, TypeError, ValueError, OverflowError):
        raise InputError(f"{path}: {name} has no rotation (3 x 3) and position (3) of numbers") from None
    return pose


def _intrinsics(entry: dict[str, Any], name: str, path: Path) -> Intrinsics:
    values = [number([entry], key, path) for key in ("width", "height", "fx", "fy")]
    width, height, across, down = (0.0 if v is None else v for v in values)
    if not (1 <= width <= MAX_SIDE and 1 <= height <= MAX_SIDE and min(across, down) > 0):
        raise InputError(
            f"{path}: {name} has a picture of {width:g} x {height:g} pixels and a focal length of {across:g} x"
            f" {down:g}, expected more than 0"
        )
    size = ImageSize(round(height), round(width))
    return Intrinsics((across, down), (size.width / 2, size.height / 2), size)


def _is_camera_list(peek: Peek) -> bool:
    if peek.is_folder:
        return (peek.path / CAMERAS).is_file() and peek.once(_has_cameras, peek.path / CAMERAS)
    return peek.suffix == ".json" and peek.path.is_file() and peek.once(_has_cameras)


def _has_cameras(path: Path) -> bool:
    if path.stat().st_size > _LARGEST:
        return False
    data = path.read_bytes()
    return data.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"[") and b'"img_name"' in data


def _load(path: Path) -> Found:
    return read_camera_list(path / CAMERAS if path.is_dir() else path)


register_format(
    Format("camera-list", (), "capture", "a list of 3DGS cameras", _load, sniff=_is_camera_list, rank=4)
)
