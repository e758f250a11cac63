"""Depth and opacity passes for compositing: OpenEXR in float32, or 16-bit PNG with its scale as JSON."""

from __future__ import annotations

import importlib
import io
import json
from pathlib import Path
from typing import Literal

import numpy as np
from PIL import Image

from nst3d.errors import MissingDependencyError
from nst3d.files import PathLike, replacing, write_bytes
from nst3d.tensors import Array

Pass = Literal["depth", "opacity"]
PassFormat = Literal["png", "exr"]

NOTHING = 65535
"""Value of a depth PNG where nothing is seen."""
_CHANNELS = {"depth": "Z", "opacity": "A"}


def check_format(kind: PassFormat) -> None:
    """Raise MissingDependencyError if OpenEXR files are requested but cannot be written."""
    if kind == "exr":
        _openexr()


def write_pass(path: PathLike, name: Pass, values: Array, far: float) -> None:
    """Write values (h, w) in the format of `path`'s suffix, atomically.

    .exr: one float32 channel, Z (infinite where nothing is seen) or A, unchanged. .png: 16 bits; opacity
    × 65535, or depth × 65534 / `far`, clamped to `far`, and 65535 where nothing is seen.
    """
    path = Path(path)
    if path.suffix == ".exr":
        _write_exr(path, _CHANNELS[name], values)
        return
    buffer = io.BytesIO()
    levels = depth_levels(values, far) if name == "depth" else np.clip(values, 0, 1) * 65535 + 0.5
    Image.fromarray(levels.astype(np.uint16)).save(buffer, "PNG")
    write_bytes(path, buffer.getvalue())


def depth_levels(depth: Array, far: float) -> Array:
    """Depth (h, w) as levels of a 16-bit PNG: the nearest level, `NOTHING` where infinite."""
    seen = np.isfinite(depth)
    levels = np.clip(np.where(seen, depth, 0) * ((NOTHING - 1) / far), 0, NOTHING - 1) + 0.5
    return np.where(seen, np.floor(levels), NOTHING)


def write_depth_scale(path: PathLike, far: float) -> None:
    """Write the JSON that explains the values of depth PNGs."""
    path = Path(path)
    values = {
        "depth": "distance along the camera's viewing axis, in the scene's units",
        "depth_per_level": far / (NOTHING - 1),
        "far": far,
        "nothing": NOTHING,
    }
    write_bytes(path, (json.dumps(values, indent=2) + "\n").encode())


def _write_exr(path: Path, channel: str, values: Array) -> None:
    openexr = _openexr()
    header = {"compression": openexr.ZIP_COMPRESSION, "type": openexr.scanlineimage}
    pixels = np.ascontiguousarray(values, np.float32)
    with replacing(path) as part:
        try:
            openexr.File(header, {channel: pixels}).write(str(part))
        except RuntimeError as error:
            raise OSError(str(error)) from None


def _openexr():  # type: ignore[no-untyped-def]
    try:
        return importlib.import_module("OpenEXR")
    except ImportError:
        raise MissingDependencyError(
            "EXR files need the package OpenEXR: pip install 'nst3d[exr]', or take `pass_format='png'`"
        ) from None
