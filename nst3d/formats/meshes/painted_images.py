"""The images of a texture paint, as files beside an asset."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from nst3d.files import write_bytes
from nst3d.images.io import encode_png
from nst3d.images.levels import from_bytes
from nst3d.images.resize import resize
from nst3d.representations.paint import TexturePaint, TextureSlot
from nst3d.tensors import Array


def write_slots(path: Path, paint: TexturePaint, colours: Array) -> list[Path]:
    """Write each slot with its alpha as `<asset>_<slot>.png` beside the asset; returns one file per slot."""
    files = []
    for slot, name in zip(paint.slots, distinct(safe_name(s.name) for s in paint.slots)):
        file = path.with_name(f"{safe_name(path.stem)}_{name}.png")
        write_bytes(file, slot_png(slot, colours))
        files.append(file)
    return files


def slot_png(slot: TextureSlot, colours: Array) -> bytes:
    """The PNG of a slot."""
    return encode_png(*slot_pixels(slot, colours))


def slot_pixels(slot: TextureSlot, colours: Array) -> tuple[Array, Array | None]:
    """The pixels (h, w, 3) of a slot, its rows of the table (n, 3), and its alpha (h, w) or None.

    One of them is resized to match the other: alpha that shows is never made coarser.
    """
    rows = colours[slot.offset : slot.offset + slot.size.height * slot.size.width]
    image = rows.reshape(*slot.size, 3)
    if slot.alpha is None:
        return image, None
    size: tuple[int, int] = slot.size
    if slot.clear and slot.alpha.size > size[0] * size[1]:
        size = slot.alpha.shape
    return resize(image, size), resize(from_bytes(slot.alpha)[..., None], size)[..., 0]


def safe_name(name: str) -> str:
    """A name without spaces and other characters that break file names or OBJ and MTL statements."""
    return re.sub(r"[^\w.-]+", "_", name).strip("_") or "painted"


def distinct(names: Iterable[str], taken: Iterable[str] = ()) -> list[str]:
    """The names, with _2, _3 … appended to duplicates and to those already taken."""
    seen = set(taken)
    result = []
    for name in names:
        number, candidate = 2, name
        while candidate in seen:
            number, candidate = number + 1, f"{name}_{number}"
        seen.add(candidate)
        result.append(candidate)
    return result
