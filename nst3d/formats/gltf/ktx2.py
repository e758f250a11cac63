"""KTX2 pictures with Basis Universal data (KHR_texture_basisu); sizes are checked before decoding."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np

from nst3d.errors import InputError
from nst3d.formats.gltf.packages import decoder
from nst3d.images.io import MOST_TEXELS, Picture
from nst3d.limits import claim

BASIS = "KHR_texture_basisu"
KTX2 = b"\xabKTX"
"""The first four bytes of a KTX2 file."""
_HEADER = struct.Struct("<12s9I4I2Q")
_LEVEL = struct.Struct("<3Q")
_MOST_LEVELS = 32
_BLOCK = 16
"""Bytes of a block of 4 x 4 pixels, uncompressed."""
_ZSTD = 2


def decode_ktx2(data: bytes, name: str, path: Path) -> Picture:
    """The picture in KTX2 bytes; of one with more than `MOST_TEXELS` pixels, the largest smaller level.

    `name` is used in messages; `path` is the file that holds it. Raises InputError for data that is damaged,
    too large, or not Basis Universal, MissingDependencyError without a decoder.
    """
    size, level = _fitting(data, name)
    otherwise = "export it again with PNG or JPEG textures"
    wide, high = max(size[0] >> level, 1), max(size[1] >> level, 1)
    claim(4 * wide * high, name, 8 * wide * high)
    package = decoder("opengl_basisu", path, f"it has KTX2 textures ({BASIS})", otherwise)
    try:
        texture = package.open(data)
        pixels = texture.transcode("rgba8", level=level).data
        with_alpha = bool(texture.has_alpha)
    except (ValueError, IndexError, MemoryError) as error:
        raise InputError(f"{name}: cannot be decoded ({' '.join(str(error).split()):.80})") from None
    alpha = pixels[..., 3].copy() if with_alpha and (pixels[..., 3] < 255).any() else None
    notes: tuple[str, ...] = ()
    if level:
        width, height = pixels.shape[1], pixels.shape[0]
        notes = (f"{name}: {size[0]} x {size[1]} pixels, reduced to {width} x {height}",)
    return Picture(np.ascontiguousarray(pixels[..., :3]), alpha, notes)


def _fitting(data: bytes, name: str) -> tuple[tuple[int, int], int]:
    """Width and height, and the first level with at most `MOST_TEXELS` pixels."""
    if len(data) < _HEADER.size:
        raise InputError(f"{name}: truncated, {len(data)} bytes")
    fields = _HEADER.unpack_from(data)
    width, height, levels, packing = fields[3], fields[4], max(fields[8], 1), fields[9]
    if not width or not height:
        raise InputError(f"{name}: the picture has no pixels ({width} x {height})")
    if levels > _MOST_LEVELS or len(data) < _HEADER.size + levels * _LEVEL.size:
        raise InputError(f"{name}: truncated, its header claims {levels} levels")
    for level in range(levels):
        start, length, plain = _LEVEL.unpack_from(data, _HEADER.size + level * _LEVEL.size)
        wide, high = max(width >> level, 1), max(height >> level, 1)
        blocks = ((wide + 3) // 4) * ((high + 3) // 4)
        if start + length > len(data) or (packing == _ZSTD and plain > blocks * _BLOCK):
            raise InputError(f"{name}: damaged, level {level} claims more than there is")
        if wide * high <= MOST_TEXELS:
            return (width, height), level
    raise InputError(
        f"{name}: {width} x {height} pixels, at most {MOST_TEXELS} are read; use a smaller texture"
    )
