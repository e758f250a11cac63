"""Reduced photographs kept on disk, so that the next run on the same capture starts at once."""

from __future__ import annotations

import contextlib
import hashlib
import math
import os
from pathlib import Path

import numpy as np

from nst3d.errors import OutputError
from nst3d.files import write_bytes
from nst3d.formats.captures.photos import load_reduced
from nst3d.pipeline.runtime.caches import cache_folder
from nst3d.representations.capture import Photo
from nst3d.tensors import Array, ImageSize

_MOST = 1 << 30
"""Bytes that are kept in all."""
_WORTH = 4
"""How many times the pixels a photograph must have before its reduction is kept; others are read as fast."""
_METHOD = "area mean of blocks that meet the borders, or of a decoding four times as fine"
"""How photographs are reduced; what was kept under another description is not found."""


class KeptPhotographs:
    """Reads photographs at a smaller size, and keeps what took long to read.

    A reduction is found again by the photograph's path, time of change and size in bytes, and by the size that it was
    reduced to. When there is no room left, those that were not asked for longest are removed. A folder that
    cannot be written is no error: nothing is kept then.
    """

    def __init__(self, folder: Path | None = None, most: int = _MOST) -> None:
        """`folder` None: `photographs` in the one that NST3D_CACHE names, or in the user's folder for caches."""
        base = cache_folder()
        self._folder = folder or (None if base is None else base / "photographs")
        self._left = most if self._folder is not None else 0
        self._older: list[tuple[int, int, Path]] = []
        """Time, bytes and path of what other runs have kept, the latest first."""
        if self._folder is None:
            return
        with contextlib.suppress(OSError):
            found = [(path.stat(), path) for path in self._folder.glob("*.raw")]
            self._older = sorted(((s.st_mtime_ns, s.st_size, p) for s, p in found), reverse=True)
        self._left -= sum(size for _, size, _ in self._older)

    def load(self, photo: Photo, size: ImageSize) -> Array:
        """What `load_reduced` returns for the photograph at `size`, and raises."""
        if (
            self._folder is None
            or photo.path is None
            or math.prod(photo.camera.size) < _WORTH * math.prod(size)
        ):
            return load_reduced(photo, size)
        try:
            path = self._folder / f"{_digest(photo, photo.path, size)}.raw"
        except OSError:  # the reader has better words for a missing photograph
            return load_reduced(photo, size)
        found = _read(path, size)
        if found is None:
            found = load_reduced(photo, size)
            self._keep(path, found)
        return found

    def _keep(self, path: Path, image: Array) -> None:
        while self._older and self._left < image.nbytes:
            _, size, oldest = self._older.pop()
            with contextlib.suppress(OSError):
                oldest.unlink()
                self._left += size
        if self._folder is None or self._left < image.nbytes:
            return
        with contextlib.suppress(OSError, OutputError):
            self._folder.mkdir(parents=True, exist_ok=True)
            write_bytes(path, image.astype("<f4").tobytes())
            self._left -= image.nbytes


def _digest(photo: Photo, path: Path, size: ImageSize) -> str:
    state = path.stat()
    facts = (
        str(path.resolve()),
        state.st_mtime_ns,
        state.st_size,
        tuple(photo.camera.size),
        tuple(size),
        _METHOD,
    )
    return hashlib.sha256(repr(facts).encode()).hexdigest()


def _read(path: Path, size: ImageSize) -> Array | None:
    """A reduction that was kept, (h, w, 3 or 4) float32, or None. Its time is set to now."""
    pixels = math.prod(size)
    try:
        channels = path.stat().st_size / (4 * pixels)
        if channels not in (3, 4):
            return None
        values = np.frombuffer(path.read_bytes(), "<f4")
        os.utime(path)
    except OSError:
        return None
    if len(values) != channels * pixels or not np.isfinite(values).all():
        return None
    return values.astype(np.float32).reshape(*size, int(channels))
