"""PlayCanvas' SOG, version 2: attributes as lossless pictures, one pixel per splat, as .sog or unpacked.

Positions are sign(x)·ln(1 + |x|) between bounds, 16 bits over two pictures; scales (logarithms), colours
and harmonics are bytes that index codebooks in meta.json; higher harmonics come from a palette. Opacity
is the colour's alpha; the smallest three components of rotations are bytes, alpha gives the one left out.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np

from nst3d.errors import InputError
from nst3d.formats.io.peek import Peek
from nst3d.formats.registry import Format, register_format
from nst3d.formats.splats.rows import (
    Loaded,
    Paint,
    Rows,
    claim_rows,
    coefficients,
    from_smallest_three,
    join_harmonics,
)
from nst3d.formats.splats.sog_fade import PALETTE_ROW, faded_palette
from nst3d.formats.splats.sog_parts import (
    META,
    SogFiles,
    encode_webp,
    is_sog_meta,
    meta_path,
    read_sog_files,
    zip_members,
)
from nst3d.representations.harmonics import from_colours
from nst3d.tensors import Array

_ROUNDS = 20


def read_sog(path: Path) -> Loaded:
    """The splats in a .sog file, a folder, or its meta.json. Raises InputError if it is broken."""
    files = read_sog_files(path)
    count = files.meta.get("count")
    if not isinstance(count, int) or count < 0:
        raise InputError(f"{path}: broken: meta.json has no count")
    colours = _texels(files, "sh0", count)
    claim_rows(count, 16 if "shN" in files.meta else 1, path)
    quats = _texels(files, "quats", count)
    others = (quats[:, :3] / 255 * 2 - 1) * 0.5**0.5
    identity = quats[:, 3:] < 252
    rotations = from_smallest_three(np.maximum(quats[:, 3].astype(np.int64) - 252, 0), others)
    with np.errstate(over="ignore", invalid="ignore"):
        rows = Rows(
            positions=_positions(files, count),
            scales=np.exp(files.codebook("scales")[_texels(files, "scales", count)[:, :3]]),
            rotations=np.where(identity, (1.0, 0, 0, 0), rotations),
            opacities=colours[:, 3] / 255,
            harmonics=join_harmonics(files.codebook("sh0")[colours[:, :3]], _higher(files, count)),
        )
    return Loaded(rows, files)


def repaint_sog(files: SogFiles, paint: Paint) -> SogFiles:
    """The scene with new colours in a new codebook; only sh0's picture and meta.json change.

    Higher harmonics are multiplied by `paint.specular` through their codebook, or through the palette if the
    factors of splats differ.
    """
    if paint.nothing:
        return files
    meta, members = json.loads(json.dumps(files.meta)), dict(files.members)
    if paint.changed.any():
        picture = files.pixels("sh0")
        texels = picture.reshape(-1, 4)[: len(paint.colours)]
        values = files.codebook("sh0")[texels[:, :3]]
        values[paint.changed] = from_colours(paint.colours[paint.changed])
        codebook = codebook_for(values[~paint.broken])
        texels[:, :3] = np.searchsorted((codebook[1:] + codebook[:-1]) / 2, values)
        meta["sh0"]["codebook"] = codebook.tolist()
        members[meta["sh0"]["files"][0]] = encode_webp(picture)
    if "shN" in meta and np.ndim(paint.specular) and paint.fades:
        *pictures, meta["shN"]["count"] = faded_palette(files, paint.column[:, 0])
        members |= zip(meta["shN"]["files"], map(encode_webp, pictures))
    elif "shN" in meta and paint.fades:
        meta["shN"]["codebook"] = (files.codebook("shN") * paint.specular).tolist()
    members[META] = json.dumps(meta, separators=(",", ":")).encode()
    return replace(files, members=members, meta=meta)


def sog_bytes(files: SogFiles) -> bytes:
    """The bytes of a .sog file."""
    return zip_members(files.members)


def codebook_for(values: Array) -> Array:
    """256 ascending values that quantise `values` with little squared error (Lloyd 1982), within float32."""
    ordered = np.sort(values.ravel())
    sums = np.concatenate([[0.0], np.cumsum(ordered)])
    book = np.quantile(ordered, (np.arange(256) + 0.5) / 256)
    # Half the levels are spaced evenly, so that rare values have one nearby.
    book = np.sort(np.concatenate([book[::2], np.linspace(ordered[0], ordered[-1], 128)]))
    for _ in range(_ROUNDS):
        edges = np.searchsorted(ordered, (book[1:] + book[:-1]) / 2)
        edges = np.concatenate([[0], edges, [len(ordered)]])
        sizes = np.diff(edges)
        book = np.where(sizes, np.diff(sums[edges]) / np.maximum(sizes, 1), book)
    return np.sort(book.astype(np.float32)).astype(np.float64)


def _texels(files: SogFiles, section: str, count: int, number: int = 0) -> Array:
    """The first `count` pixels of a picture, (count, 4) uint8."""
    texels = files.pixels(section, number).reshape(-1, 4)
    if len(texels) < count:
        raise InputError(f"{files.name}: broken: {section} has {len(texels)} pixels for {count} splats")
    return texels[:count]


def _positions(files: SogFiles, count: int) -> Array:
    low, high = (_texels(files, "means", count, k)[:, :3].astype(np.int64) for k in (0, 1))
    least, most = files.numbers("means", "mins", 3), files.numbers("means", "maxs", 3)
    logs = least + (most - least) * ((high << 8 | low) / 65535)
    return np.sign(logs) * np.expm1(np.abs(logs))


def _higher(files: SogFiles, count: int) -> Array:
    """(count, k, 3) float32."""
    section = files.meta.get("shN")
    if not isinstance(section, dict):
        return np.zeros((count, 0, 3), np.float32)
    bands, entries = section.get("bands"), section.get("count")
    if bands not in (1, 2, 3) or not isinstance(entries, int):
        raise InputError(f"{files.name}: broken: shN has {bands} bands, expected 1 to 3 and a count")
    size = coefficients(bands)
    palette = files.pixels("shN", 0)
    if palette.shape[1] != PALETTE_ROW * size or palette.shape[0] * PALETTE_ROW < entries:
        raise InputError(f"{files.name}: broken: its palette of harmonics does not have {entries} entries")
    labels = _texels(files, "shN", count, 1)[:, :2].astype(np.int64) @ np.array([1, 256])
    known = labels < entries
    table = files.codebook("shN").astype(np.float32)[palette.reshape(-1, size, 4)[..., :3]]
    return np.where(known[:, None, None], table[np.where(known, labels, 0)], 0)


def _in_folder(peek: Peek) -> bool:
    meta = peek.once(meta_path)
    return meta is not None and peek.once(is_sog_meta, meta)


def _repaint(files: SogFiles, paint: Paint) -> bytes:
    return sog_bytes(repaint_sog(files, paint))


register_format(Format("sog", (".sog",), "splats", "a splat scene", read_sog, repaint=_repaint, rank=1))
register_format(
    Format(
        "sog-folder",
        (),
        "splats",
        "a splat scene",
        read_sog,
        repaint=_repaint,
        sniff=_in_folder,
        writes=".sog",
        rank=1,
    )
)
