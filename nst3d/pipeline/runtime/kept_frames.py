"""Frames kept on disk while a video is made, so that an interrupted one can be resumed."""

from __future__ import annotations

import contextlib
import io
import json
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from types import TracebackType

import numpy as np
from PIL import Image

from nst3d.errors import ConfigError, InputError
from nst3d.files import write_bytes
from nst3d.images.io import read_image
from nst3d.images.levels import to_bytes
from nst3d.tensors import Array

_MARK = ".nst3d_render"


class KeptFrames:
    """Pictures folder/frame_00000.png …, written in the background, with a mark of the job they belong to.

    Written whole or not at all; a frame's other files (passes) are written before it, so that an existing
    frame is complete.
    """

    def __init__(self, folder: Path, fingerprint: Mapping[str, str], resume: bool, fast: bool) -> None:
        """`fast`: large files quickly, for frames that are removed at the end.

        `fingerprint` names what frames depend on, in the plural, the cause before what may follow from it, each with a
        digest. With `resume` an earlier run's frames are reused: InputError if there are none, ConfigError if they
        belong to another job.
        """
        self._folder, self._level = folder, 1 if fast else 6
        mark = folder / _MARK
        if resume:
            _check_mark(folder, mark, fingerprint)
        else:
            self._clear()
        with contextlib.suppress(FileExistsError):
            folder.mkdir()
        write_bytes(mark, json.dumps(dict(fingerprint)).encode())
        self._pool = ThreadPoolExecutor(1)
        self._pending: Future[None] | None = None

    def __enter__(self) -> KeptFrames:
        """Begin."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Wait for pending writes."""
        self._pool.shutdown()

    def path(self, number: int) -> Path:
        """The path of a frame."""
        return self._folder / f"frame_{number:05d}.png"

    def read(self, number: int) -> Array | None:
        """A frame (h, w, 3) in [0, 1], or None if it does not exist yet, or cannot be read and is drawn again."""
        path = self.path(number)
        try:
            return read_image(path).pixels if path.is_file() else None
        except InputError:
            return None

    def keep(self, number: int, frame: Array, others: Callable[[], None]) -> None:
        """Write a frame (h, w, 3) in [0, 1], after `others`, while the next one is rendered."""
        self.settle()
        self._pending = self._pool.submit(self._write, self.path(number), to_bytes(frame), others)

    def settle(self) -> None:
        """Wait until everything is written; raises the error of a failed write."""
        if self._pending is not None:
            pending, self._pending = self._pending, None
            pending.result()

    def count(self) -> int:
        """The number of frames on disk."""
        return len(list(self._folder.glob("frame_*.png")))

    def finish(self, total: int) -> None:
        """Keep the frames as the result: remove the mark, and frames left over from a longer video."""
        self.settle()
        (self._folder / _MARK).unlink(missing_ok=True)
        for path in self._folder.glob("frame_[0-9][0-9][0-9][0-9][0-9].png"):
            if int(path.stem.removeprefix("frame_")) >= total:
                with contextlib.suppress(OSError):
                    path.unlink()

    def discard(self) -> None:
        """Remove the frames and their folder."""
        self.settle()
        self._clear()
        with contextlib.suppress(OSError):
            self._folder.rmdir()

    def _clear(self) -> None:
        for path in [*self._folder.glob("frame_*.png"), self._folder / _MARK]:
            path.unlink(missing_ok=True)

    def _write(self, path: Path, pixels: Array, others: Callable[[], None]) -> None:
        others()
        buffer = io.BytesIO()
        Image.fromarray(np.ascontiguousarray(pixels)).save(buffer, "PNG", compress_level=self._level)
        write_bytes(path, buffer.getvalue())


def _check_mark(folder: Path, mark: Path, fingerprint: Mapping[str, str]) -> None:
    if not mark.is_file() and folder.is_dir() and not any(folder.glob("frame_*.png")):
        return  # it was stopped before its first frame
    if not mark.is_file():
        raise InputError(f"{folder}: has no frames to resume from; leave out `resume`")
    try:
        found = dict(json.loads(mark.read_bytes()))
    except (ValueError, TypeError):
        raise InputError(f"{mark}: cannot be read; leave out `resume`") from None
    for name, digest in fingerprint.items():
        if found.get(name) != digest:
            raise ConfigError(
                f"{folder}: its frames were made with other {name}; give the same {name}, or leave out `resume`"
            )
