"""Animations of properties (KHR_animation_pointer) whose property painting has changed or removed."""

from __future__ import annotations

from typing import Any

from nst3d.formats.gltf.document import Json, extension

POINTER = "KHR_animation_pointer"
_NONE = object()


def settle_pointers(former: Json, content: Json) -> None:
    """Removes from `content` the channels that animate what is not there as it was in `former`.

    They would tint the paint with the colours that it already includes, or point nowhere. Animations without
    channels, which glTF does not allow, go as well.
    """
    animations = content.get("animations", [])
    for animation in animations:
        channels = animation.get("channels", [])
        channels[:] = [c for c in channels if _stands(former, content, pointer_of(c))]
    stale = [a for a in animations if a.get("channels") == []]
    animations[:] = [a for a in animations if not any(a is s for s in stale)]
    if "animations" in content and not animations:
        del content["animations"]


def pointer_of(channel: Json) -> str:
    """The JSON pointer of a property that a channel animates; empty if it animates a node."""
    found = extension(channel.get("target", {}), POINTER)
    return str(found.get("pointer", "")) if found else ""


def _stands(former: Json, content: Json, pointer: str) -> bool:
    """Whether a property, and the object that it belongs to, are as they were."""
    if not pointer.startswith("/materials/"):
        return True
    holder = pointer.rpartition("/")[0]
    same = _at(former, pointer) == _at(content, pointer)
    return same and (_at(former, holder) is _NONE) == (_at(content, holder) is _NONE)


def _at(content: Any, pointer: str) -> Any:
    for key in pointer.split("/")[1:]:
        key = key.replace("~1", "/").replace("~0", "~")
        if isinstance(content, dict) and key in content:
            content = content[key]
        elif isinstance(content, list) and key.isdecimal() and int(key) < len(content):
            content = content[int(key)]
        else:
            return _NONE
    return content
