"""The cameras that a scene brings along."""

from __future__ import annotations

from nst3d.files import PathLike
from nst3d.formats.captures.registry import load_capture
from nst3d.formats.io.peek import Peek
from nst3d.formats.splats.trained_folder import CAMERAS, is_trained_folder
from nst3d.representations.capture import Capture


def own_capture(place: PathLike | Peek) -> Capture | None:
    """The cameras in the folder of a 3DGS training, with its photographs where they are found; otherwise None.

    Raises InputError if they cannot be read.
    """
    peek = Peek.at(place)
    if not is_trained_folder(peek) or not (peek.path / CAMERAS).is_file():
        return None
    return load_capture(peek.path / CAMERAS)
