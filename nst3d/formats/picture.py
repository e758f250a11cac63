"""A plain picture as a scene: reads any picture, writes PNG or JPEG."""

from __future__ import annotations

from pathlib import Path

from nst3d.errors import ConfigError
from nst3d.files import PathLike
from nst3d.formats.io.foreign import careful
from nst3d.formats.io.peek import Peek
from nst3d.formats.registry import Format, format_named, format_of, formats_of, register_format
from nst3d.images.io import Picture, read_image, write_image
from nst3d.tensors import Array


def load_picture(path: PathLike, max_pixels: int | None = None) -> Picture:
    """The picture in a file, reduced to at most `max_pixels`. Raises InputError like `read_image`."""
    row = format_of(path, "picture")
    return (read_image if row is None or row.load is None else careful(row.load, row.words))(path, max_pixels)


def save_picture(path: PathLike, pixels: Array, alpha: Array | None = None) -> list[Path]:
    """Write pixels (h, w, 3) in [0, 1], sRGB-encoded, in the suffix's format; returns [path].

    PNG keeps `alpha` (h, w), JPEG drops it. Raises ConfigError for another suffix, OutputError if the file
    cannot be written.
    """
    path = Path(path)
    row = format_named(path.name, "picture")
    if row is None or row.save is None:
        written = [s for f in formats_of("picture") if f.save is not None for s in f.suffixes]
        raise ConfigError(f"{path}: pictures are written as {', '.join(written)}")
    return row.save(path, pixels, alpha)


def is_picture(path: PathLike | Peek) -> bool:
    """Whether a path has the suffix of a picture, whether or not it exists."""
    return format_of(path, "picture") is not None


def _write(path: Path, pixels: Array, alpha: Array | None = None) -> list[Path]:
    write_image(path, pixels, alpha)
    return [path]


register_format(Format("png", (".png",), "picture", "a PNG picture", read_image, _write, magic=(b"\x89PNG",)))
register_format(
    Format(
        "jpeg",
        (".jpg", ".jpeg"),
        "picture",
        "a JPEG picture",
        read_image,
        _write,
        magic=(b"\xff\xd8\xff",),
        rank=1,
    )
)
register_format(Format("bmp", (".bmp",), "picture", "a BMP picture", read_image, rank=2))
register_format(Format("gif", (".gif",), "picture", "a GIF picture", read_image, rank=2))
register_format(Format("ppm", (".ppm",), "picture", "a PPM picture", read_image, rank=2))
register_format(Format("tga", (".tga",), "picture", "a TGA picture", read_image, rank=2))
register_format(Format("tiff", (".tif", ".tiff"), "picture", "a TIFF picture", read_image, rank=2))
register_format(Format("webp", (".webp",), "picture", "a WebP picture", read_image, rank=2))
