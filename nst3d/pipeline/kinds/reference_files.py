"""Pictures to paint over: a render, a copy of it, and its camera in a JSON file beside it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from nst3d.cameras.pinhole import Camera
from nst3d.errors import InputError, OutputError
from nst3d.files import PathLike, write_bytes
from nst3d.formats.io.json_values import matrix, number, read_object
from nst3d.images.io import read_image, write_image
from nst3d.images.resize import resize
from nst3d.stylize.teachers.reference import Reference
from nst3d.tensors import Array, Image, ImageSize

Note = Callable[[str], None]
_WHAT = "picture to paint over"
_LOSSY = 10 / 255
"""Difference of a channel up to which a pixel counts as left alone in a picture that was compressed or resized."""
_SAME = 0.97
"""Share of the silhouettes of picture and scene that must agree."""


def original_of(path: PathLike) -> Path:
    """The copy of the picture as it was before painting."""
    path = Path(path)
    return path.with_name(f"{path.stem}_original.png")


def save_reference(path: PathLike, camera: Camera, picture: Array, opacity: Array) -> list[Path]:
    """Write a picture (h, w, 3) to paint over, a copy with its opacity (h, w) as alpha, and its camera; the paths.

    The camera is in the frame that the scene is rendered in. Raises OutputError.
    """
    path = Path(path)
    paths = [path, original_of(path), path.with_suffix(".json")]
    write_image(paths[1], picture, opacity)
    write_image(paths[0], picture)
    values = {
        "nst3d": _WHAT,
        "original": original_of(path).name,
        "width": camera.size.width,
        "height": camera.size.height,
        "focal": camera.focal,
        "centre_x": camera.centre[0],
        "centre_y": camera.centre[1],
        "aspect": camera.aspect,
        "transform_matrix": camera.camera_to_world.tolist(),
        "digest": _digest(path),
    }
    write_bytes(paths[2], (json.dumps(values, indent=2) + "\n").encode())
    return paths


def check_not_painted(path: PathLike) -> None:
    """Raise OutputError if there is a picture that is not, to the byte, what `save_reference` wrote there."""
    path = Path(path)
    if not path.exists():
        return
    beside = path.with_suffix(".json")
    try:
        own = read_object(beside).get("digest") == _digest(path) if beside.is_file() else False
    except (InputError, OSError):
        own = False
    if not own:
        raise OutputError(
            f"{path}: differs from what was rendered, and is perhaps painted over: `overwrite` does not replace it;"
            " move it away with the files beside it, or give another `out`"
        )


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def load_reference(path: PathLike, note: Note = lambda text: None) -> tuple[Reference, Array]:
    """A painted picture with its original and camera, and the opacity (h, w) of what it shows.

    Another size is resized, with a note. Raises InputError for files that are missing or do not belong together, and
    for another aspect ratio.
    """
    path = Path(path)
    painted = read_image(path)
    beside = path.with_suffix(".json")
    if not beside.is_file():
        raise InputError(
            f"{path}: its camera is missing: expected {beside.name} beside it, which nst3d render SCENE"
            " `for_painting` writes with the picture"
        )
    camera, name = _camera(beside)
    before = read_image(beside.with_name(name))
    size = ImageSize(*before.pixels.shape[:2])
    if size != camera.size or before.alpha is None:
        raise InputError(f"{beside.with_name(name)}: is not the picture that {beside} was written with")
    found = ImageSize(*painted.pixels.shape[:2])
    pixels, lossy = (
        Image(torch.from_numpy(painted.pixels)),
        path.suffix.lower() not in (".png", ".bmp", ".tga"),
    )
    if found != size:
        told = f"{path}: is {found.width} x {found.height} pixels"
        if abs(found.width * size.height / (found.height * size.width) - 1) > 1.5 / min(size):
            raise InputError(
                f"{told}, expected the shape of {size.width} x {size.height}: paint it without cropping"
            )
        note(f"{told}, resized to {size.width} x {size.height}")
        pixels, lossy = resize(pixels, size), True
    original = Image(torch.from_numpy(before.pixels))
    if painted.alpha is not None:  # layers without the picture below show it
        pixels = Image(torch.lerp(original, pixels, torch.from_numpy(painted.alpha)[..., None]))
    reference = Reference(camera, original, pixels, path.stem, _LOSSY if lossy else Reference.tolerance)
    return reference, before.alpha


def check_scene(path: Path, opacity: Array, drawn: Array) -> None:
    """Raise InputError unless the silhouettes (h, w) of a picture and of the scene from its camera agree."""
    both, either = float(np.minimum(opacity, drawn).sum()), float(np.maximum(opacity, drawn).sum())
    if either == 0 or both < _SAME * either:
        raise InputError(
            f"{path}: shows another scene, or this one from before its shape changed ({both / max(either, 1e-9):.0%}"
            " of the silhouettes agree): render this scene with `for_painting` and paint that picture"
        )


def _camera(path: Path) -> tuple[Camera, str]:
    values = read_object(path)
    if values.get("nst3d") != _WHAT or not isinstance(values.get("original"), str):
        raise InputError(f"{path}: is not the camera of a picture from nst3d render `for_painting`")

    def of(key: str) -> float:
        value = number([values], key, path)
        if value is None:
            raise InputError(f"{path}: has no {key}")
        return value

    size = ImageSize(int(of("height")), int(of("width")))
    if not (1 <= min(size) <= max(size) <= 1 << 15 and of("focal") > 0 and of("aspect") > 0):
        raise InputError(f"{path}: is not a camera: size, focal length and aspect must be above 0")
    pose = matrix(values, path.stem, path)
    centre = (of("centre_x"), of("centre_y"))
    return Camera(pose, of("focal"), centre, size, of("aspect")), Path(str(values["original"])).name
