"""Loads the images that OBJ and PLY files refer to as textures."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from nst3d.errors import InputError, TooLargeError, shown
from nst3d.formats.io.files import find_beside, read_bytes
from nst3d.images.header import read_header
from nst3d.images.io import decode_texels
from nst3d.images.levels import from_bytes
from nst3d.representations.mesh import Texture, Wrap
from nst3d.tensors import Array

MID_GREY = (0.5, 0.5, 0.5)
"""Placeholder for colours that could not be found."""
PLAIN_GREY = (0.8, 0.8, 0.8)
"""The colour of a mesh without colours."""


def load_texture(name: str, folders: Iterable[Path], clamp: bool = False) -> tuple[Texture | None, str]:
    """The texture that an asset in these folders calls `name`, and a note:
    how it was changed or, if it is None, why.
    """
    wrap: Wrap = "clamp" if clamp else "repeat"
    try:
        path = find_beside(name, folders)
        if path is None:
            return None, f"texture {shown(name)} was not found beside the mesh"
        picture = decode_texels(read_bytes(path), str(path))
    except TooLargeError:
        raise
    except InputError as error:
        return None, str(error)
    return Texture(path.stem, picture.pixels, picture.alpha, (wrap, wrap)), "; ".join(picture.notes)


def load_mask(name: str, folders: Iterable[Path]) -> tuple[Array | None, str]:
    """The opacity (h, w) in the picture that a material calls `name`, or None and a note with the reason.

    It is the picture's alpha, or its red channel if it is opaque.
    """
    texture, note = load_texture(name, folders)
    if texture is None:
        return None, note
    alpha = None if texture.alpha is None else from_bytes(texture.alpha)
    if alpha is None or (alpha == 1).all():
        alpha = from_bytes(texture.pixels[..., 0].copy())
    return alpha, ""


def map_file(name: str, folders: Iterable[Path]) -> tuple[Path | None, str]:
    """The picture that an MTL calls `name`, or None; then, if such a file exists, the reason why not."""
    try:
        path = find_beside(name, folders)
        if path is not None:
            read_header(path)
    except InputError as error:
        return None, str(error)
    return path, ""
