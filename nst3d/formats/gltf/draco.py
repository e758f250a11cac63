"""Decodes KHR_draco_mesh_compression; the sizes that its data claims are checked before it is decoded."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nst3d.formats.gltf.document import GltfDocument
from nst3d.formats.gltf.packages import UNPACK, decoder
from nst3d.tensors import Array

NAME = "KHR_draco_mesh_compression"
_MESH, _SEQUENTIAL = 1, 0
_METADATA = 0x8000
_OLDEST = (2, 2)
"""The version of the bitstream that glTF prescribes."""
_MOST_BYTES = 10
"""A 64-bit number takes at most this many pieces of 7 bits."""


@dataclass(frozen=True)
class DracoMesh:
    """A decoded primitive."""

    faces: Array
    """(f, 3) uint32."""
    attributes: dict[int, Array]
    """Rows (v, width) by unique id."""


def decode_draco(document: GltfDocument, data: bytes, most_faces: int) -> DracoMesh:
    """The triangles and attributes in Draco data.

    Raises InputError if it is damaged or claims more than `most_faces` triangles, MissingDependencyError
    without DracoPy.
    """
    package = decoder("DracoPy", document.path, f"its geometry is Draco-compressed ({NAME})", UNPACK)
    try:
        claimed = _claimed(data)
    except (ValueError, IndexError) as error:
        raise document.fault(f"its Draco data is damaged ({error})") from None
    if claimed > most_faces:
        raise document.fault(f"its Draco data claims {claimed} triangles, its accessors {most_faces}")
    try:
        mesh = package.decode(data)
        attributes = {int(a["unique_id"]): np.asarray(a["data"]) for a in mesh.attributes}
        faces = np.asarray(mesh.faces, np.uint32).reshape(-1, 3)
    except (package.FileTypeException, ValueError, RuntimeError, AttributeError, MemoryError) as error:
        raise document.fault(f"its Draco data is damaged ({' '.join(str(error).split()):.80})") from None
    return DracoMesh(faces, {k: a.reshape(len(a), -1) for k, a in attributes.items()})


def _claimed(data: bytes) -> int:
    """The number of triangles in the header of Draco data, or a third of its vertices if those are more.

    Raises ValueError or IndexError for anything but a mesh of the version that glTF prescribes.
    """
    if data[:5] != b"DRACO" or (data[5], data[6]) < _OLDEST:
        raise ValueError("not Draco data of version 2.2 or later")
    if data[7] != _MESH:
        raise ValueError("not a mesh")
    reader = _Reader(data, 11)
    if int.from_bytes(data[9:11], "little") & _METADATA:
        reader.skip_metadata()
    if data[8] == _SEQUENTIAL:
        faces, vertices = reader.number(), reader.number()
    else:
        reader.at += 1  # how the edges are coded
        vertices, faces = reader.number(), reader.number()
    return max(faces, -(-vertices // 3))


class _Reader:
    """A place in Draco data, from which numbers are read."""

    def __init__(self, data: bytes, at: int) -> None:
        self.data, self.at = data, at

    def number(self) -> int:
        """An unsigned number in pieces of seven bits, lowest first."""
        value = 0
        for k in range(_MOST_BYTES):
            byte = self.data[self.at]
            self.at += 1
            value |= (byte & 0x7F) << (7 * k)
            if byte < 0x80:
                return value
        raise ValueError("a number without an end")

    def skip_metadata(self) -> None:
        """Skip the metadata of all attributes and of the whole."""
        for _ in range(self._bounded()):
            self.number()
            self._skip_entries()
        self._skip_entries()

    def _skip_entries(self) -> None:
        left = 1
        while left:  # a loop, as nesting has no limit
            for _ in range(self._bounded()):
                self.at += 1 + self.data[self.at]
                self.at += self.number()
            left += self._bounded() - 1
            if left:
                self.at += 1 + self.data[self.at]

    def _bounded(self) -> int:
        """A number of things that take at least a byte each."""
        count = self.number()
        if count > len(self.data) - self.at:
            raise ValueError("truncated")
        return count
