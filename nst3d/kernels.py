"""How functions are compiled for the CPU."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba


def kernel(**options: Any) -> Callable[[Any], Any]:
    """`numba.njit` without the interpreter's lock, the machine code cached on disk where that is possible.

    `options` are njit's. numba keeps the code beside the source, or in the user's cache folder. Where it
    can write to neither (a container with a read-only file system), it would refuse at import; here the
    function is then compiled anew in each process.
    """

    def compiled(function: Any) -> Any:
        try:
            return numba.njit(cache=True, nogil=True, **options)(function)
        except RuntimeError:
            return numba.njit(nogil=True, **options)(function)

    return compiled
