"""Niantic's .spz, versions 1 to 3 (one gzip stream) and 4 (one Zstandard stream per attribute).

Positions are 24-bit fixed point (version 1: half floats), scales logarithms in sixteenths, rotations bytes
(versions 1 and 2) or the smallest three components, harmonics bytes centred on 128. Stored axes are right, up,
back unless an extension record says otherwise; they are converted to right, down, forward on reading, as in PLY.
"""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np

from nst3d.errors import InputError
from nst3d.formats.registry import Format, register_format
from nst3d.formats.splats.rows import (
    Loaded,
    Paint,
    Rows,
    degree_note,
    flipped,
    from_smallest_three,
    join_harmonics,
    smallest_three,
)
from nst3d.formats.splats.spz_container import Spz, read_spz_file
from nst3d.representations.harmonics import C0
from nst3d.representations.splats import Splats
from nst3d.tensors import Array

_COLOUR_SCALE = 0.15
_STORED_AXES = (1, -1, -1)
_AXES_RECORD = 0xADBE0003
_FINEST = 20


def read_spz(path: Path) -> Loaded:
    """The splats in a .spz file. Raises InputError if it is broken or has another version."""
    spz = read_spz_file(path)
    streams = {k: np.frombuffer(v, np.uint8) for k, v in spz.streams.items()}
    count = spz.count
    higher = (streams["harmonics"].reshape(count, -1, 3).astype(np.float32) - 128) / 128
    constant = (streams["colours"].reshape(count, 3) / 255 - 0.5) / _COLOUR_SCALE
    rows = Rows(
        positions=_positions(streams["positions"], spz),
        scales=np.exp(streams["scales"].reshape(count, 3) / 16 - 10),
        rotations=_rotations(streams["rotations"].reshape(count, -1)),
        opacities=streams["opacities"] / 255,
        harmonics=join_harmonics(constant, higher),
    )
    return Loaded(flipped(rows, _axes(spz, path)), spz, degree_note(spz.degree))


def repaint_spz(spz: Spz, paint: Paint) -> bytes:
    """The file with new colours, within 0.5 ± 0.94 in steps of 0.0074; harmonics × `paint.specular`."""
    if paint.nothing:
        return spz.original
    colours = np.frombuffer(spz.streams["colours"], np.uint8).reshape(-1, 3).copy()
    colours[paint.changed] = _colour_levels(paint.colours[paint.changed])
    changed = {"colours": colours.tobytes()}
    if paint.fades and spz.degree:
        levels = np.frombuffer(spz.streams["harmonics"], np.uint8).reshape(spz.count, -1)
        scaled = _harmonic_levels((levels / 128 - 1) * paint.column)
        changed["harmonics"] = np.where(paint.column == 1, levels, scaled).tobytes()
    return spz.with_streams(changed).to_bytes()


def fresh_spz(splats: Splats) -> bytes:
    """A new version 3 file; positions get as many fractional bits as their range allows, at most 20."""
    stored = flipped(Rows(**{k: getattr(splats, k) for k in Rows.__dataclass_fields__}), _STORED_AXES)
    reach = max(float(np.abs(stored.positions).max()), 1e-6)
    bits = int(np.clip(np.floor(np.log2((2**23 - 1) / reach)), 0, _FINEST))
    fixed = np.clip(np.rint(stored.positions.astype(np.float64) * 2**bits), -(2**23), 2**23 - 1).astype("<i4")
    logs = np.log(stored.scales.astype(np.float64))
    streams = {
        "positions": fixed.view(np.uint8).reshape(-1, 4)[:, :3].tobytes(),
        "opacities": np.floor(stored.opacities * 255 + 0.5).astype(np.uint8).tobytes(),
        "colours": _colour_levels(splats.colours).tobytes(),
        "scales": np.clip(np.rint((logs + 10) * 16), 0, 255).astype(np.uint8).tobytes(),
        "rotations": _rotation_words(stored.rotations).tobytes(),
        "harmonics": _harmonic_levels(stored.harmonics[:, 1:]).tobytes(),
    }
    return Spz(3, len(splats), splats.degree, bits, 0, streams).to_bytes()


def _positions(stream: Array, spz: Spz) -> Array:
    """(n, 3) float64, in stored axes."""
    if spz.version == 1:
        return stream.view("<f2").reshape(spz.count, 3).astype(np.float64)
    triples = stream.reshape(spz.count, 3, 3)
    values = triples.astype(np.int32) @ np.array([1, 1 << 8, 1 << 16], np.int32)
    return (values - ((values >> 23) << 24)).astype(np.float64) / 2.0**spz.fraction_bits


def _rotations(codes: Array) -> Array:
    """w x y z from three bytes x y z, or from a word with the smallest three of x y z w."""
    if codes.shape[1] == 3:
        xyz = codes / 127.5 - 1
        return np.concatenate([np.sqrt(np.maximum(1 - (xyz**2).sum(1, keepdims=True), 0)), xyz], axis=1)
    words = np.ascontiguousarray(codes).view("<u4")[:, 0]
    fields = np.stack([words >> 20 & 1023, words >> 10 & 1023, words & 1023], axis=1)
    others = np.where(fields & 512, -1, 1) * (fields & 511) * (0.5**0.5 / 511)
    return from_smallest_three((words >> 30).astype(np.int64), others)[:, [3, 0, 1, 2]]


def _rotation_words(rotations: Array) -> Array:
    largest, others = smallest_three(rotations[:, [1, 2, 3, 0]].astype(np.float64))
    sizes = np.minimum(np.rint(np.abs(others) * (511 / 0.5**0.5)), 511).astype(np.uint32)
    fields = sizes | np.where(others < 0, np.uint32(512), np.uint32(0))
    words = largest.astype(np.uint32) << 30 | fields[:, 0] << 20 | fields[:, 1] << 10 | fields[:, 2]
    return words.astype("<u4")


def _colour_levels(colours: Array) -> Array:
    dc = (colours.astype(np.float64) - 0.5) / C0
    return np.clip(np.rint((dc * _COLOUR_SCALE + 0.5) * 255), 0, 255).astype(np.uint8)


def _harmonic_levels(values: Array) -> Array:
    return np.clip(np.rint(values * 128) + 128, 0, 255).astype(np.uint8)


def _axes(spz: Spz, path: Path) -> tuple[int, int, int]:
    """The signs that convert stored axes to right, down, forward."""
    at, records = 0, spz.records
    while at + 8 <= len(records):
        kind, size = struct.unpack_from("<II", records, at)
        if kind == _AXES_RECORD and size >= 4 and at + 12 <= len(records):
            (code,) = struct.unpack_from("<I", records, at + 8)
            if code > 8:
                raise InputError(
                    f"{path}: its axes are rotated (system {code}), which is not supported; convert it"
                )
            # Systems 1 to 8 count in binary: right, up, forward.
            right, up, forward = (bool((code - 1) >> k & 1) for k in range(3))
            return (1 if right else -1, -1 if up else 1, 1 if forward else -1) if code else _STORED_AXES
        at += 8 + size
    return _STORED_AXES


register_format(Format("spz", (".spz",), "splats", "a splat scene", read_spz, fresh_spz, repaint_spz, rank=1))
