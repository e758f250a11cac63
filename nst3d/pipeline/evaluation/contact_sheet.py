"""Draws a contact sheet: pictures in rows and columns, with a name, a score and bars under each."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from nst3d.images.levels import from_bytes, to_bytes
from nst3d.tensors import Array

_EMPTY_SIDE = 256
"""Side of a sheet's places, in pixels, if none has a picture."""
_LEAST = 180
"""Smallest width of a place, in pixels, so that there is room for words."""
_TEXT = 15
"""Height of letters, in pixels."""
_INK, _FAINT, _EMPTY, _BEST = "#1a1a1a", "#6b6b6b", "#ececec", "#0072b2"
Font = ImageFont.FreeTypeFont | ImageFont.ImageFont
Place = tuple[int, int]
"""x and y in pixels."""


@dataclass(frozen=True)
class Cell:
    """A picture and what is written under it."""

    name: str
    picture: Array | None = None
    """(h, w, 3) in [0, 1]; None leaves a grey place."""
    headline: str = ""
    bars: Mapping[str, float] = field(default_factory=dict)
    """Numbers in [0, 1] by name, drawn as bars."""
    note: str = ""
    """A few lines in place of the picture: why there is none."""
    is_best: bool = False
    """Whether it gets a frame."""


@dataclass(frozen=True)
class Axes:
    """Words at the columns and the rows of a sheet, which then has no names under its pictures."""

    across: Sequence[str]
    down: Sequence[str] = ()
    """None for a single row."""


def contact_sheet(cells: Sequence[Cell], columns: int, axes: Axes | None = None, caption: str = "") -> Array:
    """A sheet (h, w, 3) in [0, 1] of cells, row by row, with pictures at their own size, centred.

    `axes` has a word for each column and each row; without it, cells are named. `caption` is written below.
    """
    return _Sheet(cells, columns, axes, caption).drawn()


