"""Rebuilds views that another process stored, once their arrays are checked."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import torch

from nst3d.operators.base import ViewOperator
from nst3d.operators.composite import Offset, Shaded
from nst3d.operators.matrix_free import restored_samples
from nst3d.operators.sparse import restored_sparse
from nst3d.tensors import Array, Image


def restored(form: str, arrays: Mapping[str, Array]) -> ViewOperator:
    """The view that was stored as `arrays` in a `form` (see `Stored`), bit for bit.

    Kernels do not check indices, so all are checked here. ValueError for an unknown form, or arrays that are not one.
    """
    outer, _, inner = form.partition(".")
    try:
        if not inner:
            check, rebuild = _FORMS[outer]
            check(arrays)
            return rebuild(arrays)
        own = f"{outer}_{len(arrays) - 1}"
        view = restored(inner, {name: array for name, array in arrays.items() if name != own})
        image = arrays[own]
        _need(image.dtype == np.float32 and image.ndim == 3 and image.shape[:2] == tuple(view.size))
        return _WRAPPERS[outer](view, Image(torch.from_numpy(image)))
    except (KeyError, IndexError, TypeError) as error:
        raise ValueError(f"not a stored view: {error}") from None


def _need(sound: bool) -> None:
    if not sound:
        raise ValueError("not a stored view: its arrays do not fit together")


def _check_indices(array: Array, dtypes: str, end: int, least: int = 0) -> None:
    _need(array.dtype.str[1:] in dtypes.split())
    _need(not array.size or bool(array.min() >= least and array.max() < end))


def _check_rows(starts: Array, entries: int, rows: int) -> None:
    """Rows of a compressed matrix: where each begins and the last ends."""
    _need(starts.dtype == np.int64 and starts.shape == (rows + 1,))
    _need(bool(starts[0] == 0 and starts[-1] == entries and (np.diff(starts) >= 0).all()))


def _check_shape(arrays: Mapping[str, Array]) -> tuple[int, int]:
    """The pixels and colours of a view whose coverage and list of seen colours fit."""
    shape, coverage, seen = arrays["shape"], arrays["coverage"], arrays["seen"]
    _need(shape.dtype == np.int64 and shape.shape == (3,))
    height, width, colours = map(int, shape)
    _need(coverage.dtype == np.float32 and coverage.shape == (height, width, 1))
    _check_indices(seen, "i4", colours)
    _need(seen.ndim == 1)
    return height * width, colours


def _check_sparse(arrays: Mapping[str, Array]) -> None:
    pixels, colours = _check_shape(arrays)
    _check_indices(arrays["pixels"], "i4", pixels)
    for name, rows, columns in (("forward", "pixels", colours), ("backward", "seen", pixels)):
        starts, entries, weights = (arrays[f"{name}_{part}"] for part in ("starts", "columns", "weights"))
        _check_indices(entries, "u4", columns)
        _need(entries.ndim == 1 and weights.shape == entries.shape and weights.dtype == np.float32)
        _check_rows(starts, len(entries), len(arrays[rows]))


def _check_samples(arrays: Mapping[str, Array]) -> None:
    pixels, _ = _check_shape(arrays)
    cells, places, weights, corners = (arrays[name] for name in ("cells", "places", "weights", "corners"))
    _check_rows(arrays["starts"], len(cells), pixels)
    _check_indices(cells, "i4", len(corners))
    _check_indices(corners, "i4", len(arrays["seen"]), least=-1)
    _need(corners.ndim == 2 and corners.shape[1] == 8 and places.shape == (len(cells), 3))
    _need(places.dtype == np.uint8 and weights.dtype == np.float32 and weights.shape == cells.shape)


_FORMS: Mapping[
    str, tuple[Callable[[Mapping[str, Array]], None], Callable[[Mapping[str, Array]], ViewOperator]]
] = {"sparse": (_check_sparse, restored_sparse), "samples": (_check_samples, restored_samples)}
_WRAPPERS: Mapping[str, Callable[[ViewOperator, Image], ViewOperator]] = {
    "shading": Shaded,
    "constant": Offset,
}
