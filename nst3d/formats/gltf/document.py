"""A glTF document as read: its JSON, its buffers, and checked access to both."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nst3d.errors import InputError

Json = dict[str, Any]


@dataclass(frozen=True)
class GltfDocument:
    """The contents of a glTF file, kept so that everything nst3d does not paint can be written back."""

    path: Path
    """Source file, for messages."""
    json: Json
    """The parsed JSON; never changed after loading."""
    buffers: tuple[memoryview, ...]
    """The bytes of each buffer, exactly `byteLength` of them."""
    images: Mapping[int, bytes]
    """The bytes of images stored in separate files, by image index."""
    sources: tuple[tuple[int, int], ...] = ()
    """The (mesh, primitive) of each part of the mesh."""
    _known: dict[str, tuple[list[Json], int]] = field(default_factory=dict, compare=False, repr=False)
    """The lists that have been checked, and how many of their items."""

    def fault(self, what: str, remedy: str = "export the asset again") -> InputError:
        """The error to raise for this file: one line with the file name, the fault and the remedy."""
        return InputError(f"{self.path}: {what}; {remedy}")

    def items(self, kind: str) -> list[Json]:
        """The top-level array `kind` ("meshes", "nodes", …), empty if the file has none."""
        found = self.json.get(kind, [])
        known, checked = self._known.get(kind, ([], -1))
        if known is found and checked == len(known):
            return known
        if not isinstance(found, list) or not all(isinstance(item, dict) for item in found):
            raise self.fault(f"'{kind}' is not a list of objects")
        self._known[kind] = (found, len(found))
        return found

    def item(self, kind: str, index: Any) -> Json:
        """Entry `index` of the array `kind`. Raises `InputError` if there is none."""
        found = self.items(kind)
        if not is_count(index) or index >= len(found):
            raise self.fault(f"it refers to {kind}[{index!r:.20}] but has {len(found)} {kind}")
        return found[int(index)]

    def integer(self, holder: Json, key: str, default: int | None = None) -> int:
        """The non-negative integer `holder[key]`, or the default if the key is missing."""
        value: Any = holder.get(key, default)
        if not is_count(value):
            raise self.fault(f"'{key}' is {value!r:.40}, not a count")
        return int(value)

    def numbers(self, holder: Json, key: str, default: tuple[float, ...]) -> list[float]:
        """The list of finite numbers at `holder[key]`, as long as the default."""
        value = holder.get(key, default)
        if not isinstance(value, (list, tuple)) or len(value) != len(default) or not all(map(_finite, value)):
            raise self.fault(f"'{key}' is not a list of {len(default)} finite numbers")
        return [float(number) for number in value]


def is_count(value: Any) -> bool:
    """Whether a JSON value is a non-negative integer of a sane size."""
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**53


def _finite(value: Any) -> bool:
    try:
        return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
    except OverflowError:
        return False


def walk(node: Any) -> Iterator[tuple[str, Any]]:
    """All (key, value) pairs of objects anywhere inside a JSON value, extensions and extras included."""
    stack = [node]
    while stack:
        node = stack.pop()
        if isinstance(node, dict):
            yield from node.items()
            stack.extend(node.values())
        elif isinstance(node, list):
            stack.extend(node)


def count_values(node: Any, key: str) -> Counter[int]:
    """How often each integer occurs under `key` anywhere inside a JSON value."""
    return Counter(value for name, value in walk(node) if name == key and isinstance(value, int))


def extension(holder: Json, name: str) -> Json | None:
    """The named extension object of a glTF object, or None."""
    found = holder.get("extensions", {}).get(name)
    return found if isinstance(found, dict) else None


def accessor_users(document: GltfDocument) -> Counter[int]:
    """How many attributes, indices, skins, animations and instance lists refer to each accessor."""
    found: list[Any] = []
    for mesh in document.items("meshes"):
        for primitive in mesh["primitives"]:
            for attributes in (primitive["attributes"], *primitive.get("targets", [])):
                found += attributes.values()
            found.append(primitive.get("indices"))
    found += [skin.get("inverseBindMatrices") for skin in document.items("skins")]
    for animation in document.items("animations"):
        for sampler in animation.get("samplers", []):
            found += [sampler.get("input"), sampler.get("output")]
    for node in document.items("nodes"):
        found += (extension(node, "EXT_mesh_gpu_instancing") or {}).get("attributes", {}).values()
    return Counter(index for index in found if isinstance(index, int))
