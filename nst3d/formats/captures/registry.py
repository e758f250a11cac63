"""Reads captures (photographs with poses) of every known format."""

from __future__ import annotations

from pathlib import Path

from nst3d.errors import InputError
from nst3d.files import PathLike
from nst3d.formats.captures.bare import how_to_pose, is_bare
from nst3d.formats.captures.common import as_capture
from nst3d.formats.captures.write import save_transforms
from nst3d.formats.io.files import refuse_empty
from nst3d.formats.io.foreign import careful
from nst3d.formats.io.peek import Peek
from nst3d.formats.registry import Format, format_of
from nst3d.limits import one_asset
from nst3d.representations.capture import Capture

__all__ = ["is_capture", "load_capture", "save_transforms"]

_KINDS = (
    "transforms.json, transforms_train.json, a COLMAP model (cameras and images, .bin or .txt), "
    "poses_bounds.npy, a cameras.json of 3DGS, or an .npz with images, poses and focal"
)


def is_capture(place: PathLike | Peek) -> bool:
    """Whether a file or folder is a capture, judged by its name and contents; nothing is validated yet."""
    return _format(Peek.at(place)) is not None


@one_asset()
def load_capture(path: PathLike) -> Capture:
    """The capture in a file or folder, with OpenCV axes, its split and world up.

    Photographs that are listed but missing are named in a note; only the headers of the rest are read. If the
    capture defines no split, every 8th photograph is held out. Raises InputError, one line, for fewer than
    two photographs, sizes that do not fit, poses that are not finite, mirrored, scaled or all alike, and
    files that are broken or contain pickled objects.
    """
    path = Path(path)
    if not path.exists():
        raise InputError(f"{path}: no such file or folder, expected a capture")
    refuse_empty(path, "a capture")
    peek = Peek(path)
    row = _format(peek)
    if row is None and is_bare(peek):
        raise InputError(how_to_pose(peek))
    if row is None or row.load is None:
        raise InputError(f"{path}: no capture found, expected {_KINDS}")
    return as_capture(careful(row.load, row.words)(path))


def _format(peek: Peek) -> Format | None:
    try:
        return format_of(peek, "capture")
    except OSError as error:
        raise InputError(f"{peek.path}: cannot be read ({error.strerror or error})") from None
