"""The contact sheet of regions: pictures of a scene, and what its colours mean."""

from __future__ import annotations

import colorsys
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont

from nst3d.images.colour import LUMA
from nst3d.images.io import write_image
from nst3d.images.levels import from_bytes, to_bytes
from nst3d.tensors import Array, Colours

# Okabe & Ito 2008, "Color universal design": colours that stay apart for the colour-blind, without grey and black.
_FIRST = ("#e69f00", "#0072b2", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#f0e442")
_GREYS = (0.25, 0.4)
"""Least grey of the scene behind regions, and range above it."""
_GOLDEN = 0.61803398875
_ACROSS = 4
_TEXT = 1 / 70
"""Size of the legend's letters, as a share of the sheet's width."""


@dataclass(frozen=True)
class Entry:
    """A line of the legend."""

    text: str
    share: float
    """Share of the scene, 0 to 1."""


def colour_of(number: int) -> tuple[float, float, float]:
    """The colour of the region of a number, RGB in [0, 1]; no two are alike."""
    if number < len(_FIRST):
        text = _FIRST[number]
        return tuple(int(text[k : k + 2], 16) / 255 for k in (1, 3, 5))  # type: ignore[return-value]
    turn = number - len(_FIRST)
    return colorsys.hsv_to_rgb((0.08 + turn * _GOLDEN) % 1, (0.9, 0.55)[turn % 2], (0.95, 0.7)[turn // 2 % 2])


def flat_colours(own: Colours, columns: Sequence[Colours]) -> Array:
    """The scene's colours (n, 3) in grey, under regions' weights (n, 1) in flat colours, the first on top."""
    low, reach = _GREYS
    grey = low + reach * (own.clamp(0, 1) @ own.new_tensor(LUMA))
    table = grey[:, None].expand(-1, 3)
    for number, column in reversed(list(enumerate(columns))):
        table = torch.lerp(table, torch.tensor(colour_of(number)).expand_as(table), column)
    return table.numpy().astype(np.float32)


def write_region_sheet(path: Path, pictures: Sequence[Array], entries: Sequence[Entry]) -> None:
    """Write pictures (h, w, 3) in [0, 1] of one size in rows of four, above a legend of numbered colours."""
    across = min(_ACROSS, len(pictures))
    height, width = pictures[0].shape[:2]
    down = math.ceil(len(pictures) / across)
    sheet = np.ones((down * height, across * width, 3), np.float32)
    for number, picture in enumerate(pictures):
        row, column = divmod(number, across)
        sheet[row * height :, column * width :][:height, :width] = picture
    write_image(path, np.concatenate([sheet, _legend(entries, across * width)], 0))


def _legend(entries: Sequence[Entry], width: int) -> Array:
    """Lines in as many columns as fit, (h, width, 3)."""
    size = max(12, round(width * _TEXT))
    line, gap, font = round(1.6 * size), round(0.8 * size), ImageFont.load_default(size)
    words = [f"{k + 1}  {entry.text}  {entry.share:.1%}" for k, entry in enumerate(entries)]
    longest = max(font.getlength(word) for word in words) + line + 2 * gap
    columns = min(len(words), max(1, int(width // longest)))
    lines = math.ceil(len(words) / columns)
    image = Image.new("RGB", (width, lines * line + 2 * gap), "white")
    draw = ImageDraw.Draw(image)
    for number, word in enumerate(words):
        column, row = divmod(number, lines)
        x, y = gap + column * (width // columns), gap + row * line
        colour = tuple(to_bytes(np.array(colour_of(number))).tolist())
        draw.rectangle((x, y, x + size, y + size), fill=colour, outline="black")
        draw.text((x + line, y + size / 2), word, fill="black", font=font, anchor="lm")
    return from_bytes(np.asarray(image))
