"""Removes from an edited glTF document what only its former colours used."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from nst3d.formats.gltf.document import Json, walk
from nst3d.formats.gltf.edit import GltfEditor
from nst3d.formats.gltf.materials import BASIS, PLAIN_SOURCES, TRANSFORM
from nst3d.formats.gltf.pointers import POINTER, settle_pointers

_UNUSED_AFTERWARDS = (*PLAIN_SOURCES, BASIS, "MSFT_texture_dds", TRANSFORM, POINTER)


def tidy(editor: GltfEditor) -> None:
    """Drops former textures and images, animations of what has changed, and extensions that nothing uses now.

    No index shifts: entries are removed from the end of their array, and others lose their bytes.
    """
    former, content = editor.document.json, editor.json
    settle_pointers(former, content)
    for index in _unused(former, content, "textures"):
        texture = content["textures"][index]
        for holder in (texture, *texture.get("extensions", {}).values()):
            holder.pop("source", None)
        _shorten(content, "textures", index)
    for index in _unused(former, content, "images"):
        shown = set(_users(content, "images")) & set(range(len(content["images"])))
        editor.drop_image(index, instead=min(shown, default=None))
        _shorten(content, "images", index)
    present = {key for key, _ in walk(content)}
    for kind in ("extensionsUsed", "extensionsRequired"):
        names = content.get(kind, [])
        names[:] = [name for name in names if name not in _UNUSED_AFTERWARDS or name in present]
        if kind in content and not names:
            del content[kind]


def _shorten(content: Json, kind: str, index: int) -> None:
    """Removes an entry if it is the last of its array."""
    entries: list[Json] = content[kind]
    if index == len(entries) - 1:
        del entries[index]
        if not entries:
            del content[kind]


def _unused(former: Json, content: Json, kind: str) -> list[int]:
    """Entries of the array `kind` that something referred to and nothing does now, the last first."""
    known = range(len(former.get(kind, [])))
    return sorted((set(_users(former, kind)) - set(_users(content, kind))) & set(known), reverse=True)


def _users(content: Json, kind: str) -> Iterator[int]:
    """The textures or images that are referred to, as far as keys tell; rather too many than too few."""
    exact, part = {"textures": ("index", "texture"), "images": ("source", "image")}[kind]
    for key, value in walk(content):
        if key == exact or part in key.lower():
            yield from _integers(value)


def _integers(value: Any) -> Iterator[int]:
    if isinstance(value, int):
        yield value
    elif isinstance(value, list):
        for item in value:
            yield from _integers(item)
