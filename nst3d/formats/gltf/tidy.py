"""Removes from an edited glTF document what only its former colours used."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from nst3d.formats.gltf.document import Json, extension, walk
from nst3d.formats.gltf.edit import GltfEditor
from nst3d.formats.gltf.materials import BASIS, DDS, PLAIN_SOURCES, TRANSFORM
from nst3d.formats.gltf.pointers import POINTER, settle_pointers

_UNUSED_AFTERWARDS = (*PLAIN_SOURCES, BASIS, DDS, TRANSFORM, POINTER)


def tidy(editor: GltfEditor) -> None:
    """Drops former textures and images, animations of what has changed, and extensions that nothing uses now.

    Images are renumbered, unless more than textures may refer to them. Other indices do not shift: an unused texture
    is removed if it is the last, and otherwise has no image any more.
    """
    former, content = editor.document.json, editor.json
    settle_pointers(former, content)
    _drop_spare_dds(content)
    for index in _unused(former, content, "textures"):
        for holder in _holders(content["textures"][index]):
            holder.pop("source", None)
        if index == len(content["textures"]) - 1:
            del content["textures"][index]
    _drop_images(editor, _unused(former, content, "images"))
    present = {key for key, _ in walk(content)}
    for kind in ("extensionsUsed", "extensionsRequired"):
        names = content.get(kind, [])
        names[:] = [name for name in names if name not in _UNUSED_AFTERWARDS or name in present]
    for kind in ("extensionsUsed", "extensionsRequired", "textures", "images"):
        if content.get(kind) == []:
            del content[kind]


def has_spare_dds(content: Json, texture: Json) -> bool:
    """Whether a texture names a DDS file beside the document, and a PNG or JPEG that shows the same."""
    index = (extension(texture, DDS) or {}).get("source")
    images = content.get("images", [])
    if "source" not in texture or not isinstance(index, int) or not 0 <= index < len(images):
        return False
    uri = images[index].get("uri")
    return isinstance(uri, str) and not uri.startswith("data:")


def _drop_spare_dds(content: Json) -> None:
    """Leaves out DDS files that another picture stands for: inside a glTF few programs read them."""
    for texture in content.get("textures", []):
        if has_spare_dds(content, texture):
            del texture["extensions"][DDS]
            if not texture["extensions"]:
                del texture["extensions"]


def _holders(texture: Json) -> list[Json]:
    """The objects in which a texture may name its image."""
    return [h for h in (texture, *texture.get("extensions", {}).values()) if isinstance(h, dict)]


def _drop_images(editor: GltfEditor, unused: list[int]) -> None:
    """Removes images; if something else may refer to images by number, makes them copies of a used one."""
    content, textures = editor.json, editor.json.get("textures", [])
    images: list[Json] = content.get("images", [])
    shown = next((images[t["source"]] for t in textures if "source" in t), None)
    fixed = any(True for _ in _named(content, "image"))
    if not unused or (fixed and shown is None):
        return
    editor.embed_images()
    for index in unused:
        editor.drop_bytes(images[index])
    if fixed and shown is not None:
        for index in unused:
            images[index] |= {k: v for k, v in shown.items() if k in ("mimeType", "bufferView")}
        return
    images[:] = [image for index, image in enumerate(images) if index not in unused]
    for texture in textures:
        for holder in _holders(texture):
            if isinstance(holder.get("source"), int):
                holder["source"] -= sum(index < holder["source"] for index in unused)


def _unused(former: Json, content: Json, kind: str) -> list[int]:
    """Entries of the array `kind` that something referred to and nothing does now, the last first."""
    known = range(len(former.get(kind, [])))
    return sorted((set(_users(former, kind)) - set(_users(content, kind))) & set(known), reverse=True)


def _users(content: Json, kind: str) -> Iterator[int]:
    """The textures or images that are referred to, as far as keys tell; rather too many than too few."""
    exact, word = {"textures": ("index", "texture"), "images": ("source", "image")}[kind]
    yield from (value for key, value in walk(content) if key == exact and isinstance(value, int))
    yield from _named(content, word)


def _named(content: Json, word: str) -> Iterator[int]:
    """All integers under keys that contain a word."""
    for key, value in walk(content):
        if word in key.lower():
            yield from _integers(value)


def _integers(value: Any) -> Iterator[int]:
    if isinstance(value, int):
        yield value
    elif isinstance(value, list):
        for item in value:
            yield from _integers(item)
