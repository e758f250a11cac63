"""What a user should know about the painting of a glTF document before it starts."""

from __future__ import annotations

import copy
from collections.abc import Iterator

from nst3d.formats.gltf.coats import VARIANTS, coats_of, mappings, strip
from nst3d.formats.gltf.document import GltfDocument, Json, extension
from nst3d.formats.gltf.pointers import pointer_of, settle_pointers
from nst3d.formats.gltf.tidy import has_spare_dds
from nst3d.formats.gltf.uv_sets import atlas_set
from nst3d.representations.mesh import Mesh
from nst3d.representations.paint import MeshPaint, TexturePaint, VertexPaint

LEVELS = "MSFT_lod"


def keeps_document(mesh: Mesh, paint: MeshPaint) -> bool:
    """Whether a painted mesh is written into its own glTF document: unless it has none, or faces were subdivided."""
    if not isinstance(mesh.document, GltfDocument):
        return False
    if isinstance(paint, TexturePaint):
        return True
    return all(len(a.vertices) == len(b.vertices) for a, b in zip(mesh.parts, paint.parts))


def painting_notes(mesh: Mesh, paint: MeshPaint) -> tuple[str, ...]:
    """Sentences about what a painted glTF loses, what in it stays unpainted, and where its paint is unusual."""
    if not isinstance(mesh.document, GltfDocument):
        return ()
    if not keeps_document(mesh, paint):
        return tuple(_lost(mesh.document))
    painted = {p.material for p in mesh.parts} - paint.kept_materials
    notes = [
        *_sets(mesh, paint),
        *_variants(mesh.document, painted),
        *_far(mesh.document, painted),
        *_outside(mesh, paint),
    ]
    notes += _uneven(mesh, paint)
    if any(has_spare_dds(mesh.document.json, t) for t in mesh.document.items("textures")):
        notes.append("DDS files beside the glTF are left out where a texture has a PNG or JPEG, too")
    if count := _stale_pointers(mesh, paint):
        notes.append(
            f"{count} animated base colours (KHR_animation_pointer) are dropped, as they would tint the paint"
        )
    return tuple(notes)


def _lost(document: GltfDocument) -> Iterator[str]:
    lost = [kind for kind in ("skins", "animations", "cameras") if document.items(kind)]
    if any("targets" in p for m in document.items("meshes") for p in m.get("primitives", [])):
        lost.append("morph targets")
    if lost:
        yield (
            "subdivided faces are written as a new file in the rest pose, without"
            f" {', '.join(lost)}; `surface.paint='texture'` keeps them"
        )


def _sets(mesh: Mesh, paint: MeshPaint) -> Iterator[str]:
    """About new UVs that are not a part's first set."""
    if isinstance(paint, VertexPaint):
        return
    sets: dict[int, list[str]] = {}
    for coat in coats_of(mesh, paint):
        if coat.fresh:
            number = atlas_set(mesh.document, [mesh.document.sources[part] for part in coat.parts])
            sets.setdefault(number, []).append(mesh.materials[coat.material].name or "(no name)")
    for number, names in sorted(sets.items()):
        if number:
            yield (
                f"the new UVs of {_listed(names)} are set {number} (TEXCOORD_{number}), as other maps use set 0:"
                " programs that only know set 0 show the paint in the wrong places"
            )


def _uneven(mesh: Mesh, paint: MeshPaint) -> Iterator[str]:
    """About textures that were powers of two wide and high, and are not any more."""
    if isinstance(paint, VertexPaint):
        return
    now: dict[str, None] = {}
    for coat in coats_of(mesh, paint):
        texture, slot = mesh.materials[coat.material].texture, paint.slots[coat.slot]
        sharp = slot.clear and slot.alpha is not None and slot.alpha.size > slot.size.height * slot.size.width
        height, width = slot.alpha.shape if sharp and slot.alpha is not None else slot.size
        even = texture is not None and _powers_of_two(*mesh.textures[texture].pixels.shape[:2])
        if even and not _powers_of_two(height, width):
            now[f"{slot.name} {width} x {height}"] = None
    if now:
        yield (
            f"textures that were powers of two in width and height are not any more: {_listed(list(now))};"
            " programs with WebGL 1 alone resize them, or show them without mipmaps"
            " (`surface.texture_size=1024` keeps powers of two where a texture keeps its UVs)"
        )


