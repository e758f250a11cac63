"""Writes painted Wavefront OBJ: the original text with new base colours if possible, otherwise a new one."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from nst3d.errors import OutputError
from nst3d.files import RESULTS, PathLike, write_bytes
from nst3d.formats.io.files import read_bytes, relative_parts
from nst3d.formats.meshes.mtl import other_maps, parse_mtl, repaint_mtl
from nst3d.formats.meshes.obj_read import ObjDocument, load_obj
from nst3d.formats.meshes.painted_images import distinct, safe_name, write_slots
from nst3d.formats.meshes.placing import Placed, placed
from nst3d.formats.meshes.textures import map_file
from nst3d.formats.registry import Format, register_format
from nst3d.representations.mesh import Mesh
from nst3d.representations.paint import MeshPaint, TexturePaint
from nst3d.representations.rows import unique_rows
from nst3d.tensors import Array

_LIBRARY = re.compile(rb"^[ \t]*mtllib\b[^\n]*\n?", re.MULTILINE)
_NAMELESS = re.compile(rb"^([ \t]*usemtl)[ \t]*(\r?)$", re.MULTILINE)
_FIRST_USE = re.compile(rb"^[ \t]*(f|usemtl)[ \t]", re.MULTILINE)


def save_obj(path: PathLike, mesh: Mesh, paint: MeshPaint, colours: Array) -> list[Path]:
    """Write a painted mesh as OBJ with its MTL and images; returns the files.

    `colours` are the table's rows (n, 3) in [0, 1], sRGB-encoded, final: Kd becomes white. A mesh from an OBJ
    that is painted on its own UVs keeps its text, so groups, names, normals and comments stay, and its MTL
    except for Kd and map_Kd; files used by other maps are copied. Anything else is written anew in the
    asset's own coordinates (float64, exact), one object per instance: with `vt` from the paint's UVs (an OBJ
    holds one UV set, so a new atlas replaces the file's own), or with vertex colours as `v x y z r g b`.
    Images are `<name>_<slot>.png`. Raises OutputError if a file cannot be written.
    """
    path = Path(path)
    if not isinstance(paint, TexturePaint):
        body = _objects(placed(mesh, paint, colours), [None] * len(mesh.instances))
        write_bytes(path, body)
        return [path]
    library = path.with_name(f"{safe_name(path.stem)}.mtl")
    images = write_slots(path, paint, colours)
    # Vertex colours in the text would tint the new images.
    tinted = any(p.colours is not None for p in mesh.parts)
    if isinstance(mesh.document, ObjDocument) and not any(paint.fresh) and not tinted:
        copies = _keep_document(path, library, mesh, [images[s].name for s in paint.slot_of_part])
        return [path, library, *images, *copies]
    pairs = list(dict.fromkeys((p.material, s) for p, s in zip(mesh.parts, paint.slot_of_part)))
    names = dict(zip(pairs, distinct(safe_name(mesh.materials[m].name) for m, _ in pairs)))
    transparent = [slot.alpha is not None for slot in paint.slots]
    entries = [
        _material(names[m, s], images[s].name, transparent[s], mesh.materials[m].alpha) for m, s in pairs
    ]
    used: list[str | None] = [
        names[mesh.parts[i.part].material, paint.slot_of_part[i.part]] for i in mesh.instances
    ]
    body = f"mtllib {library.name}\n".encode() + _objects(placed(mesh, paint, colours), used)
    write_bytes(library, "\n".join(entries).encode())
    write_bytes(path, body)
    return [path, library, *images]


def _material(name: str, image: str, transparent: bool, alpha: float) -> str:
    opacity = f"map_d {image}\n" if transparent else ""
    opacity += f"d {alpha:.7g}\n" if alpha < 1 else ""
    return f"newmtl {name}\nKd 1 1 1\nmap_Kd {image}\n{opacity}"


def _keep_document(path: Path, library: Path, mesh: Mesh, images: list[str]) -> list[Path]:
    """Write the original text and MTL with new images (one name per part), and copy the other files."""
    document: ObjDocument = mesh.document
    known = [*parse_mtl(document.library), *(m.name for m in mesh.materials)]
    nameless = document.unnamed or distinct(["painted"], known)[0]
    painted = {mesh.materials[p.material].name or nameless: image for p, image in zip(mesh.parts, images)}
    taken = {*RESULTS, *(n.lower() for n in (path.name, library.name, *images))}
    copies = _copies(document, painted, path.parent, taken)
    moved = {c.written: c.moved for c in copies if c.moved is not None}
    for copy in copies:
        _copy(copy.source, copy.target)
    write_bytes(library, repaint_mtl(document.library, painted, moved))
    write_bytes(path, _relinked(document.text, library.name, nameless if nameless in painted else None))
    return [c.target for c in copies]


def _relinked(text: bytes, library: str, nameless: str | None) -> bytes:
    """The text with one mtllib, and with faces that had no material using `nameless`."""
    text = text.removeprefix(b"\xef\xbb\xbf")
    text = text if b"\n" in text else text.replace(b"\r", b"\n")
    statement = f"mtllib {library}\n".encode()
    first = _LIBRARY.search(text)
    begin, end = first.span() if first else (0, 0)
    text = text[:begin] + statement + _LIBRARY.sub(b"", text[end:])
    if nameless is None:
        return text
    use = f"usemtl {nameless}".encode()
    text = _NAMELESS.sub(lambda match: use + match.group(2), text)
    start = _FIRST_USE.search(text)
    if start is not None and start.group(1) == b"f":
        text = text[: start.start()] + use + b"\n" + text[start.start() :]
    return text


@dataclass(frozen=True)
class _Copy:
    """A file that belongs to the asset."""

    written: str
    """Its name in the MTL."""
    source: Path
    target: Path
    moved: str | None
    """Its new name in the MTL, if the old one would no longer resolve."""


def _copies(
    document: ObjDocument, painted: dict[str, str], folder: Path, taken: Collection[str]
) -> list[_Copy]:
    """Pictures used by the MTL's other maps, if they are in the asset's folder.

    Names that a result has are changed, so that nothing is overwritten.
    """
    found = []
    for name in other_maps(document.library, painted):
        source = map_file(name, document.folders)[0]
        if source is None:
            continue
        parts = relative_parts(name)
        inside = ".." not in parts and not name.startswith(("/", "\\")) and ":" not in name
        target = folder.joinpath(*parts) if inside else folder / parts[-1]
        if target.parent == folder and target.name.lower() in taken:
            target, inside = target.with_name(f"map_{target.name}"), False
        found.append(_Copy(name, source, target, None if inside else target.name))
    return found


def _copy(source: Path, target: Path) -> None:
    if target.exists() and target.samefile(source):
        return
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{target.parent}: cannot be created ({error.strerror or error})") from None
    write_bytes(target, read_bytes(source))


def _objects(instances: list[Placed], materials: list[str | None]) -> bytes:
    """The text of all objects, with indices counted over the whole file."""
    pieces = []
    before = [1, 1, 1]
    for item, material, name in zip(instances, materials, distinct(safe_name(i.name) for i in instances)):
        pieces.append(f"o {name}\n".encode())
        pieces.append(_vertex_lines(item))
        columns = [item.faces + before[0]]
        pattern = "%d"
        if item.uvs is not None:
            first, group = unique_rows(item.uvs.reshape(-1, 2))
            pieces.append(_lines("vt %r %r\n", item.uvs.reshape(-1, 2)[first]))
            columns.append(group.reshape(-1, 3) + before[1])
            before[1] += len(first)
            pattern = "%d/%d"
        if item.normals is not None:
            pieces.append(_lines("vn %.7g %.7g %.7g\n", item.normals))
            columns.append(item.faces + before[2])
            before[2] += len(item.normals)
            pattern += "/%d" if item.uvs is not None else "//%d"
        before[0] += len(item.vertices)
        pieces.append(f"usemtl {material}\n".encode() if material else b"")
        pieces.append(_lines(f"f {pattern} {pattern} {pattern}\n", np.stack(columns, axis=2)))
    return b"".join(pieces)


def _vertex_lines(item: Placed) -> bytes:
    if item.colours is None:
        return _lines("v %r %r %r\n", item.vertices)
    return _lines("v %r %r %r %.5g %.5g %.5g\n", np.hstack([item.vertices, item.colours.astype(np.float64)]))


def _lines(pattern: str, rows: Array) -> bytes:
    """A line for each row; %r is the shortest decimal that reads back as the same float64."""
    rows = rows.reshape(len(rows), -1)
    step = 65536
    blocks = (rows[k : k + step] for k in range(0, len(rows), step))
    return b"".join((pattern * len(b) % tuple(b.ravel().tolist())).encode() for b in blocks)


register_format(
    Format(
        "obj",
        (".obj",),
        "mesh",
        "an OBJ",
        load_obj,
        save_obj,
        holds=frozenset({"textures", "vertices", "blocks"}),
    )
)
