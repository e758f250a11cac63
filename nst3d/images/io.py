"""Reads and writes pictures of any bit depth, palette, alpha or orientation."""

from __future__ import annotations

import io
import math
import struct
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageCms, ImageOps, UnidentifiedImageError

from nst3d.errors import InputError, OutputError, TooLargeError, cut
from nst3d.files import PathLike, write_bytes
from nst3d.images.levels import floats_of, levels_of, to_bytes
from nst3d.limits import claim, regular
from nst3d.tensors import Array, ImageSize

FORMATS = ("PNG", "JPEG", "WEBP", "TIFF", "BMP", "GIF", "TGA", "PPM", "JPEG2000", "DDS", "ICO")
"""Formats that are read. Pillow supports more, but some of those run external programs."""

LIMIT = 178_000_000
"""Number of pixels above which a file is treated as a decompression bomb, as by Pillow."""

MOST_TEXELS = 8192 * 8192
"""Number of pixels to which the textures of assets are reduced."""

_STORED = 12
"""Bytes per pixel while a picture is decoded: four channels as stored, converted, and as an array."""

_EIGHT_BITS = ("1", "L", "LA", "La", "P", "PA", "RGB", "RGBA", "RGBa", "RGBX", "CMYK", "YCbCr", "LAB", "HSV")
"""Pillow's modes of pictures with at most 8 bits."""

BROKEN = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    EOFError,
    IndexError,
    KeyError,
    struct.error,
    NotImplementedError,
)
"""Errors of Pillow for damaged files and for kinds that it does not decode."""
_JPEG_SIDE = 65535
_JPEG_REDUCTION = 8
"""Largest reduction of a JPEG that its decoder makes; the others are powers of two below."""
_FINER = 4
"""How many times as fine as wanted a picture is decoded whose blocks do not meet the wanted pixels' borders. The mean
over them then differs by less than is visible (PSNR above 48 dB)."""


@dataclass(frozen=True)
class Picture:
    """A decoded picture."""

    pixels: Array
    """(h, w, 3) float32, sRGB-encoded RGB in [0, 1], top row first; of `decode_texels` perhaps uint8."""
    alpha: Array | None
    """(h, w) float32 in [0, 1] or like the pixels, or None if the file has no alpha."""
    notes: tuple[str, ...] = ()
    """Changes made on reading, one sentence each, for the user."""
    extent: tuple[float, float] | None = None
    """Height and width of what the file shows, in these pixels: the last row and column may lie partly outside.
    None: all of it."""
    full: ImageSize | None = None
    """Size before it was reduced to `max_pixels`, which `notes` says; None: it was not."""


def read_image(path: PathLike, max_pixels: int | None = None) -> Picture:
    """The picture in a PNG, JPEG, WebP, TIFF, BMP, GIF, TGA … file, turned upright by its EXIF orientation.

    With `max_pixels`, a larger picture is reduced to at most that many pixels, with a note. An animation
    gives its first frame. Raises InputError if the file is missing, not a picture, damaged, over `LIMIT`
    pixels, or in need of more memory than the limit for what is read.
    """
    path = Path(path)
    try:
        claim(0, str(path), regular(path).stat().st_size)
        data = path.read_bytes()
    except FileNotFoundError:
        raise InputError(f"{path}: no such file, expected a picture") from None
    except IsADirectoryError:
        raise InputError(f"{path}: is a folder, expected a picture") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error})") from None
    return _decode(data, str(path), max_pixels, upright=True)


def decode_image(data: bytes, name: str, max_pixels: int | None = None) -> Picture:
    """The picture in a file's bytes, such as a texture inside a GLB; `name` is used in messages.

    Pixels are returned as stored: EXIF orientation is ignored, because UVs address the stored pixels.
    Raises InputError like `read_image`.
    """
    return _decode(data, name, max_pixels, upright=False)


def decode_texels(data: bytes, name: str) -> Picture:
    """Like `decode_image` for the texture of an asset, reduced to `MOST_TEXELS`.

    Pixels and alpha are levels (uint8), a quarter of the memory, unless the file has more than 8 bits.
    """
    return _guarded(lambda: _whole(data, name, MOST_TEXELS, upright=False, floats=False), data, name)


