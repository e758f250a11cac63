"""Decodes EXT_meshopt_compression and KHR_meshopt_compression."""

from __future__ import annotations

from nst3d.formats.gltf.document import GltfDocument, Json
from nst3d.formats.gltf.packages import UNPACK, decoder

NAMES = ("EXT_meshopt_compression", "KHR_meshopt_compression")
_MODES = ("ATTRIBUTES", "TRIANGLES", "INDICES")
_FILTERS = ("NONE", "OCTAHEDRAL", "QUATERNION", "EXPONENTIAL", "COLOR")


def meshopt_size(document: GltfDocument, packed: Json) -> int:
    """The number of bytes that a compressed buffer view claims to hold."""
    return document.integer(packed, "count") * document.integer(packed, "byteStride")


def decode_meshopt(document: GltfDocument, packed: Json, name: str) -> bytes:
    """The bytes of a buffer view from its extension object `packed`, the extension's `name`.

    Raises InputError if it is damaged, MissingDependencyError without the package meshopt.
    """
    package = decoder("meshopt", document.path, f"its geometry is meshopt-compressed ({name})", UNPACK)
    document.item("buffers", packed.get("buffer"))
    buffer = document.buffers[int(packed["buffer"])]
    start, size = document.integer(packed, "byteOffset", 0), document.integer(packed, "byteLength")
    count, stride = document.integer(packed, "count"), document.integer(packed, "byteStride")
    mode, kind = packed.get("mode"), packed.get("filter", "NONE")
    if start + size > len(buffer):
        raise document.fault(f"its meshopt data ends at byte {start + size} of a buffer of {len(buffer)}")
    if mode not in _MODES or kind not in _FILTERS or not stride:
        raise document.fault(f"its meshopt data has the unknown mode {mode!r:.20} or filter {kind!r:.20}")
    if not count:
        return b""
    try:
        rows = package.decode_gltf_buffer(bytes(buffer[start : start + size]), count, stride, mode, kind)
    except (ValueError, RuntimeError, MemoryError) as error:
        raise document.fault(f"its meshopt data is damaged ({' '.join(str(error).split()):.80})") from None
    plain: bytes = rows.tobytes()
    if len(plain) != count * stride:
        raise document.fault(f"its meshopt data gives {len(plain)} bytes, expected {count * stride}")
    return plain