def _powers_of_two(*sides: int) -> bool:
    return all(side & (side - 1) == 0 for side in sides)


def _variants(document: GltfDocument, painted: set[int]) -> Iterator[str]:
    """About material variants that show other materials than the painted ones."""
    known = (extension(document.json, VARIANTS) or {}).get("variants", [])
    shown: set[int] = set()
    for m, p in document.sources:
        for mapping in mappings(document.items("meshes")[m]["primitives"][p]):
            if mapping.get("material") not in painted:
                shown.update(v for v in mapping.get("variants", []) if isinstance(v, int))
    names = [str(known[v].get("name", v)) for v in sorted(shown) if v < len(known)]
    if names:
        yield f"the material variants {_listed(names)} keep their own colours: only what is shown first is painted"


def _far(document: GltfDocument, painted: set[int]) -> Iterator[str]:
    """About materials that painted ones turn into when they are far away."""
    materials = document.items("materials")
    shown = (extension(materials[m], LEVELS) or {} for m in sorted(painted) if m < len(materials))
    others = dict.fromkeys(m for found in shown for m in found.get("ids", []) if m not in painted)
    names = [
        str(materials[m].get("name") or f"material {m}")
        for m in others
        if isinstance(m, int) and 0 <= m < len(materials)
    ]
    if names:
        yield f"materials for levels of detail ({LEVELS}) keep their own colours: {_listed(names)}"


def _outside(mesh: Mesh, paint: MeshPaint) -> Iterator[str]:
    """About meshes that the default scene does not show and that share no painted image."""
    document: GltfDocument = mesh.document
    shared: set[int] = set()
    if isinstance(paint, TexturePaint):
        shared = {coat.material for coat in coats_of(mesh, paint) if not coat.fresh}
    inside = {m for m, _ in document.sources}
    used = {node["mesh"] for node in document.items("nodes") if isinstance(node.get("mesh"), int)}
    meshes = document.items("meshes")
    alone = [
        m
        for m in sorted(used - inside)
        if any(p.get("material") not in shared for p in meshes[m]["primitives"])
    ]
    if alone:
        yield (
            f"{len(alone)} meshes outside the default scene (other scenes, levels of detail) keep their own"
            f" colours: {_listed([str(meshes[m].get('name') or f'mesh {m}') for m in alone])}"
        )


def _stale_pointers(mesh: Mesh, paint: MeshPaint) -> int:
    """How many animation channels painting removes."""
    document: GltfDocument = mesh.document
    before = _pointers(document.json)
    if not before:
        return 0
    content: Json = {k: copy.deepcopy(document.json.get(k, [])) for k in ("materials", "animations")}
    coats = coats_of(mesh, paint) if isinstance(paint, TexturePaint) else []
    kept = {coat.material for coat in coats if not coat.fresh}
    for index in {p.material for p in mesh.parts} - paint.kept_materials:
        if index < len(content["materials"]):
            places, info = strip(content["materials"][index])
            for holder, key in places:
                holder |= {key: info} if index in kept and info else {}
    settle_pointers(document.json, content)
    return before - _pointers(content)


def _pointers(content: Json) -> int:
    return sum(bool(pointer_of(c)) for a in content.get("animations", []) for c in a.get("channels", []))


def _listed(names: list[str]) -> str:
    shown = ", ".join(repr(name) for name in names[:6])
    return f"{shown} and {len(names) - 6} more" if len(names) > 6 else shown
