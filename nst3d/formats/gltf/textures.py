"""Puts painted images into a glTF document, replacing those that nothing else uses."""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from nst3d.formats.gltf.document import Json, count_values, walk
from nst3d.formats.gltf.edit import GltfEditor
from nst3d.formats.gltf.materials import WRAPS
from nst3d.representations.mesh import Wrap

_SAMPLER_WRAPS = {name: code for code, name in WRAPS.items()}
_LINEAR, _TRILINEAR = 9729, 9987


@dataclass(frozen=True)
class PaintedImage:
    """An image to write."""

    png: bytes
    name: str
    wrap: tuple[Wrap, Wrap]


def swap_textures(
    editor: GltfEditor, images: Mapping[int, PaintedImage], wanted: list[tuple[int, int | None]]
) -> list[int]:
    """For each wanted (image, texture it replaces or None), the index of a texture that shows the image.

    Call it once the base colours' own references are removed: a texture or image that is still in use then
    belongs to another map or part, and is left alone.
    """
    still_used = _texture_users(editor.json)
    made: dict[tuple[int, int | None], int] = {}
    former: dict[int, list[int]] = {}
    for image, old in wanted:
        if (image, old) in made:
            continue
        if old is None:
            made[image, old] = editor.append("textures", new_texture(editor, images[image].wrap))
            continue
        texture: Json = editor.json["textures"][old]
        if still_used[old] or old in made.values():
            texture = copy.deepcopy(texture)
            _pop_sources(texture)
            made[image, old] = editor.append("textures", texture)
        else:
            former.setdefault(image, []).extend(_pop_sources(texture))
            made[image, old] = old
    _put_images(editor, images, made, former)
    return [made[key] for key in wanted]


def new_texture(editor: GltfEditor, wrap: tuple[Wrap, Wrap]) -> Json:
    """A glTF texture without an image, with a new sampler: smooth, mip-mapped, wrapping as given."""
    sampler = {"magFilter": _LINEAR, "minFilter": _TRILINEAR}
    sampler |= {"wrapS": _SAMPLER_WRAPS[wrap[0]], "wrapT": _SAMPLER_WRAPS[wrap[1]]}
    return {"sampler": editor.append("samplers", sampler)}


def _put_images(
    editor: GltfEditor,
    images: Mapping[int, PaintedImage],
    made: dict[tuple[int, int | None], int],
    former: dict[int, list[int]],
) -> None:
    users = count_values(editor.json["textures"], "source") if made else Counter()
    taken: set[int] = set()
    for index in dict.fromkeys(image for image, _ in made):
        free = [i for i in former.get(index, []) if not users[i] and i not in taken]
        taken.update(free[:1])
        place = editor.put_image(images[index].png, images[index].name, free[0] if free else None)
        for (image, _), texture in made.items():
            if image == index:
                editor.json["textures"][texture]["source"] = place


def _pop_sources(texture: Json) -> list[int]:
    """Removes a texture's images, including those of format extensions, and returns their indices."""
    found = [texture.pop("source")] if "source" in texture else []
    for name, value in list(texture.get("extensions", {}).items()):
        if isinstance(value, dict) and "source" in value:
            found.append(value["source"])
            del texture["extensions"][name]
    if not texture.get("extensions", True):
        del texture["extensions"]
    return found


def _texture_users(content: Json) -> Counter[int]:
    """How many texture infos, in core maps or any extension, refer to each texture."""
    infos: list[Any] = [v for k, v in walk(content.get("materials", [])) if k.lower().endswith("texture")]
    return Counter(info["index"] for info in infos if isinstance(info, dict) and "index" in info)
