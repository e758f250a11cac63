"""Mesh decimation: edge collapses by quadric error (Garland & Heckbert 1997)."""

from __future__ import annotations

import numpy as np

from nst3d.errors import MissingDependencyError
from nst3d.representations.rows import used_rows
from nst3d.tensors import Array


def decimated(vertices: Array, faces: Array, target: int) -> tuple[Array, Array]:
    """The mesh with about `target` faces: vertices (v, 3) float64, faces (f, 3) int32.

    A mesh with no more faces than that is returned unchanged. Raises MissingDependencyError without
    fast-simplification.
    """
    if len(faces) <= target:
        return vertices, faces
    try:
        import fast_simplification
    except ImportError:
        raise MissingDependencyError(
            f"reducing {len(faces)} faces to {target} needs a package: pip install fast-simplification"
            " (or give `faces=0` to keep all)"
        ) from None
    low = vertices.min(0)
    size = max(float((vertices.max(0) - low).max()), 1e-30)
    small = ((vertices - low) / size).astype(np.float32)  # the package works in float32
    fewer, kept = fast_simplification.simplify(small, faces.astype(np.int32), target_count=target)
    used, renumbered = used_rows(len(fewer), kept)
    return fewer[used].astype(np.float64) * size + low, renumbered
