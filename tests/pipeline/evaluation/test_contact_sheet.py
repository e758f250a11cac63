"""Drawing contact sheets."""

from __future__ import annotations

import numpy as np
import pytest

from nst3d.pipeline.evaluation.contact_sheet import Axes, Cell, contact_sheet
from nst3d.tensors import Array

RED, GREEN = np.array([1, 0, 0]), np.array([0, 1, 0])
BLUE = np.array([0, 0x72, 0xB2]) / 255


def flat(colour: Array, height: int = 200, width: int = 240) -> Array:
    return np.broadcast_to(colour, (height, width, 3)).astype(np.float32)


def places(sheet: Array, colour: Array) -> tuple[Array, Array]:
    """The rows and columns where a sheet has exactly that colour."""
    return np.nonzero(np.abs(sheet - colour).max(2) < 1e-3)


def test_pictures_are_whole_and_in_their_places() -> None:
    cells = [Cell("a", flat(RED)), Cell("b", flat(GREEN)), Cell("c", flat(GREEN)), Cell("d", flat(RED))]
    sheet = contact_sheet(cells, 2)
    rows, columns = places(sheet, RED)
    assert len(rows) == 2 * 200 * 240
    middle = np.array(sheet.shape[:2]) // 2
    first = (rows < middle[0]) & (columns < middle[1])
    assert first.sum() == 200 * 240
    assert ((rows > middle[0]) == (columns > middle[1])).all()


def test_pictures_of_other_sizes_are_centred() -> None:
    sheet = contact_sheet([Cell("a", flat(RED)), Cell("b", flat(GREEN, 100, 240))], 2)
    red, green = places(sheet, RED), places(sheet, GREEN)
    assert np.mean(red[0]) == pytest.approx(np.mean(green[0]))


def bar_length(value: float) -> int:
    """How long the dark part of a cell's only bar is."""
    sheet = contact_sheet([Cell("a", flat(RED), bars={"style": value})], 1)
    below = sheet[places(sheet, RED)[0].max() + 1 :]
    dark = np.abs(below - np.array([0x6B] * 3) / 255).max(2) < 1e-3
    return int(dark.sum(1).max())


def test_bars_are_as_long_as_their_numbers() -> None:
    full = bar_length(1.0)
    assert full > 80
    assert bar_length(0.5) == pytest.approx(full / 2, abs=3)
    assert bar_length(2.0) == pytest.approx(full, abs=1)


def test_the_best_has_a_frame_around_its_picture() -> None:
    cells = [Cell("a", flat(RED), "score 1"), Cell("b", flat(GREEN), "score 2", is_best=True)]
    sheet = contact_sheet(cells, 2, Axes(["a", "b"]))
    framed, red, green = (places(sheet, colour) for colour in (BLUE, RED, GREEN))
    assert framed[1].min() > red[1].max()
    assert framed[1].min() < green[1].min() < green[1].max() < framed[1].max()
    assert framed[0].min() < green[0].min() < green[0].max() < framed[0].max()


def test_columns_and_rows_are_labelled() -> None:
    cells = [Cell(str(number), flat(RED)) for number in range(4)]
    bare, named = (
        contact_sheet(cells, 2, Axes(["", ""])),
        contact_sheet(cells, 2, Axes(["x 1", "x 2"], ["y 1", "y 2"])),
    )
    left = places(named, RED)[1].min()
    assert (bare[: places(bare, RED)[0].min()] == 1).all()
    assert (named[: places(named, RED)[0].min()] < 0.5).any()
    assert left > places(bare, RED)[1].min()
    rows = np.nonzero((named[:, : left - 1] < 0.5).any((1, 2)))[0]
    assert rows.min() < named.shape[0] / 2 < rows.max()


def test_a_failure_is_written_in_place_of_the_picture() -> None:
    note = "failed: " + "the encoder has no layer of that name " * 20
    sheet = contact_sheet([Cell("a", flat(RED)), Cell("b", note=note)], 2)
    rows, columns = places(sheet, np.array([0xEC] * 3) / 255)
    right = places(sheet, RED)[1].max()
    rows, columns = rows[columns > right], columns[columns > right]
    assert len(rows) > 200 * 240 / 2
    ink = (sheet < 0.3).all(2)
    assert ink[rows.min() : rows.max(), columns.min() : columns.max()].sum() > 500
    assert np.nonzero(ink[: rows.max()])[1].max() < columns.max()


def test_long_names_and_letters_that_the_font_lacks_fit() -> None:
    name = "préréglage=" + "日本" * 300
    sheet = contact_sheet([Cell(name, flat(RED))], 1, caption=name)
    assert sheet.shape[0] < 300
    assert len(places(sheet, RED)[0]) == 200 * 240
    dark = np.nonzero((sheet < 0.5).all(2))[1]
    assert len(dark) > 100
    assert dark.max() <= places(sheet, RED)[1].max()


def test_without_any_picture_there_is_a_sheet() -> None:
    sheet = contact_sheet([Cell("a", note="failed: x")], 1, Axes(["a"]), "No scores.")
    assert sheet.shape[2] == 3
    assert (sheet < 0.3).any()
