"""Compiled views within a memory budget: recently used ones stay in memory, the others are on disk."""

from __future__ import annotations

import shutil
import tempfile
import weakref
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import overload

import numpy as np

from nst3d.operators.base import ViewOperator
from nst3d.tensors import Array


@dataclass
class CacheTally:
    """What the caches of a run took, one after the other."""

    view_bytes: int = 0
    """Bytes of all views that the last cache made, in memory or on disk."""
    view_spills: int = 0
    """Views written to the disk, by all caches."""

    def facts(self) -> dict[str, int]:
        """By name."""
        return {"view_bytes": self.view_bytes, "view_spills": self.view_spills}


@dataclass(frozen=True)
class _OnDisk:
    """Files of a view's arrays, and the function that rebuilds it."""

    files: Mapping[str, Path]
    empty: Mapping[str, Array]  # empty arrays, which cannot be memory-mapped
    restore: Callable[[Mapping[str, Array]], ViewOperator]


class ViewCache(Sequence[ViewOperator]):
    """Views that are compiled on first use and kept within a memory budget.

    Memory stays within the budget, plus one view while it is being compiled. Views beyond it are written to
    a temporary folder, least recently used first, and memory-mapped when used again, bit for bit the same. A
    view that cannot be stored, or does not fit on the disk, is recompiled.
    """

    def __init__(
        self,
        compile: Callable[[int], ViewOperator],
        count: int,
        budget_bytes: float,
        folder: Path | None = None,
        tally: CacheTally | None = None,
    ) -> None:
        """`compile` makes view 0 … `count` − 1, always the same one for the same number; `tally` counts them.


        Files go into a temporary folder inside `folder` (None: the system's), which is removed when the
        cache is closed or garbage-collected, or the process ends.
        """
        self._compile, self._count, self._budget, self._parent = compile, count, budget_bytes, folder
        self._held: OrderedDict[int, ViewOperator] = OrderedDict()
        self._sizes: dict[int, int] = {}
        self._stored: dict[int, _OnDisk] = {}
        self._folder: Path | None = None
        self._removal: weakref.finalize | None = None
        self.nbytes = 0
        """Bytes of the views in memory."""
        self.compiled = 0
        """Number of compilations."""
        self.spills = 0
        """Number of views written to disk."""
        self._tally = tally or CacheTally()
        self._tally.view_bytes = 0

    @property
    def total_bytes(self) -> int:
        """Bytes of all views compiled so far, in memory and on disk."""
        return sum(self._sizes.values())

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[ViewOperator]:
        return (self[i] for i in range(self._count))

    @overload
    def __getitem__(self, index: int) -> ViewOperator: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[ViewOperator]: ...

    def __getitem__(self, index: int | slice) -> ViewOperator | Sequence[ViewOperator]:
        """A view, or a list of views for a slice, which the budget does not count."""
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(self._count))]
        number = index + self._count if index < 0 else index
        if not 0 <= number < self._count:
            raise IndexError(f"view {index} is out of range for {self._count} views")
        if number in self._held:
            self._held.move_to_end(number)
            return self._held[number]
        view = self._fetched(number)
        self._hold(number, view)
        return view

    def close(self) -> None:
        """Release all views and files; views used later are recompiled."""
        self._held.clear()
        self._stored.clear()
        self.nbytes = 0
        if self._removal is not None:
            self._removal()
        self._folder = self._removal = None

    def _fetched(self, number: int) -> ViewOperator:
        stored = self._stored.get(number)
        if stored is None:
            self.compiled += 1
            return self._compile(number)
        mapped = {
            # Copy on write: reads share the file's pages, and a stray write cannot corrupt it.
            name: np.asarray(np.load(path, mmap_mode="c"))
            for name, path in stored.files.items()
        }
        return stored.restore({**mapped, **stored.empty})

    def _hold(self, number: int, view: ViewOperator) -> None:
        size = self._sizes[number] = view.nbytes
        self._tally.view_bytes = self.total_bytes
        while self._held and self.nbytes + size > self._budget:
            oldest, gone = self._held.popitem(last=False)
            self.nbytes -= self._sizes[oldest]
            self._spill(oldest, gone)
        self._held[number] = view
        self.nbytes += size

    def _spill(self, number: int, view: ViewOperator) -> None:
        stored = None if number in self._stored else view.arrays()
        if stored is None:
            return
        files, empty = {}, {}
        try:
            for name, array in stored.arrays.items():
                if not array.size:
                    empty[name] = array
                    continue
                files[name] = self._own_folder() / f"{number}.{name}.npy"
                np.save(files[name], array, allow_pickle=False)
        except OSError:  # disk full: the view is recompiled when needed
            for path in files.values():
                path.unlink(missing_ok=True)
            return
        self._stored[number] = _OnDisk(files, empty, stored.restore)
        self.spills += 1
        self._tally.view_spills += 1

    def _own_folder(self) -> Path:
        if self._folder is None:
            self._folder = Path(tempfile.mkdtemp(prefix="nst3d-views-", dir=self._parent))
            self._removal = weakref.finalize(self, shutil.rmtree, self._folder, ignore_errors=True)
        return self._folder
