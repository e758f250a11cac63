"""Views kept as samples: the same linear map as their matrix, however it is multiplied."""

from __future__ import annotations

import numba
import numpy as np
import pytest
import torch

from nst3d.operators import dot_test
from nst3d.operators.matrix_free import MatrixFreeView, Samples, quantised
from nst3d.tensors import ImageSize

SIZE = ImageSize(7, 11)
COLOURS = 40


def view(holes: float = 0.3, seed: int = 0) -> MatrixFreeView:
    """Up to five samples a pixel in 15 cells, of whose corners a share is missing, but never all."""
    rng = np.random.default_rng(seed)
    counts = rng.integers(0, 6, SIZE.height * SIZE.width)
    total = int(counts.sum())
    corners = rng.integers(0, COLOURS, (15, 8)).astype(np.int32)
    missing = rng.random(corners.shape) < holes
    missing[:, 3] = False
    corners[missing] = -1
    return MatrixFreeView(
        SIZE,
        COLOURS,
        Samples(
            np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
            rng.integers(0, 15, total).astype(np.int32),
            quantised(rng.random((total, 3))),
            (rng.random(total) / 5).astype(np.float32),
            corners,
        ),
    )


def random(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def naive(v: MatrixFreeView) -> torch.Tensor:
    """The matrix (pixels, colours), sample by sample."""
    s, matrix = v.samples, torch.zeros(SIZE.height * SIZE.width, COLOURS, dtype=torch.float64)
    for pixel in range(len(matrix)):
        for n in range(s.starts[pixel], s.starts[pixel + 1]):
            part, around = s.places[n] / 255, s.corners[s.cells[n]]
            shares = np.array(
                [np.prod(np.where(up, part, 1 - part)) for up in np.ndindex(2, 2, 2)] * (around >= 0)
            )
            shares /= shares.sum()
            for corner, share in zip(around, shares):
                if corner >= 0:
                    matrix[pixel, v.seen[corner]] += float(s.weights[n] * share)
    return matrix


def test_adjoint_is_the_transpose() -> None:
    assert max(dot_test(view(seed=seed), seed) for seed in range(3)) < 1e-12


def test_it_is_the_matrix_sample_by_sample() -> None:
    v, colours = view(), random(COLOURS, 3)
    matrix = naive(v)
    torch.testing.assert_close(v.apply(colours).reshape(-1, 3), matrix @ colours, rtol=0, atol=1e-5)
    image = random(*SIZE, 2)
    torch.testing.assert_close(v.adjoint(image), matrix.T @ image.reshape(-1, 2), rtol=0, atol=1e-5)


def test_superposition() -> None:
    v, a, b = view(), random(COLOURS, 3), random(COLOURS, 3, seed=1)
    torch.testing.assert_close(v.apply(2 * a - 3 * b), 2 * v.apply(a) - 3 * v.apply(b))
    assert v.apply(torch.zeros_like(a)).abs().max() == 0


def test_the_stored_matrix_is_the_same_map() -> None:
    v, colours, image = view(), random(COLOURS, 3), random(*SIZE, 3)
    stored = v.stored()
    torch.testing.assert_close(stored.apply(colours), v.apply(colours), rtol=0, atol=1e-6)
    torch.testing.assert_close(stored.adjoint(image), v.adjoint(image), rtol=0, atol=1e-6)


def test_coverage_is_the_weight_of_the_samples_and_white_stays_white() -> None:
    v = view()
    s = v.samples
    sums = [s.weights[s.starts[p] : s.starts[p + 1]].sum() for p in range(len(s.starts) - 1)]
    np.testing.assert_allclose(v.coverage.ravel(), sums, atol=1e-6)
    assert torch.equal(v.coverage, v.apply(torch.ones(COLOURS, 1)))
    white = v.render(torch.ones(COLOURS, 3), 1.0)
    torch.testing.assert_close(white, torch.ones_like(white), rtol=0, atol=1e-6)


def test_a_sample_on_a_face_without_nodes_takes_the_others() -> None:
    corners = np.full((1, 8), -1, np.int32)
    corners[0, 4:] = [0, 1, 2, 3]
    place = np.zeros((1, 3), np.uint8)  # at x = 0, where corners 0 to 3 would be
    samples = Samples(np.array([0, 1]), np.zeros(1, np.int32), place, np.ones(1, np.float32), corners)
    v = MatrixFreeView(ImageSize(1, 1), 4, samples)
    assert v.apply(torch.eye(4, dtype=torch.float64)).flatten().tolist() == [0.25] * 4


@pytest.mark.parametrize("channels", [1, 2, 5])
def test_any_number_of_channels(channels) -> None:
    v, colours = view(), random(COLOURS, channels)
    expected = torch.cat([v.apply(colours[:, k : k + 1]) for k in range(channels)], dim=-1)
    torch.testing.assert_close(v.apply(colours), expected, rtol=0, atol=1e-15)


def test_threads_change_nothing() -> None:
    if numba.config.NUMBA_NUM_THREADS < 2:
        pytest.skip("numba was started with one thread")
    v, image, results = view(), random(*SIZE, 3).float(), []
    before = numba.get_num_threads()
    for threads in (1, 2):
        numba.set_num_threads(threads)
        results.append((v.apply(random(COLOURS, 3)), v.adjoint(image)))
    numba.set_num_threads(before)
    assert all(torch.equal(a, b) for a, b in zip(*results))
