"""How well views see colours: the estimate against the exact diagonal."""

from __future__ import annotations

import numpy as np
import torch

from nst3d.operators.sight import squared_sight
from nst3d.operators.sparse import Csr, SparseView
from nst3d.tensors import ImageSize


def _views(count: int, colours: int) -> tuple[list[SparseView], np.ndarray]:
    """Views of 8 × 8 pixels that mix three of the colours each, and Σ w² of all colours but the last."""
    rng = np.random.default_rng(0)
    views, exact = [], np.zeros(colours)
    for _ in range(count):
        columns = np.stack([rng.choice(colours - 1, 3, replace=False) for _ in range(64)]).astype(np.int32)
        weights = rng.uniform(0.05, 0.3, (64, 3)).astype(np.float32)
        matrix = Csr(np.arange(65, dtype=np.int64) * 3, columns.ravel(), weights.ravel())
        views.append(SparseView(ImageSize(8, 8), colours, np.arange(64, dtype=np.int32), matrix))
        np.add.at(exact, columns, weights.astype(float) ** 2)
    return views, exact


def test_squared_sight_is_close_to_the_sum_of_squares():
    views, exact = _views(60, 12)
    found = squared_sight(views, 12).numpy()[:, 0]
    assert found[-1] == 0
    assert abs(found[:-1] / exact[:-1] - 1).max() < 0.3


def test_squared_sight_is_exact_for_what_one_pixel_sees():
    matrix = Csr(np.array([0, 2], np.int64), np.array([0, 2], np.int32), np.array([0.5, 0.2], np.float32))
    view = SparseView(ImageSize(1, 1), 3, np.zeros(1, np.int32), matrix)
    torch.testing.assert_close(squared_sight([view, view], 3)[:, 0], torch.tensor([0.5, 0.0, 0.08]))


def test_squared_sight_is_the_same_each_time():
    views, _ = _views(3, 12)
    assert torch.equal(squared_sight(views, 12), squared_sight(views, 12))


def test_a_rim_counts_less_towards_the_border():
    """One pixel a colour, so the estimate is exact: the square of the way from the border, in widths of the rim."""
    matrix = Csr(np.arange(81, dtype=np.int64), np.arange(80, dtype=np.int32), np.full(80, 0.5, np.float32))
    view = SparseView(ImageSize(8, 10), 80, np.arange(80, dtype=np.int32), matrix)
    found = squared_sight([view], 80, rim=0.25).reshape(8, 10) / 0.25
    near, far = (0.5 / 2) ** 2, (1.5 / 2) ** 2
    torch.testing.assert_close(found[4], torch.tensor([near, far, 1, 1, 1, 1, 1, 1, far, near]))
    torch.testing.assert_close(found[:, 5], torch.tensor([near, far, 1, 1, 1, 1, far, near]))
    torch.testing.assert_close(found[0], torch.full((10,), near))
    torch.testing.assert_close(squared_sight([view], 80).reshape(8, 10), torch.full((8, 10), 0.25))
