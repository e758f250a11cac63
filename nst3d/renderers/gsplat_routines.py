"""The routines used from the package gsplat."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from nst3d.errors import MissingDependencyError

_LONGEST = 200
"""Maximum characters of a compiler's error that are reported."""


@dataclass(frozen=True)
class Routines:
    """gsplat's functions, called with its signatures for one camera at a time."""

    project: Callable[..., Any]
    """`fully_fused_projection`: splats to radii, centres, depths and conics of their footprints."""
    tiles: Callable[..., Any]
    """`isect_tiles`: footprints that intersect each tile, nearest first."""
    offsets: Callable[..., Any]
    """`isect_offset_encode`: start of each tile's list."""
    indices: Callable[..., Any]
    """`rasterize_to_indices_in_range`: splats that each pixel sees, pixel by pixel, nearest first."""


def gsplat_routines() -> Routines:
    """gsplat's CUDA routines. Its kernels may be built first, which takes minutes, once per machine.

    Raises MissingDependencyError if gsplat is not installed or its kernels are not available.
    """
    try:
        gsplat = importlib.import_module("gsplat")
    except ImportError:
        raise MissingDependencyError("gsplat is not installed: pip install 'nst3d[splats]'") from None
    try:
        built = getattr(importlib.import_module("gsplat.cuda._backend"), "_C", None) is not None
        why = "there is no CUDA toolkit (nvcc)"
    except Exception as error:  # a build can fail in any way, and splats can be rendered without it
        built, why = False, " ".join(f"{type(error).__name__}: {error}".split())[:_LONGEST]
    if not built:
        raise MissingDependencyError(
            f"gsplat cannot build its CUDA kernels ({why}): install the toolkit of torch's CUDA version, "
            "or a wheel with kernels from https://docs.gsplat.studio/whl"
        )
    return Routines(
        gsplat.fully_fused_projection,
        gsplat.isect_tiles,
        gsplat.isect_offset_encode,
        gsplat.rasterize_to_indices_in_range,
    )
