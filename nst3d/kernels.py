"""Compilation of functions for the CPU."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba


def kernel(**options: Any) -> Callable[[Any], Any]:
    """`numba.njit` that releases the GIL and caches machine code on disk if possible.

    `options` are njit's. numba stores the code beside the source, or in the user's cache folder. If neither
    is writable (in a container with a read-only file system), numba would fail at import; here the function
    is recompiled in each process instead.
    """

    def compiled(function: Any) -> Any:
        try:
            return numba.njit(cache=True, nogil=True, **options)(function)
        except RuntimeError:
            return numba.njit(nogil=True, **options)(function)

    return compiled
