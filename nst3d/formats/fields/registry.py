"""Voxel fields: finding the format that reads or writes a file."""

from __future__ import annotations

from pathlib import Path

from nst3d.errors import InputError
from nst3d.files import PathLike
from nst3d.formats.fields.own import save_own
from nst3d.formats.fields.plenoxels import PlenoxelsDocument, save_plenoxels
from nst3d.formats.io.foreign import careful
from nst3d.formats.io.npz import read_headers
from nst3d.formats.io.peek import Peek
from nst3d.formats.registry import format_of
from nst3d.limits import one_asset
from nst3d.representations.field import VoxelField
from nst3d.tensors import Array, Share


def is_field(place: PathLike | Peek) -> bool:
    """Whether a path is a voxel field, judged by the array names of an .npz archive.

    Raises InputError for an .npz that cannot be read.
    """
    return format_of(place, "field") is not None


@one_asset()
def load_field(place: PathLike | Peek) -> VoxelField:
    """The voxel field in a file, such as an .npz archive of nst3d or svox2.

    Raises InputError if it is missing, broken, of another kind, needs too much memory, or is
    inconsistent: rows linked never or more than once, values that are not finite.
    """
    peek = Peek.at(place)
    row = format_of(peek, "field")
    if row is None or row.load is None:
        names = ", ".join(sorted(peek.once(read_headers))[:8]) or "nothing"
        raise InputError(f"{peek.path}: not a voxel field of nst3d or svox2; it contains {names}")
    return careful(row.load, row.words)(peek.path)


def save_field(
    path: PathLike, field: VoxelField, colours: Array | None = None, specular: Share = 1.0
) -> list[Path]:
    """Write a field, in svox2's format if it came from there, otherwise in nst3d's; returns [path].

    `colours` (n, 3) replace the field's own; rows equal to them stay bit for bit. Higher harmonics are
    multiplied by `specular`, a number or one per node (n,). Everything else stays bit for bit. Raises
    OutputError if the file cannot be written; a partial file is never left behind.
    """
    path = Path(path)
    if colours is not None and colours.shape != (len(field), 3):
        raise ValueError(f"colours of {colours.shape} for a field of {len(field)} nodes")
    save = save_plenoxels if isinstance(field.document, PlenoxelsDocument) else save_own
    return save(path, field, colours, specular)
