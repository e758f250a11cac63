"""Reads and writes glTF containers: GLB chunks, .gltf JSON, and the files beside it."""

from __future__ import annotations

import base64
import binascii
import contextlib
import json
import struct
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from nst3d.errors import InputError, OutputError
from nst3d.files import write_bytes
from nst3d.formats.gltf.document import GltfDocument, Json
from nst3d.formats.io.files import find_beside, read_bytes
from nst3d.formats.io.json_values import claim_json

_MAGIC = b"glTF"
_JSON_CHUNK, _BIN_CHUNK = 0x4E4F534A, 0x004E4942
_MAX_GLB = 2**32 - 1
_SIGNATURES = {
    b"\x89PNG": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
    b"RIFF": "image/webp",
    b"\xabKTX": "image/ktx2",
    b"DDS ": "image/vnd-ms.dds",
}


def read_document(path: Path) -> GltfDocument:
    """The document in a .glb or .gltf file with all its buffers; told apart by their first bytes.

    Raises `InputError` for files that are missing, truncated, not glTF 2.0, or declare bytes they do not
    have.
    """
    data = read_bytes(path)
    text, chunk = _split_glb(path, data) if data[:4] == _MAGIC else (data, None)
    document = GltfDocument(path, _parse_json(path, text), (), {})
    buffers = tuple(_read_buffer(document, i, chunk) for i in range(len(document.items("buffers"))))
    images: dict[int, bytes] = {}
    for index, image in enumerate(document.items("images")):
        uri = image.get("uri")
        if isinstance(uri, str) and not uri.startswith("data:"):
            found = read_neighbour(path, uri)
            if found is not None and image_type(found):
                images[index] = found
    return GltfDocument(path, document.json, buffers, images)


def peek_json(path: Path) -> Json:
    """The JSON of a .glb or .gltf file, without its buffers. Raises `InputError` or OSError."""
    with path.open("rb") as file:
        head = file.read(20)
        if head[:4] == _MAGIC and len(head) == 20:
            size, kind = struct.unpack_from("<II", head, 12)
            if kind == _JSON_CHUNK and size <= path.stat().st_size:
                return _parse_json(path, file.read(size))
    return _parse_json(path, read_bytes(path))


def read_neighbour(path: Path, uri: str) -> bytes | None:
    """The bytes of the file beside `path` that a relative URI refers to; None if there is no such file."""
    for name in dict.fromkeys((unquote(uri), uri)):
        with contextlib.suppress(OSError, ValueError):  # names that no file system accepts: too long, a NUL
            found = find_beside(name, [path.parent])
            if found is not None:
                return read_bytes(found)
    return None


def decode_data_uri(uri: str) -> bytes | None:
    """The bytes of a data: URI; None if it is malformed."""
    head, comma, body = uri.partition(",")
    if not comma:
        return None
    if not head.endswith(";base64"):
        return unquote(body).encode("latin-1", errors="replace")
    with contextlib.suppress(binascii.Error, ValueError):
        return base64.b64decode(unquote(body))
    return None


def image_type(data: bytes | memoryview) -> str | None:
    """The MIME type of PNG, JPEG, WebP, AVIF, KTX2 or DDS bytes by their signature; None for anything else."""
    start = bytes(data[:12])
    if start[4:] == b"ftypavif":
        return "image/avif"
    return next((mime for magic, mime in _SIGNATURES.items() if start.startswith(magic)), None)


def write_document(path: Path, content: Json, binary: bytes) -> None:
    """Writes JSON and one buffer as .glb, or as .gltf with the buffer embedded; whole or not at all.

    `content` must have exactly one buffer if `binary` is not empty. Raises `OutputError`.
    """
    if path.suffix.lower() == ".gltf":
        if binary:
            encoded = base64.b64encode(binary).decode("ascii")
            head = {**content["buffers"][0], "uri": f"data:application/octet-stream;base64,{encoded}"}
            content = {**content, "buffers": [head]}
        write_bytes(path, _dump(content))
        return
    write_bytes(path, glb_bytes(content, binary, str(path)))