def decode_blocks(data: bytes, name: str, size: ImageSize) -> Picture:
    """The picture in a file's bytes, as stored, each pixel the mean of a square block of the file's pixels.

    It is meant to be averaged to `size`. Where whole blocks make up its pixels, the blocks are those pixels; otherwise
    they are as large as possible with a side of at most a fourth of them, since some lie across their borders. A JPEG
    is decoded at 1/2, 1/4 or 1/8 as far as that goes, in a fraction of the time. Raises InputError like `read_image`.
    """

    def read() -> Picture:
        image = _opened(data, name)
        width, height = image.size
        block, reduced = _block(image.size, size)
        # Where libjpeg reduces, its answer says which part of the reduced picture the file fills.
        answer = image.draft(None, (width // reduced, height // reduced))
        box = answer[1] if answer else (0, 0, width, height)
        block = block // reduced if answer else block
        _claim_picture(image, (image.width // block, image.height // block), name)
        image.load()
        image = _simplified(image)
        pixels, alpha = floats_of(image.reduce(block) if block > 1 else image)
        return Picture(pixels, alpha, (), (box[3] / block, box[2] / block))

    return _guarded(read, data, name)


def _block(stored: tuple[int, int], size: ImageSize) -> tuple[int, int]:
    """Side of the blocks for `decode_blocks`, and by how much a JPEG decoder may reduce: 1, 2, 4 or 8."""
    (across, beside), (down, below) = divmod(stored[0], size.width), divmod(stored[1], size.height)
    if across == down and not beside and not below:
        return across, math.gcd(across, _JPEG_REDUCTION)
    block = max(1, min(across, down) // _FINER)
    return block, min(1 << (block.bit_length() - 1), _JPEG_REDUCTION)


def encode_png(pixels: Array | torch.Tensor, alpha: Array | torch.Tensor | None = None) -> bytes:
    """The bytes of an 8-bit PNG file: pixels (h, w, 3) and alpha (h, w), both in [0, 1], clamped.

    Values are rounded to the nearest of 256 levels, halves up; values read from 8 bits round-trip exactly.
    """
    return _encode(pixels, alpha, "PNG")


def write_image(
    path: PathLike, pixels: Array | torch.Tensor, alpha: Array | torch.Tensor | None = None
) -> None:
    """Write pixels (h, w, 3) and alpha (h, w) as 8-bit PNG or JPEG, chosen by the suffix, atomically.

    JPEG (quality 95, full-resolution chroma) drops the alpha. Raises OutputError if the file cannot be
    written.
    """
    path = Path(path)
    kind = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG"}.get(path.suffix.lower())
    if kind is None:
        raise OutputError(
            f"{path}: cannot write {path.suffix or 'a file without a suffix'}, use .png or .jpg"
        )
    if kind == "JPEG" and max(pixels.shape[:2]) > _JPEG_SIDE:
        raise OutputError(f"{path}: JPEG allows at most {_JPEG_SIDE} pixels per side, use .png")
    write_bytes(path, _encode(pixels, None if kind == "JPEG" else alpha, kind))


def _encode(pixels: Array | torch.Tensor, alpha: Array | torch.Tensor | None, kind: str) -> bytes:
    data = to_bytes(pixels)
    if alpha is not None:
        data = np.concatenate([data, to_bytes(alpha)[..., None]], axis=-1)
    buffer = io.BytesIO()
    options = {"quality": 95, "subsampling": 0} if kind == "JPEG" else {}
    Image.fromarray(np.ascontiguousarray(data)).save(buffer, kind, **options)
    return buffer.getvalue()


def _decode(data: bytes, name: str, max_pixels: int | None, upright: bool) -> Picture:
    return _guarded(lambda: _whole(data, name, max_pixels, upright), data, name)


def _guarded(read: Callable[[], Picture], data: bytes, name: str) -> Picture:
    """What `read` returns, with Pillow's errors and warnings turned into InputErrors."""
    if not data:
        raise InputError(f"{name}: the file is empty, expected a picture")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow warns about what is handled or rejected here
            return read()
    except UnidentifiedImageError:
        raise InputError(
            f"{name}: not a readable picture, expected PNG, JPEG, WebP, TIFF, BMP, TGA …"
        ) from None
    except (Image.DecompressionBombError, MemoryError):
        raise TooLargeError(_too_large(name)) from None
    except BROKEN as error:
        what = "the picture is damaged or of an unknown format"
        raise InputError(f"{name}: {what} ({cut(str(error))})") from None


def _opened(data: bytes, name: str) -> Image.Image:
    image: Image.Image = Image.open(io.BytesIO(data), formats=FORMATS)
    width, height = image.size
    if width * height > LIMIT:
        raise TooLargeError(_too_large(name))
    if width * height == 0:
        raise InputError(f"{name}: the picture has no pixels ({width} x {height})")
    return image


def _whole(data: bytes, name: str, max_pixels: int | None, upright: bool, floats: bool = True) -> Picture:
    image = _opened(data, name)
    width, height = image.size
    image.draft(None, _reduced(image.size, max_pixels))  # a JPEG decodes faster at 1/2, 1/4 or 1/8
    _claim_picture(image, _reduced(image.size, max_pixels), name, 4 if floats else 1)
    image.load()
    stored = image.size
    image = _simplified(ImageOps.exif_transpose(image) if upright else image)
    if image.size != stored:
        width, height = height, width
    size = _reduced(image.size, max_pixels)
    if size != image.size:
        image = image.resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0)
    pixels, alpha = floats_of(image) if floats else levels_of(image)
    if pixels.shape[0] * pixels.shape[1] == width * height:
        return Picture(pixels, alpha)
    resized = f"{name}: {width} x {height} pixels, reduced to {size[0]} x {size[1]}"
    return Picture(pixels, alpha, (resized,), full=ImageSize(height, width))


def _claim_picture(image: Image.Image, size: tuple[int, int], name: str, width: int = 4) -> None:
    """Ask for the memory that a picture takes while it is decoded, and then at `size`, `width` bytes a value."""
    channels = 3 + ("A" in image.getbands() or "transparency" in image.info)
    width = width if image.mode in _EIGHT_BITS else 4
    claim(width * channels * size[0] * size[1], name, _STORED * image.width * image.height)


def _too_large(name: str) -> str:
    return f"{name}: over the limit of {LIMIT // 10**6} megapixels, make it smaller"


def _reduced(size: tuple[int, int], max_pixels: int | None) -> tuple[int, int]:
    """The (width, height) with the same aspect ratio and at most `max_pixels` pixels."""
    width, height = size
    if max_pixels is None or width * height <= max_pixels:
        return size
    scale = (max_pixels / (width * height)) ** 0.5
    return max(1, int(width * scale)), max(1, int(height * scale))


def _simplified(image: Image.Image) -> Image.Image:
    """The picture in mode RGB, RGBA, or F with grey from 0 to 1 (more than 8 bits)."""
    if image.mode == "F" or image.mode.startswith("I"):
        grey = np.asarray(image).astype(np.float32)
        if not np.isfinite(grey).all():
            raise ValueError("it contains non-finite values")
        white = 1.0 if image.mode == "F" else 65535.0 if grey.max() <= 65535 else 2.0**31 - 1
        return Image.fromarray(np.clip(grey / np.float32(white), 0, 1))
    if image.mode == "CMYK" and image.info.get("icc_profile"):
        return _through_profile(image)
    mode = "RGBA" if image.has_transparency_data else "RGB"
    return image if image.mode == mode else image.convert(mode)  # which copies in either case


def _through_profile(image: Image.Image) -> Image.Image:
    """CMYK to sRGB through the file's ICC profile; by the plain formula if that profile is invalid."""
    try:
        profile = ImageCms.ImageCmsProfile(io.BytesIO(image.info["icc_profile"]))
        converted = ImageCms.profileToProfile(
            image, profile, ImageCms.createProfile("sRGB"), outputMode="RGB"
        )
    except (ImageCms.PyCMSError, OSError):
        converted = None
    return converted or image.convert("RGB")
