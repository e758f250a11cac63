"""A plain picture as a scene: any picture in, PNG or JPEG out."""

from __future__ import annotations

from pathlib import Path

from nst3d.errors import ConfigError
from nst3d.files import PathLike
from nst3d.images.io import Picture, read_image, write_image
from nst3d.tensors import Array

SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".bmp", ".gif", ".tga", ".ppm")
"""What is taken for a picture by its name."""
_WRITTEN = (".png", ".jpg", ".jpeg")


def load_picture(path: PathLike, max_pixels: int | None = None) -> Picture:
    """The picture in a file, at most `max_pixels` large. Raises InputError as `read_image` does."""
    return read_image(path, max_pixels)


def save_picture(path: PathLike, pixels: Array, alpha: Array | None = None) -> list[Path]:
    """Write pixels (h, w, 3) in [0, 1], sRGB-encoded, by the suffix; returns [path].

    PNG keeps `alpha` (h, w), JPEG has none. Raises ConfigError for another suffix, OutputError if the file
    cannot be written.
    """
    path = Path(path)
    if path.suffix.lower() not in _WRITTEN:
        raise ConfigError(f"{path}: pictures are written as {', '.join(_WRITTEN)}")
    write_image(path, pixels, alpha)
    return [path]
