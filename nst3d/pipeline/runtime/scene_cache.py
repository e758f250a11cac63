"""Prepared scenes kept on disk, so that the next painting of the same scene does not prepare it again."""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from nst3d.errors import InputError, OutputError
from nst3d.formats.io.npz import read_arrays, read_headers, write_arrays
from nst3d.operators.base import ViewOperator
from nst3d.operators.restored import restored
from nst3d.pipeline.runtime.caches import cache_folder
from nst3d.pipeline.runtime.identity import add_value, code_digest
from nst3d.tensors import Array

_MOST = 2 << 30
"""Bytes that are kept in all."""
_FORM = "form"

Arrays = Mapping[str, Array]
Note = Callable[[str], None]


@dataclass
class _Shelf:
    """The folder of all scenes: files are removed, those that were not used for longest first, to make room."""

    folder: Path
    note: Note
    left: int
    older: list[tuple[int, int, Path]] = field(default_factory=list)
    """Time, bytes and path of what other runs have kept, the latest first."""
    warned: bool = False

    @classmethod
    def at(cls, folder: Path, note: Note, most: int) -> _Shelf:
        found = []
        with contextlib.suppress(OSError):
            found = [(path.stat(), path) for path in folder.glob("*.npz")]
        older = sorted(((s.st_mtime_ns, s.st_size, p) for s, p in found), reverse=True)
        return cls(folder, note, most - sum(size for _, size, _ in older), older)

    def read(self, path: Path) -> dict[str, Array] | None:
        """The arrays of a file, which counts as used now; None if it is missing or damaged."""
        if not path.is_file():
            return None
        try:
            arrays = read_arrays(path, read_headers(path))
        except InputError as error:
            self.damaged(str(error))
            return None
        with contextlib.suppress(OSError):
            os.utime(path)
        self.older = [entry for entry in self.older if entry[2] != path]  # this run needs it
        return arrays

    def write(self, path: Path, arrays: Arrays) -> None:
        """Keep arrays if there is room, or some can be made; a folder that cannot be written is no error."""
        size = sum(array.nbytes for array in arrays.values())
        while self.older and self.left < size:
            _, freed, oldest = self.older.pop()
            with contextlib.suppress(OSError):
                oldest.unlink()
                self.left += freed
        if self.left < size:
            return
        with contextlib.suppress(OSError, OutputError):
            self.folder.mkdir(parents=True, exist_ok=True)
            write_arrays(path, arrays, packed=())
            self.left -= size

    def damaged(self, reason: str) -> None:
        """Tell the user, once, that something is made again."""
        if not self.warned:
            self.warned = True
            self.note(f"a kept part of the prepared scene is damaged and made again: {reason}")


class SceneCache:
    """Results by everything that they are computed from: another scene, setting or version finds nothing.

    What is found is, bit for bit, what would be computed. Files are written whole or not at all, hold arrays only,
    and are checked when they are read; a damaged one is made again, with a note.
    """

    def __init__(self, shelf: _Shelf | None = None, key: bytes = b"") -> None:
        """Without arguments, nothing is kept; otherwise see `opened`."""
        self._shelf, self._key = shelf, key

    @classmethod
    def opened(
        cls, note: Note = lambda text: None, folder: Path | None = None, most: int = _MOST
    ) -> SceneCache:
        """The cache in `folder`; None: `scenes` in the user's folder for caches. At most `most` bytes are kept."""
        base = cache_folder()
        if folder is None:
            if base is None:
                return cls()
            folder = base / "scenes"
        return cls(_Shelf.at(folder, note, most), code_digest())

    def of(self, *things: Any) -> SceneCache:
        """The part for results that are computed from `things`; one that keeps nothing if those have no identity."""
        if self._shelf is None:
            return self
        digest = hashlib.sha256(self._key)
        try:
            add_value(digest, things)
        except TypeError:
            return SceneCache()
        return SceneCache(self._shelf, digest.digest())

    def arrays(self, make: Callable[[], Arrays], sound: Callable[[Arrays], bool] = bool) -> Arrays:
        """The arrays, by name, that `make` computes from this part's things, computed or as they were kept.

        `sound` tells whether kept ones are what `make` could have made.
        """
        if self._shelf is None:
            return make()
        path = self._shelf.folder / f"{self._key.hex()}.npz"
        found = self._shelf.read(path)
        if found is not None and sound(found):
            return found
        if found is not None:
            self._shelf.damaged(f"{path}: holds other arrays")
        made = make()
        if made:
            self._shelf.write(path, made)
        return made

    def view(self, compile: Callable[[], ViewOperator]) -> ViewOperator:
        """The view that `compile` makes from this part's things, compiled or restored."""
        made: list[ViewOperator] = []

        def stored() -> Arrays:
            view = compile()
            made.append(view)
            form = view.arrays()
            if form is None or form.form is None:
                return {}
            return {**form.arrays, _FORM: np.array(form.form)}

        def sound(arrays: Arrays) -> bool:
            try:
                rest = {name: array for name, array in arrays.items() if name != _FORM}
                made.append(restored(str(arrays[_FORM]), rest))
            except (KeyError, ValueError):
                return False
            return True

        self.arrays(stored, sound)
        return made[-1]
