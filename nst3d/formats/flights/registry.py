"""Reads camera paths: keyframes in a YAML file, and the camera_path.json that nerfstudio's viewer exports."""

from __future__ import annotations

from pathlib import Path

from nst3d.cameras.paths import Flight
from nst3d.errors import InputError
from nst3d.files import PathLike
from nst3d.formats.io.files import read_bytes
from nst3d.formats.io.foreign import careful
from nst3d.formats.io.json_values import claim_json
from nst3d.formats.registry import format_of, suffixes_of
from nst3d.limits import regular
from nst3d.tensors import Array

_LARGEST_FILE = 256_000_000


def is_camera_path(path: PathLike) -> bool:
    """Whether a path has the suffix of a camera path."""
    return Path(path).suffix.lower() in suffixes_of("flight")


def load_camera_path(path: PathLike, up: Array | None = None) -> Flight:
    """The flight in a keyframe YAML or a nerfstudio camera_path.json, chosen by suffix.

    YAML: `keyframes`, a list of mappings with `position` and `look_at` (three numbers each; `roll` degrees,
    clockwise as seen by the camera) or `matrix` (camera-to-world, 4 × 4 or 3 × 4); each may have
    `field_of_view` (degrees, of the image's shorter side) and `time` (seconds; all or none). Besides: `size`
    (1280x720), `frames` or `seconds`, `fps`, `loop`, `ease`, `field_of_view`, `up`, and `axes` (of matrices:
    opencv, or opengl as in Blender and nerfstudio). `up` is used if the file has none.

    JSON: nerfstudio's own frames (`camera_path`), or its `keyframes` if there are none; OpenGL axes,
    vertical field of view. Raises InputError, one line, for anything else.
    """
    path = Path(path)
    text = _read(path)
    row = format_of(path, "flight")
    if row is None or row.load is None:
        raise InputError(f"{path}: not a camera path; supported are {', '.join(suffixes_of('flight'))}")
    try:
        return careful(row.load, row.words)(path, text, up)
    except RecursionError:
        raise InputError(f"{path}: nested too deeply for a camera path") from None


def _read(path: Path) -> str:
    try:
        if regular(path).stat().st_size > _LARGEST_FILE:
            raise InputError(f"{path}: too large for a camera path (at most {_LARGEST_FILE // 10**6} MB)")
        data = read_bytes(path)
        claim_json(data, str(path))
        return data.decode("utf-8-sig")
    except FileNotFoundError:
        raise InputError(f"{path}: no such file, expected a camera path") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error})") from None
    except UnicodeDecodeError:
        raise InputError(f"{path}: not UTF-8 text, expected a camera path") from None
