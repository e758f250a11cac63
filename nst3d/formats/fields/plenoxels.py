"""Voxel fields of svox2, the Plenoxels reference code (Fridovich-Keil et al. 2022).

Its grid is nst3d's bounded one: node i of N is at centre + radius ((2 i + 1) / N − 1), optical depth is
relu(density) × path length in world units, and a colour is 0.5 + Σ basis · coefficient. Rows of `sh_data`
hold all coefficients of red, then green, then blue. Negative links are empty; below −1 they give the distance
that rays may skip. Deviates from the paper: svox2 clamps the colour of every sample to at least 0, nst3d only
the picture.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from nst3d.errors import InputError
from nst3d.formats.fields.checks import Form, check_budget, check_links, check_placing, check_values, wanted
from nst3d.formats.fields.paint import painted_harmonics
from nst3d.formats.io.npz import Header, read_arrays, read_headers, write_arrays
from nst3d.formats.io.peek import Peek
from nst3d.formats.registry import Format, register_format
from nst3d.representations.field import Space, VoxelField
from nst3d.representations.harmonics import faded
from nst3d.tensors import Array, Share

_FORMS: dict[str, Form] = {
    "links": ((None, None, None), "i"),
    "density_data": ((None, 1), "f"),
    "sh_data": ((None, None), "f"),
}
_BASES = {1: "spherical harmonics", 4: "a learned texture", 255: "a network"}
_ROWS = 1 << 16


@dataclass(frozen=True)
class PlenoxelsDocument:
    """The parts of an archive that the field itself does not hold."""

    kept: dict[str, Array]
    """All arrays that are never painted, except links equal to the field's."""
    order: tuple[str, ...]
    """The names of all arrays, in the archive's order."""
    precision: np.dtype
    """Data type of sh_data."""
    beyond: Array | None
    """(n, k, 3) coefficients above degree 2, in that precision, or None."""
    compressed: bool


def is_plenoxels(headers: Mapping[str, Header]) -> bool:
    """Whether these are the arrays of an svox2 archive."""
    return "links" in headers and ("sh_data" in headers or "density_data" in headers)


def load_plenoxels(path: Path) -> VoxelField:
    """The field in an svox2 archive, with a PlenoxelsDocument as its `document`.

    Up is +z and the background white, as in the synthetic scenes: the file states neither. Raises InputError
    for bases other than spherical harmonics, and like `load_field`.
    """
    headers = read_headers(path)
    wanted(path, headers, _FORMS)
    nodes, columns = headers["sh_data"].shape
    bases = columns // 3
    if columns % 3 or bases not in (1, 4, 9, 16, 25):
        raise InputError(f"{path}: sh_data has {columns} columns, expected 3, 12 or 27")
    if headers["density_data"].shape[0] != nodes:
        raise InputError(f"{path}: broken; {headers['density_data'].shape[0]} densities for {nodes} colours")
    check_budget(path, headers["links"].shape, (nodes, columns))
    arrays = read_arrays(path, headers)
    _check_basis(path, arrays)
    centre, radius = (
        _triple(path, arrays, name, usual) for name, usual in (("center", 0.0), ("radius", 1.0))
    )
    check_placing(path, centre, radius, contracted=False)
    check_links(path, arrays["links"], nodes)
    check_values(path, {"density_data": arrays["density_data"], "sh_data": arrays["sh_data"]})
    coefficients = arrays["sh_data"].reshape(nodes, 3, bases).swapaxes(1, 2)
    shown = min(bases, 9)
    links = arrays["links"].astype(np.int32, copy=False)
    links = np.maximum(links, -1) if links.min() < -1 else links
    return VoxelField(
        space=Space(centre, radius),
        links=links,
        density=arrays["density_data"][:, 0].astype(np.float32),
        harmonics=np.ascontiguousarray(coefficients[:, :shown], np.float32),
        background=(1.0, 1.0, 1.0),
        document=_document(arrays, headers, links, coefficients[:, shown:]),
        notes=tuple(_notes(headers, bases)),
    )


