"""Validation of a voxel field's arrays before they are used."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from nst3d.errors import InputError
from nst3d.formats.io.npz import Header
from nst3d.limits import claim
from nst3d.tensors import Array

Form = tuple[tuple[int | None, ...], str]
"""A shape, with None for any length, and the accepted NumPy dtype kinds, one letter each."""

_FARTHEST = 1e15
_LONGEST_SIDE = 4096


def wanted(path: Path, headers: Mapping[str, Header], forms: Mapping[str, Form]) -> None:
    """Raise InputError unless the archive has all arrays in `forms`, each of the given form."""
    missing = [name for name in forms if name not in headers]
    if missing:
        raise InputError(f"{path}: voxel field without {', '.join(missing)}")
    for name, (shape, kinds) in forms.items():
        header = headers[name]
        fits = len(header.shape) == len(shape) and all(
            want in (None, have) for want, have in zip(shape, header.shape)
        )
        if not fits or header.dtype.kind not in kinds:
            form = f"({', '.join('any' if n is None else str(n) for n in shape)})"
            raise InputError(
                f"{path}: {name} is {header.shape} {header.dtype}, expected {form} of kind {kinds}"
            )


def check_budget(path: Path, links: tuple[int, ...], harmonics: tuple[int, ...]) -> None:
    """Raise TooLargeError if a field with links (X, Y, Z) and harmonics (n, …) needs too much memory."""
    if not all(2 <= side <= _LONGEST_SIDE for side in links):
        raise InputError(
            f"{path}: a grid of {_by(links)} nodes; each side must have between 2 and {_LONGEST_SIDE}"
        )
    cells, values = int(np.prod(links, dtype=object)), int(np.prod(harmonics, dtype=object))
    need = 4 * (cells + harmonics[0] + values)
    claim(0, f"{path}: a grid of {_by(links)} with {harmonics[0]} nodes", need)


def check_placing(path: Path, centre: Array, radius: Array, contracted: bool) -> None:
    """Raise InputError unless centre and radius (3,) place a grid in the world."""
    sound = np.isfinite(centre).all() and (radius > 0).all() and (radius < _FARTHEST).all()
    if not sound or np.abs(centre).max() > _FARTHEST:
        raise InputError(
            f"{path}: centre {centre.tolist()} and radius {radius.tolist()} do not define a grid"
        )
    if contracted and len(set(radius.tolist())) > 1:
        raise InputError(f"{path}: radius {radius.tolist()} of a contracted field differs between axes")


def check_links(path: Path, links: Array, nodes: int) -> None:
    """Raise InputError unless every row of `nodes` > 0 is linked exactly once; negative links are empty."""
    used = links[links >= 0]
    if not nodes:
        raise InputError(f"{path}: the field is empty")
    if len(used) and used.max() >= nodes:
        raise InputError(f"{path}: broken; it links to row {used.max()} but has {nodes} rows")
    linked = np.zeros(nodes, bool)
    linked[used] = True
    count = int(linked.sum())
    if count < len(used):
        raise InputError(
            f"{path}: broken; {len(used) - count} of {len(used)} links point to a row that is already linked"
        )
    if count < nodes:
        raise InputError(f"{path}: broken; no link points to {nodes - count} of its {nodes} rows")


def check_values(path: Path, arrays: Mapping[str, Array]) -> None:
    """Raise InputError if an array holds NaN or infinite values."""
    for name, values in arrays.items():
        bad = values.size - int(np.isfinite(values).sum())
        if bad:
            raise InputError(f"{path}: {bad} of {values.size} values of {name} are not finite numbers")


def _by(shape: tuple[int, ...]) -> str:
    return " x ".join(str(n) for n in shape)