def glb_bytes(content: Json, binary: bytes, name: str) -> bytes:
    """JSON and one buffer as the bytes of a GLB called `name` in messages. Raises `OutputError` if it is too large."""
    text = _dump(content)
    text += b" " * (-len(text) % 4)
    chunks = [struct.pack("<II", len(text), _JSON_CHUNK), text]
    if binary:
        padded = len(binary) + -len(binary) % 4
        chunks += [struct.pack("<II", padded, _BIN_CHUNK), binary, bytes(padded - len(binary))]
    size = 12 + sum(map(len, chunks))
    if size > _MAX_GLB:
        raise OutputError(f"{name}: a GLB cannot hold {size} bytes; ask for smaller textures")
    return b"".join([struct.pack("<4sII", _MAGIC, 2, size), *chunks])


def _dump(content: Json) -> bytes:
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")


def _split_glb(path: Path, data: bytes) -> tuple[bytes, memoryview | None]:
    """The JSON text and the BIN chunk of GLB bytes; every length is checked against the bytes present."""
    remedy = "the file is damaged or incompletely downloaded: download or export it again"
    if len(data) < 20:
        raise InputError(f"{path}: only {len(data)} bytes, too few for a GLB; {remedy}")
    version, claimed = struct.unpack_from("<II", data, 4)
    if version != 2:
        raise InputError(f"{path}: GLB version {version}, expected 2; export the asset as glTF 2.0")
    if claimed > len(data):
        raise InputError(f"{path}: its header claims {claimed} bytes, but it has {len(data)}; {remedy}")
    chunks: dict[int, memoryview] = {}
    position, view = 12, memoryview(data)
    while position + 8 <= claimed:
        size, kind = struct.unpack_from("<II", data, position)
        position += 8
        if size > claimed - position:
            raise InputError(f"{path}: a chunk claims {size} bytes, {claimed - position} are left; {remedy}")
        chunks.setdefault(kind, view[position : position + size])
        position += size
    if _JSON_CHUNK not in chunks:
        raise InputError(f"{path}: a GLB without a JSON chunk; {remedy}")
    return bytes(chunks[_JSON_CHUNK]), chunks.get(_BIN_CHUNK)


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _parse_json(path: Path, text: bytes) -> Json:
    """The JSON object of a glTF 2.0 file."""
    claim_json(text, str(path))
    try:
        content = json.loads(text.rstrip(b"\0 ").decode("utf-8-sig"), parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        reason = "is nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise InputError(f"{path}: not a glTF file ({reason:.120}); export the asset as .glb") from error
    asset = content.get("asset") if isinstance(content, dict) else None
    if not isinstance(asset, dict):
        raise InputError(f"{path}: JSON, but not glTF: it has no 'asset'; export the asset as .glb")
    version = str(asset.get("version"))
    if not version.startswith("2"):
        raise InputError(f"{path}: glTF version {version:.20}, expected 2.0; export the asset as glTF 2.0")
    return content


def _read_buffer(document: GltfDocument, index: int, chunk: memoryview | None) -> memoryview:
    buffer = document.item("buffers", index)
    size = document.integer(buffer, "byteLength")
    uri = buffer.get("uri")
    if isinstance(uri, str):
        where = "its data URI" if uri.startswith("data:") else f"'{unquote(uri):.100}'"
        found = decode_data_uri(uri) if uri.startswith("data:") else read_neighbour(document.path, uri)
        if found is None:
            remedy = "put the file beside it, or export the asset as one .glb"
            raise document.fault(f"its buffer {where} is missing or cannot be read", remedy)
        data = memoryview(found)
    elif index == 0 and chunk is not None:
        where, data = "its BIN chunk", chunk
    elif buffer.get("extensions"):
        return memoryview(b"")  # filled by an extension: required extensions are refused later, by name
    else:
        raise document.fault(f"buffers[{index}] has no data")
    if size > len(data):
        remedy = "the file is truncated: download or export it again"
        raise document.fault(f"buffers[{index}] claims {size} bytes, but {where} has {len(data)}", remedy)
    return data[:size]
