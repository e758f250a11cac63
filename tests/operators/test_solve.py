from __future__ import annotations

import numpy as np
import pytest
import torch

from nst3d.operators import IdentityView, SparseView
from nst3d.operators.solve import SolveOptions, bake
from nst3d.operators.sparse import Csr
from nst3d.tensors import ImageSize

EXACT = SolveOptions(damping=0.0, iterations=200, tolerance=1e-13)
COLOURS = 20
UNSEEN = 3


SIZE = ImageSize(8, 9)


def view(seed: int, size: ImageSize = SIZE) -> SparseView:
    """Four colours in most pixels; the last three colours are never seen."""
    rng = np.random.default_rng(seed)
    pixels = np.flatnonzero(rng.random(size.height * size.width) < 0.8).astype(np.int32)
    columns = np.stack([rng.permutation(COLOURS - UNSEEN)[:4] for _ in pixels]).astype(np.int32)
    weights = rng.random(columns.shape, dtype=np.float32)
    weights /= weights.sum(1, keepdims=True) * (1 + rng.random((len(pixels), 1), dtype=np.float32))
    starts = np.arange(len(pixels) + 1, dtype=np.int64) * 4
    return SparseView(size, COLOURS, pixels, Csr(starts, columns.ravel(), weights.ravel()))


def table(seed: int, dtype: torch.dtype = torch.float64) -> torch.Tensor:
    return torch.rand(COLOURS, 3, generator=torch.Generator().manual_seed(seed), dtype=dtype)


VIEWS = [view(0), view(1)]


def loss(colours, images, weights=None) -> float:
    weights = weights or [1.0] * len(VIEWS)
    return sum(float((w * (v.apply(colours) - i) ** 2).sum()) for v, i, w in zip(VIEWS, images, weights))


@pytest.mark.parametrize(("dtype", "error"), [(torch.float64, 1e-9), (torch.float32, 2e-4)])
def test_what_was_rendered_is_recovered_and_what_nobody_sees_stays(dtype, error) -> None:
    truth, start = table(0, dtype), table(1, dtype)
    solved = bake(VIEWS, [v.apply(truth) for v in VIEWS], start, EXACT)
    assert solved.dtype == dtype
    assert (solved - truth)[:-UNSEEN].abs().max() < error
    assert torch.equal(solved[-UNSEEN:], start[-UNSEEN:])


def test_the_background_is_taken_off() -> None:
    truth, background = table(0), torch.tensor([0.2, 0.9, 0.4], dtype=torch.float64)
    images = [v.render(truth, background) for v in VIEWS]
    solved = bake(VIEWS, images, table(1), EXACT, background=background)
    assert (solved - truth)[:-UNSEEN].abs().max() < 1e-9


def test_a_picture_is_baked_into_itself() -> None:
    size = ImageSize(3, 4)
    picture = torch.rand(*size, 3, generator=torch.Generator().manual_seed(0))
    solved = bake([IdentityView(size)], [picture], torch.zeros(12, 3), SolveOptions(damping=0.0))
    assert torch.allclose(solved, picture.reshape(-1, 3), atol=1e-6)


def test_it_is_the_least_squares_solution_with_damping_and_weights() -> None:
    rng = torch.Generator().manual_seed(5)
    images = [torch.rand(*v.size, 3, generator=rng, dtype=torch.float64) for v in VIEWS]
    weights = [torch.rand(*v.size, 1, generator=rng, dtype=torch.float64) for v in VIEWS]
    start, damping = table(2), 0.3
    solved = bake(VIEWS, images, start, SolveOptions(damping, 200, 1e-13), weights)
    eye = torch.eye(COLOURS, dtype=torch.float64)
    rows = [v.apply(eye).reshape(-1, COLOURS) * w.reshape(-1, 1).sqrt() for v, w in zip(VIEWS, weights)]
    sides = [i.reshape(-1, 3) * w.reshape(-1, 1).sqrt() for i, w in zip(images, weights)]
    matrix = torch.cat([*rows, damping**0.5 * eye])
    side = torch.cat([*sides, damping**0.5 * start])
    exact = torch.linalg.lstsq(matrix, side).solution
    assert (solved - exact).abs().max() < 1e-9


def test_the_misfit_falls_with_every_iteration() -> None:
    rng = torch.Generator().manual_seed(3)
    images = [torch.rand(*v.size, 3, generator=rng, dtype=torch.float64) for v in VIEWS]
    misfits = [
        loss(bake(VIEWS, images, table(1), SolveOptions(0.0, k, 0.0)), images) for k in (0, 1, 2, 4, 8, 16)
    ]
    assert misfits == sorted(misfits, reverse=True)
    assert misfits[0] == loss(table(1), images)


def test_it_stops_early_and_tells_how_far_it_is() -> None:
    told: list[tuple[int, int]] = []
    truth = table(0)
    options = SolveOptions(0.0, 500, 1e-3)
    bake(VIEWS, [v.apply(truth) for v in VIEWS], table(1), options, progress=lambda *a: told.append(a))
    assert told[0] == (1, 500)
    assert len(told) < 30


def test_a_start_that_fits_is_returned_as_it_is() -> None:
    truth = table(0)
    assert torch.equal(bake(VIEWS, [v.apply(truth) for v in VIEWS], truth), truth)


def test_pixels_of_weight_zero_have_no_say() -> None:
    truth, start = table(0), table(1)
    images = [VIEWS[0].apply(truth), torch.full((*VIEWS[1].size, 3), 9.0)]
    weights = [torch.ones(*VIEWS[0].size, 1), torch.zeros(*VIEWS[1].size, 1)]
    solved = bake(VIEWS, images, start, EXACT, weights)
    assert (solved - truth)[:-UNSEEN].abs().max() < 1e-8


def test_views_may_be_made_when_they_are_asked_for() -> None:
    class Lazy(list):
        def __getitem__(self, index):
            return view(list.__getitem__(self, index))

    truth = table(0)
    images = [v.apply(truth) for v in VIEWS]
    assert torch.equal(bake(Lazy([0, 1]), images, table(1)), bake(VIEWS, images, table(1)))
