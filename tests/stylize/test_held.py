"""Pixels of references in a table of colours: met where they can be, within [0, 1]."""

from __future__ import annotations

import numpy as np
import torch

from nst3d.operators import SparseView
from nst3d.operators.sparse import Csr
from nst3d.stylize.held import Held
from nst3d.stylize.teachers.reference import Reference
from nst3d.tensors import Image, ImageSize


def view_of(matrix: np.ndarray) -> SparseView:
    """One row of pixels that see colours by a dense matrix (pixels, colours)."""
    pixels, colours = matrix.shape
    return SparseView(
        ImageSize(1, pixels),
        colours,
        np.arange(pixels, dtype=np.int32),
        Csr(
            np.arange(pixels + 1, dtype=np.int64) * colours,
            np.tile(np.arange(colours, dtype=np.int32), pixels),
            matrix.astype(np.float32).ravel(),
        ),
    )


def held(matrix: np.ndarray, start: torch.Tensor, painted: list[float], **fields) -> Held:
    view = view_of(matrix)
    original = view.render(start, 1.0)
    picture = Image(torch.tensor(painted)[None, :, None].expand(1, -1, 3).contiguous())
    return Held(lambda camera: view, [Reference(None, Image(original), picture, **fields)], start)


def test_the_best_colours_within_bounds_are_found_not_the_best_ones_clamped() -> None:
    # Without bounds the colours are (1.3, 0.2). With the first fixed at 1, the second is that of the least squares of
    # (0.3 c - 0.27, 0.7 c - 0.23), which is much brighter.
    start = torch.full((2, 3), 0.3)
    found = held(np.array([[0.7, 0.3], [0.3, 0.7]]), start, [0.97, 0.53])
    colours = start + found.change(start)
    torch.testing.assert_close(colours[0], torch.ones(3))
    best = (0.3 * 0.27 + 0.7 * 0.23) / (0.3**2 + 0.7**2)
    torch.testing.assert_close(colours[1], torch.full((3,), best), atol=0.01, rtol=0)


def test_what_can_be_met_is_met_and_what_was_left_alone_stays() -> None:
    start = torch.full((3, 3), 0.5)
    found = held(np.array([[0.6, 0.4, 0.0], [0.0, 0.0, 1.0]]), start, [0.75, 0.5])
    colours = start + found.change(start)
    (fit,) = found.fits(colours)
    assert (fit.close, fit.pixels, fit.rows) == (1.0, 2, 3)
    assert fit.squared**0.5 < 1 / 255
    torch.testing.assert_close(colours[2], start[2])


def test_of_strokes_only_what_was_left_alone_stays_as_it_is_now() -> None:
    start = torch.full((2, 3), 0.5)
    found = held(np.eye(2), start, [0.9, 0.5], strokes_only=True)
    now = torch.tensor([[0.5] * 3, [0.2] * 3])
    torch.testing.assert_close((now + found.change(now))[1], now[1])
    assert found.fits(now)[0].pixels == 1


def test_too_few_colours_for_the_pixels_are_told() -> None:
    start = torch.full((1, 3), 0.5)
    found = held(np.ones((4, 1)), start, [0.1, 0.9, 0.1, 0.9])
    (fit,) = found.fits(start + found.change(start))
    assert fit.close == 0
    assert "the scene has 1 colours there, too few" in fit.told()
