"""Photographs of a capture: matching their pixels to a camera, and averaging them to another size."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from nst3d.errors import InputError
from nst3d.formats.io.files import read_bytes
from nst3d.images.header import PictureHeader, read_header, upright
from nst3d.images.io import decode_blocks, decode_image
from nst3d.limits import claim
from nst3d.representations.capture import Photo
from nst3d.tensors import Array, ImageSize

_SLACK = 1.5
"""Pixels of the smaller picture by which rounding may change a side."""


def load_photo(
    photo: Photo, size: ImageSize | None = None, background: Sequence[float] | None = None
) -> Array:
    """The photograph (h, w, 3) float32 at `size` (None: its own), each pixel the mean of the area it covers.

    The result is what `photo.camera.resized(size)` sees. Alpha is composited over `background` (None: white)
    first. Pixels are used as stored, because pose estimators read them that way; the EXIF orientation is
    applied only if the file fits the camera's size no other way. Raises InputError if the file cannot be read
    or does not fit the camera.
    """
    return laid_over(load_reduced(photo, size), background)


def load_alpha(photo: Photo, size: ImageSize | None = None) -> Array | None:
    """The photograph's opacity (h, w) float32 at `size`, or None if it has none. See `load_photo`."""
    image = load_reduced(photo, size)
    return image[..., 3] if image.shape[2] == 4 else None


def load_reduced(photo: Photo, size: ImageSize | None = None) -> Array:
    """The photograph as in `load_photo`, (h, w, 3), or (h, w, 4) with RGB premultiplied by the opacity."""
    size = size or photo.camera.size
    if photo.path is None:
        return area_average(_premultiplied(*_given(photo)), size)
    header = read_header(photo.path)
    turned = fitting_size(header, photo.camera.size, str(photo.path)) != header.size
    stored = ImageSize(size.width, size.height) if turned else size
    picture = decode_blocks(read_bytes(photo.path), str(photo.path), stored)
    image = area_average(_premultiplied(picture.pixels, picture.alpha), stored, picture.extent)
    return np.ascontiguousarray(upright(image, header.orientation)) if turned else image


def laid_over(image: Array, background: Sequence[float] | None = None) -> Array:
    """A premultiplied picture (h, w, 3 or 4) over `background` (None: white), (h, w, 3)."""
    if image.shape[2] == 3:
        return image
    behind = np.asarray((1.0, 1.0, 1.0) if background is None else background, np.float32)
    return np.asarray(image[..., :3] + (1 - image[..., 3:]) * behind)


def load_small(photo: Photo, pixels: int) -> tuple[Array, Array | None]:
    """RGB (h, w, 3) and opacity (h, w) with at most `pixels` pixels, as stored; a quick preview."""
    if photo.path is not None:
        picture = decode_image(read_bytes(photo.path), str(photo.path), pixels)
        return picture.pixels, picture.alpha
    colour, alpha = _given(photo)
    shrink = min(1.0, (pixels / (colour.shape[0] * colour.shape[1])) ** 0.5)
    size = ImageSize(*(max(1, int(side * shrink)) for side in colour.shape[:2]))
    return area_average(colour, size), None if alpha is None else area_average(alpha[..., None], size)[..., 0]


def area_average(image: Array, size: ImageSize, extent: tuple[float, float] | None = None) -> Array:
    """The picture (h, w, c) at `size`, float32, each new pixel the mean of the old ones it covers.

    `extent` (height, width) in pixels is the part of the picture, from the top left, that `size` covers; None: all.
    """
    height, width = extent or image.shape[:2]
    if (height, width) != tuple(size):
        image = _shrink_rows(image, size.height, height)
        image = _shrink_rows(image.swapaxes(0, 1), size.width, width).swapaxes(0, 1)
    return np.ascontiguousarray(image, np.float32)


def fitting_size(header: PictureHeader, wanted: ImageSize, name: str) -> ImageSize:
    """The size that a file's picture has for a camera of size `wanted`: as stored, or turned by its EXIF.

    Raises InputError if neither has the proportions of `wanted`, naming both sizes.
    """
    turned = ImageSize(header.size.width, header.size.height)
    for size in (header.size, *([turned] if header.lying else [])):
        if _same_shape(size, wanted):
            return size
    raise InputError(
        f"{name}: the photograph is {header.size.width} x {header.size.height}, but its pose is for "
        f"{wanted.width} x {wanted.height}: the aspect ratios differ"
    )


def _given(photo: Photo) -> tuple[Array, Array | None]:
    if photo.pixels is None:
        raise InputError(
            f"{photo.name}: the photograph is not here, only its camera; give the capture that has it"
        )
    pixels = photo.pixels
    claim(4 * pixels.size, photo.name)
    values = pixels.astype(np.float32) / 255 if pixels.dtype == np.uint8 else pixels.astype(np.float32)
    return values[..., :3], values[..., 3] if values.shape[2] == 4 else None


def _premultiplied(pixels: Array, alpha: Array | None) -> Array:
    return pixels if alpha is None else np.concatenate([pixels * alpha[..., None], alpha[..., None]], axis=2)


def _same_shape(a: ImageSize, b: ImageSize) -> bool:
    """Whether both have the same aspect ratio, up to rounding."""
    small, large = sorted((a, b))
    scale = small.height / large.height
    return abs(small.width - large.width * scale) <= _SLACK * max(1, small.width / small.height)


def _shrink_rows(image: Array, new: int, extent: float) -> Array:
    """The means of the rows that each of `new` rows covers: whole rows summed, and parts of those at the edges."""
    old = len(image)
    flat = np.ascontiguousarray(image, np.float32).reshape(old, -1)
    edges = np.arange(new + 1) * (extent / new)
    first = np.minimum(edges.astype(int), old - 1)
    sums = np.add.reduceat(flat, first)[:-1]
    sums[first[1:] == first[:-1]] = 0  # a row within one old row; there reduceat gives the row itself
    parts = flat[first] * (edges - first).astype(np.float32)[:, None]
    sums += np.diff(parts, axis=0)
    sums *= np.float32(new / extent)
    return sums.reshape(new, *image.shape[1:])
