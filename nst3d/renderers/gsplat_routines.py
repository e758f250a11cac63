"""What is taken from the package gsplat, and how it is found."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from nst3d.errors import MissingDependencyError

_LONGEST = 200
"""Characters of a compiler's complaint that are passed on."""


@dataclass(frozen=True)
class Routines:
    """What is taken from gsplat: functions with its arguments and results, for one camera at a time."""

    project: Callable[..., Any]
    """`fully_fused_projection`: splats to radii, centres, depths and conics of their footprints."""
    tiles: Callable[..., Any]
    """`isect_tiles`: which footprints reach which tiles, nearest first."""
    offsets: Callable[..., Any]
    """`isect_offset_encode`: where the list of each tile starts."""
    indices: Callable[..., Any]
    """`rasterize_to_indices_in_range`: which splats each pixel sees, pixel by pixel, nearest first."""


def gsplat_routines() -> Routines:
    """The package's own, for CUDA. It may build its kernels first, which takes minutes, once a machine.

    Raises MissingDependencyError where gsplat is not installed, or its kernels are not there.
    """
    try:
        gsplat = importlib.import_module("gsplat")
    except ImportError:
        raise MissingDependencyError("gsplat is not installed: pip install 'nst3d[splats]'") from None
    try:
        built = getattr(importlib.import_module("gsplat.cuda._backend"), "_C", None) is not None
        why = "there is no CUDA toolkit (nvcc)"
    except Exception as error:  # a build can break in any way, and splats are rendered without it, too
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
