"""Wavefront MTL: reading an OBJ's base colours, and changing only those.

Source: the MTL specification, Alias/Wavefront, 1995, for Kd, map_Kd and the options of a map.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from nst3d.formats.io.textscan import decode
from nst3d.tensors import Array

DEFAULT_KD = (0.8, 0.8, 0.8)
"""The diffuse colour of a material that states none."""

_MAPS = re.compile(rb"^(map_\w+|bump|disp|decal|refl|norm)[ \t]+(.*)$", re.IGNORECASE)
_NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?$")
_UP_TO_THREE = {"-o": 0.0, "-s": 1.0, "-t": 0.0}
"""Options of up to three numbers, and the number that changes nothing."""
_ONE_VALUE = ("-bm", "-boost", "-texres", "-clamp", "-blendu", "-blendv", "-cc", "-imfchan", "-type")
_LARGEST = 1e6
"""Larger options of a map are no numbers that anyone meant."""
_VALUES = {"-mm": 2} | dict.fromkeys(_ONE_VALUE, 1)


@dataclass(frozen=True)
class MapOptions:
    """The options of a map statement that change what is seen."""

    offset: tuple[float, float] = (0.0, 0.0)
    """-o along u and v: added to UVs, after they are scaled."""
    scale: tuple[float, float] = (1.0, 1.0)
    """-s along u and v: the number of repetitions for each unit of UV."""
    clamp: bool = False
    """Whether the map is clamped at its border (-clamp on) instead of repeating."""
    tone: tuple[float, float] = (0.0, 1.0)
    """-mm: what is added to the map's values, once they are multiplied by the second number."""
    turbulent: bool = False
    """Whether -t disturbs the map, which is not applied."""

    def place(self, uvs: Array) -> Array:
        """UVs (…, 2) of the map's image from those of the faces."""
        return uvs * self.scale + self.offset

    def words(self) -> str:
        """The options that place the map, as a map statement has them; empty, or with a space at the end."""
        offset = "-o {} {} 0 ".format(*self.offset) if any(self.offset) else ""
        scale = "-s {} {} 1 ".format(*self.scale) if self.scale != (1.0, 1.0) else ""
        return offset + scale + ("-clamp on " if self.clamp else "")


@dataclass(frozen=True)
class MtlMaterial:
    """The base colour of one `newmtl`."""

    name: str
    diffuse: tuple[float, float, float] = DEFAULT_KD
    """Kd, assumed to be sRGB-encoded."""
    image: str | None = None
    """File name in map_Kd as written, without options."""
    options: MapOptions = field(default_factory=MapOptions)
    """The options of map_Kd."""
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
            fields |= {"image": image or None, "options": _map_options(options)}
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

    Their Kd becomes white, because the image contains the final colour; of the old map's options those that
    place it are kept, and its tones are in the image. Other maps keep their line unless their file is in
    `moved` (name as written to new name). Painted materials missing from the file are added.
    """
    newline = b"\r\n" if b"\r\n" in data else b"\n"
    out, seen, current = [], set(), ""
    known = parse_mtl(data)
    for line in data.splitlines():
        keyword, value = _statement(line)
        if keyword == b"newmtl":
            current = decode(value)
            out.append(line)
            if current in painted and current not in seen:
                out += _base_colour(painted[current], known[current].options)
            seen.add(current)
        elif not (keyword in (b"kd", b"map_kd") and current in painted):
            out.append(_renamed(line, moved) if _MAPS.match(line.strip()) else line)
    for name in painted:
        if name not in seen:
            out += [b"", f"newmtl {name}".encode(), *_base_colour(painted[name], MapOptions())]
    return newline.join(out) + newline


def _base_colour(image: str, options: MapOptions) -> list[bytes]:
    return [b"Kd 1 1 1", f"map_Kd {options.words()}{image}".encode()]


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


def _map_options(given: Mapping[str, list[str]]) -> MapOptions:
    offset, scale, turbulence = (_three(given, key) for key in _UP_TO_THREE)
    tone = [_number(word, neutral) for word, neutral in zip(given.get("-mm", ()), (0.0, 1.0))]
    return MapOptions(
        (offset[0], offset[1]),
        (scale[0], scale[1]),
        "".join(given.get("-clamp", ())).lower() == "on",
        (tone[0], tone[1]) if len(tone) == 2 else (0.0, 1.0),
        any(turbulence),
    )


def _three(given: Mapping[str, list[str]], key: str) -> tuple[float, float, float]:
    """The option's three numbers; those left out change nothing."""
    neutral = _UP_TO_THREE[key]
    values = [_number(word, neutral) for word in given.get(key, ())]
    first, second, third = [*values, neutral, neutral, neutral][:3]
    return first, second, third


def _number(word: str, otherwise: float) -> float:
    value = float(word) if _NUMBER.match(word) else otherwise
    return value if abs(value) < _LARGEST else otherwise
