"""Reads transforms.json (nerfstudio, instant-ngp) and the transforms_{train,val,test}.json of Blender scenes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from nst3d.errors import InputError
from nst3d.formats.captures.common import Found, Shot, from_opengl
from nst3d.formats.captures.intrinsics import read_intrinsics
from nst3d.formats.captures.search import PhotoSearch
from nst3d.formats.io.files import OutsideError, descend, relative_parts, resolve
from nst3d.formats.io.json_values import frames_of, matrix, names, read_object
from nst3d.formats.io.peek import Peek
from nst3d.formats.registry import Format, register_format
from nst3d.images.header import read_header
from nst3d.limits import regular
from nst3d.representations.capture import Split
from nst3d.tensors import Array

_TRANSFORMS, _BLENDER = "transforms.json", "transforms_train.json"
_LARGEST_JSON = 256 * 2**20


def read_transforms(path: Path) -> Found:
    """The shots of a transforms.json.

    Poses are used as written: nerfstudio's `applied_transform` and `applied_scale` record what was already
    done to them. Masks are ignored, with a note. Lists of file names for training, validation and test define
    the split (validation counts as test); unlisted photographs are left out. An "up" of three numbers, as
    written by `save_transforms`, is world up. Raises InputError for a file that cannot be read.
    """
    content = read_object(path)
    frames = frames_of(content, path)
    _check_applied(content, path)
    notes = []
    split = _listed_split(content, path)
    if any(f.get("mask_path") for f in frames):
        notes.append("masks are not used")
    shots: list[Shot] = []
    missing: list[str] = []
    unlisted = 0
    photos = _photos(frames, path)
    for frame in frames:
        name = _name(frame, path)
        if split and name not in split:
            unlisted += 1
            continue
        shot = _shot(frame, content, path, photos, split.get(name))
        if shot is None:
            missing.append(name)
        else:
            shots.append(shot)
    if unlisted:
        notes.append(f"{unlisted} photographs left out: they are in no list of file names")
    return Found(path, "transforms.json", shots, missing, _up(content, path), notes=notes)


def read_blender(folder: Path) -> Found:
    """The shots of a synthetic Blender scene: train, with test (or else val) held out; +z is up."""
    files = {kind: _listed_as(folder, f"transforms_{kind}.json") for kind in ("train", "test", "val")}
    held_out = next((kind for kind in ("test", "val") if files[kind].is_file()), None)
    notes = []
    if held_out == "test" and files["val"].is_file():
        notes.append("transforms_val.json is not used: test is held out")
    shots: list[Shot] = []
    missing: list[str] = []
    used: tuple[tuple[str | None, Split], ...] = (("train", "train"), (held_out, "test"))
    for kind, split in used:
        if kind is None:
            continue
        content = read_object(files[kind])
        frames = frames_of(content, files[kind])
        photos = _photos(frames, files[kind])
        for frame in frames:
            shot = _shot(frame, content, files[kind], photos, split if held_out else None)
            if shot is None:
                missing.append(_name(frame, files[kind]))
            else:
                shots.append(shot)
    return Found(folder, "Blender synthetic", shots, missing, np.array([0.0, 0.0, 1.0]), notes=notes)


def _shot(
    frame: dict[str, Any],
    content: dict[str, Any],
    path: Path,
    photos: Mapping[str, Path],
    split: Split | None,
) -> Shot | None:
    """The frame's shot, or None if its photograph is missing."""
    name = _name(frame, path)
    photo = photos.get(name)
    if photo is None:
        return None
    intrinsics = read_intrinsics((frame, content), path, name, lambda: read_header(photo).size)
    pose = from_opengl(matrix(frame, name, path))
    return Shot(name, pose, intrinsics, photo, split=split, depth=_depth(frame, photo, path.parent))


def _photos(frames: Sequence[dict[str, Any]], path: Path) -> dict[str, Path]:
    """The photographs that are there, by name. Raises OutsideError if some exist outside the folder only."""
    folder = path.parent
    search = PhotoSearch([folder, folder / "images"], [folder])
    return search.find_all([_name(frame, path) for frame in frames], path)


def _name(frame: dict[str, Any], path: Path) -> str:
    name = frame.get("file_path")
    if not isinstance(name, str) or not name:
        raise InputError(f"{path}: a frame has no file_path")
    return "/".join(relative_parts(name)) if not Path(name).is_absolute() else name


def _depth(frame: dict[str, Any], photo: Path, folder: Path) -> Path | None:
    """The depth image named by the frame, or beside the photograph as in Blender scenes."""
    name = frame.get("depth_file_path")
    if isinstance(name, str) and name:
        with suppress(OutsideError):
            path = resolve(folder, name)
            return path if path.is_file() else None
        return None
    beside = sorted(photo.parent.glob(f"{photo.stem}_depth_*.png")) if "[" not in photo.stem else []
    return beside[0] if beside else None


def _listed_split(content: dict[str, Any], path: Path) -> Mapping[str, Split]:
    """File name to split for all listed files; empty if there is no list."""
    split: dict[str, Split] = {}
    kinds: tuple[tuple[str, Split], ...] = (("test", "test"), ("val", "test"), ("train", "train"))
    for kind, meaning in kinds:
        for name in names(content, f"{kind}_filenames", path):
            split["/".join(relative_parts(name))] = meaning
    return split


def _check_applied(content: dict[str, Any], path: Path) -> None:
    applied = content.get("applied_transform")
    if applied is None:
        return
    try:
        fine = np.array(applied, np.float64).shape in ((3, 4), (4, 4))
    except (TypeError, ValueError, OverflowError):
        fine = False
    if not fine:
        raise InputError(f"{path}: applied_transform is not a 3 x 4 matrix")


def _up(content: dict[str, Any], path: Path) -> Array | None:
    given = content.get("up")
    if given is None:
        return None
    try:
        up = np.array(given, np.float64)
    except (TypeError, ValueError, OverflowError):
        up = np.zeros(0)
    # instant-ngp and others use this key for other things: anything but a direction is ignored.
    return up if up.shape == (3,) and np.isfinite(up).all() and np.linalg.norm(up) > 0 else None


def _is_transforms(peek: Peek) -> bool:
    if peek.is_folder:
        return _listed_as(peek.path, _TRANSFORMS).is_file()
    named = peek.suffix == ".json" and peek.path.name.lower() != _BLENDER and peek.path.is_file()
    return named and peek.once(_has_frames)


def _has_frames(path: Path) -> bool:
    return regular(path).stat().st_size <= _LARGEST_JSON and b'"frames"' in path.read_bytes()


def _is_blender(peek: Peek) -> bool:
    file = _listed_as(peek.path, _BLENDER) if peek.is_folder else peek.path
    return file.name.lower() == _BLENDER and file.is_file()


def _listed_as(folder: Path, name: str) -> Path:
    """A file of a folder by its name, in any case."""
    return descend(folder, [name]) or folder / name


def _load_transforms(path: Path) -> Found:
    return read_transforms(_listed_as(path, _TRANSFORMS) if path.is_dir() else path)


def _load_blender(path: Path) -> Found:
    return read_blender(path if path.is_dir() else path.parent)


register_format(
    Format("transforms", (), "capture", "a nerfstudio capture", _load_transforms, sniff=_is_transforms)
)
register_format(
    Format("blender", (), "capture", "a synthetic Blender capture", _load_blender, sniff=_is_blender, rank=1)
)