class _Sheet:
    """Measures once, then draws."""

    def __init__(self, cells: Sequence[Cell], columns: int, axes: Axes | None, caption: str) -> None:
        self.cells, self.columns, self.axes = cells, columns, axes
        self.pictures = [cell.picture for cell in cells]
        shapes = [picture.shape[:2] for picture in self.pictures if picture is not None]
        self.height = max((height for height, _ in shapes), default=_EMPTY_SIDE)
        self.width = max(_LEAST, max((width for _, width in shapes), default=_EMPTY_SIDE))
        self.font, self.large = ImageFont.load_default(_TEXT), ImageFont.load_default(round(1.25 * _TEXT))
        self.line, self.gap = round(1.45 * _TEXT), round(1.2 * _TEXT)
        self.names = [[] if axes else _wrapped(cell.name, self.font, self.width) for cell in cells]
        self.below = self.line * (max(map(len, self.names)) + max(len(cell.bars) for cell in cells))
        self.below += round(1.4 * self.line) if any(cell.headline for cell in cells) else 0
        down = [] if axes is None else axes.down
        widest = max((self.font.getlength(word) for word in down), default=0)
        self.left = self.gap + (round(min(widest, self.width)) + self.gap if down else 0)
        self.top = self.gap + (self.line + self.gap // 2 if axes else 0)
        self.across = self.left + columns * (self.width + self.gap)
        self.caption = _wrapped(caption, self.font, self.across - 2 * self.gap) if caption else []

    def drawn(self) -> Array:
        """The whole sheet."""
        rows = math.ceil(len(self.cells) / self.columns)
        end = self.top + rows * (self.height + self.below + 2 * self.gap)
        image = Image.new("RGB", (self.across, end + self.line * len(self.caption)), "white")
        draw = ImageDraw.Draw(image)
        for number in range(len(self.cells)):
            row, column = divmod(number, self.columns)
            self._draw_cell(image, draw, number, self._corner(row, column))
            self._label(draw, row, column)
        for number, text in enumerate(self.caption):
            place = self.gap, end + (number - 0.5) * self.line
            draw.text(place, text, fill=_FAINT, font=self.font, anchor="lm")
        return from_bytes(np.asarray(image))

    def _corner(self, row: int, column: int) -> Place:
        """Where a picture's upper left is."""
        down = self.height + self.below + 2 * self.gap
        return self.left + column * (self.width + self.gap), self.top + row * down

    def _label(self, draw: ImageDraw.ImageDraw, row: int, column: int) -> None:
        """The words of a column above its first cell, and those of a row left of its first."""
        if self.axes is None:
            return
        x, y = self._corner(row, column)
        if row == 0:
            text = _cut(self.axes.across[column], self.font, self.width)
            place = x + self.width // 2, self.top - self.line
            draw.text(place, text, fill=_INK, font=self.font, anchor="mm")
        if column == 0 and self.axes.down:
            text = _cut(self.axes.down[row], self.font, self.left - 2 * self.gap)
            draw.text((self.gap, y + self.height // 2), text, fill=_INK, font=self.font, anchor="lm")

    def _draw_cell(self, image: Image.Image, draw: ImageDraw.ImageDraw, number: int, corner: Place) -> None:
        cell, picture, (x, y) = self.cells[number], self.pictures[number], corner
        if picture is None:
            draw.rectangle((x, y, x + self.width - 1, y + self.height - 1), fill=_EMPTY)
            lines = _wrapped(cell.note, self.font, self.width - self.gap)
            shown = lines[: max(1, (self.height - self.gap) // self.line)]
            draw.multiline_text(
                (x + self.gap / 2, y + self.gap / 2), "\n".join(shown), fill=_INK, font=self.font
            )
        else:
            height, width = picture.shape[:2]
            place = x + (self.width - width) // 2, y + (self.height - height) // 2
            image.paste(Image.fromarray(to_bytes(picture)), place)
        y += self.height + self.gap // 3
        for name in self.names[number]:
            draw.text((x, y + self.line / 2), name, fill=_INK, font=self.font, anchor="lm")
            y += self.line
        if cell.headline:
            colour = _BEST if cell.is_best else _INK
            draw.text((x, y + 0.7 * self.line), cell.headline, fill=colour, font=self.large, anchor="lm")
            y += round(1.4 * self.line)
        for name, value in cell.bars.items():
            self._draw_bar(draw, (x, y), name, value)
            y += self.line
        if cell.is_best:
            frame = self.gap // 3
            box = (x - frame, corner[1] - frame, x + self.width + frame, y + frame)
            draw.rectangle(box, outline=_BEST, width=max(2, self.gap // 6))

    def _draw_bar(self, draw: ImageDraw.ImageDraw, corner: Place, name: str, value: float) -> None:
        """A name on the left, a number on the right, and a bar between them."""
        x, middle = corner[0], corner[1] + self.line / 2
        names = {name for cell in self.cells for name in cell.bars}
        start = x + max(self.font.getlength(name) for name in names) + self.gap / 2
        end = x + self.width - self.font.getlength("0.00") - self.gap / 2
        draw.text((x, middle), name, fill=_FAINT, font=self.font, anchor="lm")
        draw.text((x + self.width, middle), f"{value:.2f}", fill=_INK, font=self.font, anchor="rm")
        thick = self.line / 6
        draw.rectangle((start, middle - thick, end, middle + thick), fill=_EMPTY)
        filled = start + (end - start) * min(max(value, 0.0), 1.0)
        draw.rectangle((start, middle - thick, filled, middle + thick), fill=_FAINT)


def _wrapped(text: str, font: Font, width: float) -> list[str]:
    """Words in lines of at most `width` pixels; longer words are cut."""
    lines = [""]
    for word in _drawable(text).split():
        longer = f"{lines[-1]} {word}".strip()
        if font.getlength(longer) <= width or not lines[-1]:
            lines[-1] = longer
        else:
            lines.append(word)
    return [_cut(line, font, width) for line in lines]


def _drawable(text: str) -> str:
    """Text in the letters of Pillow's own font, which are those of ASCII and a few more."""
    plain = unicodedata.normalize("NFKD", text).replace("\u2026", "...").replace("\u2013", "-")
    return "".join(c if c.isascii() else "?" for c in plain if not unicodedata.combining(c))


def _cut(text: str, font: Font, width: float) -> str:
    """Text with dots in place of its middle if it is wider than `width` pixels."""
    text = _drawable(text)
    if font.getlength(text) <= width:
        return text
    for kept in range(len(text) - 1, 1, -1):
        shorter = f"{text[: (kept + 1) // 2]}…{text[len(text) - kept // 2 :]}"
        if font.getlength(shorter) <= width:
            return shorter
    return "…"
