""".splat: 32 bytes per splat, without a header, as introduced by antimatter15's web viewer.

Position and scale 3 float32 each, colour and opacity 4 bytes, rotation w x y z 4 bytes centred on 128.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from nst3d.errors import InputError
from nst3d.formats.io.files import read_bytes
from nst3d.formats.registry import Format, register_format
from nst3d.formats.splats.rows import Loaded, Paint, Rows, claim_rows
from nst3d.representations.harmonics import from_colours
from nst3d.representations.splats import Splats
from nst3d.tensors import Array

_RECORD = np.dtype([("place", "<f4", 3), ("scale", "<f4", 3), ("rgba", "u1", 4), ("rotation", "u1", 4)])


def read_splat(path: Path) -> Loaded:
    """The splats in a .splat file. Raises InputError if its size is not a multiple of 32 bytes."""
    data = read_bytes(path)
    if len(data) % _RECORD.itemsize:
        raise InputError(
            f"{path}: not a .splat file, or truncated: {len(data)} bytes are not a multiple of 32"
        )
    records = np.frombuffer(data, _RECORD)
    claim_rows(len(records), 1, path)
    rows = Rows(
        positions=records["place"],
        scales=records["scale"],
        rotations=(records["rotation"].astype(np.float32) - 128) / 128,
        opacities=records["rgba"][:, 3] / 255,
        harmonics=from_colours(records["rgba"][:, :3] / 255)[:, None],
    )
    return Loaded(rows, records)


def repaint_splat(records: Array, paint: Paint) -> bytes:
    """The file with new colours, clamped to [0, 1] and rounded to 8 bits."""
    result = records.copy()
    result["rgba"][paint.changed, :3] = _levels(paint.colours[paint.changed])
    return result.tobytes()


def fresh_splat(splats: Splats) -> bytes:
    """A new .splat file in the same order; harmonics beyond the first are lost."""
    records = np.zeros(len(splats), _RECORD)
    records["place"], records["scale"] = splats.positions, splats.scales
    records["rgba"][:, :3] = _levels(splats.colours)
    records["rgba"][:, 3] = _levels(splats.opacities)
    records["rotation"] = np.clip(np.floor(splats.rotations * 128 + 128.5), 0, 255)
    return records.tobytes()


def _levels(values: Array) -> Array:
    return np.floor(np.clip(values, 0, 1) * 255 + 0.5).astype(np.uint8)


register_format(
    Format("splat", (".splat",), "splats", "a splat scene", read_splat, fresh_splat, repaint_splat, rank=1)
)
