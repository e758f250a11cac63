"""Wavefront MTL: reading an OBJ's base colours, and changing only those.

Source: the MTL specification, Alias/Wavefront, 1995, for Kd, map_Kd and the options of a map.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from nst3d.formats.io.textscan import decode

DEFAULT_KD = (0.8, 0.8, 0.8)
"""The diffuse colour of a material that states none."""

_MAPS = re.compile(rb"^(map_\w+|bump|disp|decal|refl|norm)[ \t]+(.*)$", re.IGNORECASE)
_NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?$")
_UP_TO_THREE = ("-o", "-s", "-t")
_ONE_VALUE = ("-bm", "-boost", "-texres", "-clamp", "-blendu", "-blendv", "-cc", "-imfchan", "-type")
_VALUES = {"-mm": 2} | dict.fromkeys(_ONE_VALUE, 1)


@dataclass(frozen=True)
class MtlMaterial:
    """The base colour of one `newmtl`."""

    name: str
    diffuse: tuple[float, float, float] = DEFAULT_KD
    """Kd, assumed to be sRGB-encoded."""
    image: str | None = None
    """File name in map_Kd as written, without options."""
    clamp: bool = False
    """Whether the map is clamped at its border (-clamp on) instead of repeating."""
    moved: bool = False
    """Whether -o, -s or -t shift or scale the map; these are not applied."""
    opacity: float = 1.0
    """d, or 1 - Tr, in [0, 1]."""
    mask: str | None = None
    """File name in map_d as written, without options."""


def parse_mtl(data: bytes) -> dict[str, MtlMaterial]:
    """The materials of an MTL by name; unreadable values keep their defaults."""
    found: dict[str, MtlMaterial] = {}
    name: str | None = None
    fields: dict[str, object] = {}
    for line in data.removeprefix(b"\xef\xbb\xbf").splitlines():
        keyword, value = _statement(line)
        if keyword == b"newmtl":
            name, fields = decode(value), {}
        elif keyword == b"kd":
            fields |= {"diffuse": _colour(decode(value))}
        elif keyword == b"map_kd":
            options, image = split_map(decode(value))
            fields |= {
                "image": image or None,
                "clamp": options.get("-clamp", [""])[0].lower() == "on",
                "moved": any(_shifts(key, values) for key, values in options.items()),
            }
        elif keyword in (b"d", b"tr"):
            fields |= _opacity(keyword, decode(value), fields)
        elif keyword == b"map_d":
            fields |= {"mask": split_map(decode(value))[1] or None}
        if name is not None:
            found[name] = MtlMaterial(name, **fields)  # type: ignore[arg-type]
    return found


def split_map(value: str) -> tuple[dict[str, list[str]], str]:
    """The options of a map statement, and its file name, which may contain spaces."""
    options: dict[str, list[str]] = {}
    rest = value.strip()
    while rest.startswith("-"):
        words = rest.split()
        key = words[0].lower()
        if key in _UP_TO_THREE:
            count = 0
            while count < 3 and count + 2 < len(words) and _NUMBER.match(words[count + 1]):
                count += 1
        elif key in _VALUES:
            count = _VALUES[key]
        else:
            break
        options[key] = words[1 : 1 + count]
        rest = " ".join(["", *rest.split(None, 1 + count)[1 + count :]]).strip()
    return options, rest.strip('"')


def other_maps(data: bytes, painted: Mapping[str, str]) -> list[str]:
    """Files in an MTL that stay in use when the base colours of the `painted` materials are replaced."""
    names = []
    current = b""
    for line in data.splitlines():
        keyword, value = _statement(line)
        current = value if keyword == b"newmtl" else current
        if _MAPS.match(line.strip()) and not (keyword == b"map_kd" and decode(current) in painted):
            names.append(split_map(decode(value))[1])
    return list(dict.fromkeys(n for n in names if n))


def repaint_mtl(data: bytes, painted: Mapping[str, str], moved: Mapping[str, str]) -> bytes:
    """An MTL whose `painted` materials (name to file) use the given images; other lines stay unchanged.

    Their Kd becomes white, because the image contains the final colour; map options are dropped with the old
    map. Other maps keep their line unless their file is in `moved` (name as written to new name).
    Painted materials missing from the file are added.
    """
    newline = b"\r\n" if b"\r\n" in data else b"\n"
    out, seen, current = [], set(), ""
    for line in data.splitlines():
        keyword, value = _statement(line)
        if keyword == b"newmtl":
            current = decode(value)
            out.append(line)
            if current in painted and current not in seen:
                out += _base_colour(painted[current])
            seen.add(current)
        elif not (keyword in (b"kd", b"map_kd") and current in painted):
            out.append(_renamed(line, moved) if _MAPS.match(line.strip()) else line)
    for name in painted:
        if name not in seen:
            out += [b"", f"newmtl {name}".encode(), *_base_colour(painted[name])]
    return newline.join(out) + newline


def _base_colour(image: str) -> list[bytes]:
    return [b"Kd 1 1 1", f"map_Kd {image}".encode()]


def _renamed(line: bytes, moved: Mapping[str, str]) -> bytes:
    for old, new in moved.items():
        for encoding in ("utf-8", "latin-1"):
            ending = old.encode(encoding, "ignore")
            if ending and line.rstrip().rstrip(b'"').endswith(ending):
                return line[: line.rindex(ending)].rstrip(b'"') + new.encode()
    return line


def _statement(line: bytes) -> tuple[bytes, bytes]:
    words = line.strip().split(None, 1)
    if not words:
        return b"", b""
    return words[0].lower(), words[1] if len(words) > 1 else b""


def _colour(value: str) -> tuple[float, ...]:
    words = value.split()
    if not words or not all(_NUMBER.match(w) for w in words[:3]):
        return DEFAULT_KD
    numbers = [float(w) for w in words[:3]]
    rgb = numbers if len(numbers) == 3 else numbers[:1] * 3
    return tuple(float(c) for c in np.clip(rgb, 0.0, 1.0))


def _opacity(keyword: bytes, value: str, known: Mapping[str, object]) -> dict[str, object]:
    """What a statement of d or Tr says. Some exporters write Tr for d, so 1 and what contradicts d are passed over."""
    words = value.split()
    if not words or not _NUMBER.match(words[0]):
        return {}
    number = float(np.clip(float(words[0]), 0.0, 1.0))
    if keyword == b"d":
        return {"opacity": number}
    return {} if "opacity" in known or number == 1 else {"opacity": 1 - number}


def _shifts(option: str, values: list[str]) -> bool:
    neutral = 1.0 if option == "-s" else 0.0
    return option in _UP_TO_THREE and any(float(v) != neutral for v in values)