def save_plenoxels(
    path: Path, field: VoxelField, colours: Array | None = None, specular: Share = 1.0
) -> list[Path]:
    """Write a field from `load_plenoxels`, painted as in `save_field`, in its own precision; returns [path].

    All other arrays stay byte for byte. In float16, as svox2 writes it, painted colours keep 3 decimals.
    """
    path = Path(path)
    document: PlenoxelsDocument = field.document
    beyond = document.beyond
    shown, bases = field.harmonics.shape[1], field.harmonics.shape[1]
    bases += 0 if beyond is None else beyond.shape[1]
    sh_data = np.empty((len(field), 3, bases), document.precision)
    largest = np.finfo(document.precision).max
    share = np.broadcast_to(np.asarray(specular, np.float32), (len(field),))
    for start in range(0, len(field), _ROWS):
        rows = slice(start, start + _ROWS)
        part = painted_harmonics(
            field.harmonics[rows], None if colours is None else colours[rows], share[rows]
        )
        sh_data[rows, :, :shown] = np.clip(part, -largest, largest).swapaxes(1, 2)
        if beyond is not None:
            sh_data[rows, :, shown:] = faded(beyond[rows], share[rows]).swapaxes(1, 2)
    arrays = {**document.kept, "sh_data": sh_data.reshape(len(field), -1)}
    arrays.setdefault("links", field.links)
    write_arrays(
        path,
        {name: arrays[name] for name in document.order},
        packed=document.order if document.compressed else (),
    )
    return [path]


def _document(
    arrays: dict[str, Array], headers: dict[str, Header], links: Array, beyond: Array
) -> PlenoxelsDocument:
    kept = {name: array for name, array in arrays.items() if name != "sh_data"}
    if links is arrays["links"]:
        del kept["links"]
    return PlenoxelsDocument(
        kept=kept,
        order=tuple(headers),
        precision=arrays["sh_data"].dtype,
        beyond=beyond.copy() if beyond.shape[1] else None,
        compressed=headers["sh_data"].compressed,
    )


def _check_basis(path: Path, arrays: dict[str, Array]) -> None:
    given = arrays.get("basis_type")
    if given is not None and given.size == 1 and given.dtype.kind not in "biu":
        raise InputError(f"{path}: basis_type is of type {given.dtype}, expected a whole number")
    basis = int(given.item()) if given is not None and given.size == 1 else 1
    basis = 4 if "basis_data" in arrays and arrays["basis_data"].size else basis
    if basis != 1:
        kind = _BASES.get(basis, f"an unknown basis ({basis})")
        raise InputError(f"{path}: its view-dependent colours use {kind}; only {_BASES[1]} are supported")


def _triple(path: Path, arrays: dict[str, Array], name: str, usual: float) -> Array:
    values = np.asarray(arrays.get(name, usual))
    if values.size not in (1, 3) or values.dtype.kind not in "fi":
        raise InputError(f"{path}: {name} is {values.shape} {values.dtype}, expected 3 numbers")
    return np.array(np.broadcast_to(values.reshape(-1), 3), np.float64)


def _notes(headers: dict[str, Header], bases: int) -> list[str]:
    notes = ["svox2 files state neither up nor background: assuming +z and white"]
    if bases > 9:
        notes.append("harmonics above degree 2 are not rendered, but written back")
    if "background_data" in headers and headers["background_data"].count:
        notes.append("its background layers are neither rendered nor painted, but written back")
    return notes


def _sniff(peek: Peek) -> bool:
    return peek.path.is_file() and is_plenoxels(peek.once(read_headers))


register_format(
    Format("plenoxels", (".npz",), "field", "a NumPy archive", load_plenoxels, save_plenoxels, sniff=_sniff)
)
