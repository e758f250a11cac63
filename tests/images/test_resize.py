from __future__ import annotations

import numpy as np
import pytest
import torch

from nst3d.images.resize import fit_long_side, fitted_size, resize


@pytest.mark.parametrize("mode", ["bilinear", "bicubic"])
@pytest.mark.parametrize("size", [(3, 5), (16, 9), (1, 1)])
def test_a_constant_stays_constant(mode, size) -> None:
    image = torch.full((8, 8, 3), 0.3, dtype=torch.float64)
    torch.testing.assert_close(resize(image, size, mode), torch.full((*size, 3), 0.3, dtype=torch.float64))


def test_reducing_averages_over_the_area() -> None:
    """A fine chequerboard becomes grey; picking pixels would give black or white."""
    board = torch.tensor([[0.0, 1.0], [1.0, 0.0]]).repeat(32, 32)[..., None]
    small = resize(board, (8, 8))[1:-1, 1:-1]
    assert torch.allclose(small, torch.tensor(0.5), atol=0.02)


def test_arrays_and_tensors_agree() -> None:
    image = np.random.default_rng(0).random((9, 12, 3), dtype=np.float32)
    small = resize(image, (4, 5))
    assert isinstance(small, np.ndarray)
    assert small.shape == (4, 5, 3)
    assert np.array_equal(small, resize(torch.from_numpy(image), (4, 5)).numpy())
    assert resize(image, (9, 12)) is image


def test_bicubic_is_clamped() -> None:
    edge = torch.zeros(8, 8, 1)
    edge[:, 4:] = 1
    large = resize(edge, (32, 32), "bicubic")
    assert large.min() == 0
    assert large.max() == 1


def test_gradcheck() -> None:
    image = torch.rand(4, 5, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    assert torch.autograd.gradcheck(lambda x: resize(x, (3, 3)), image.requires_grad_())


def test_long_side() -> None:
    assert fitted_size((100, 200), 50) == (25, 50)
    assert fitted_size((1, 1000), 10) == (1, 10)
    assert fit_long_side(torch.zeros(3, 6, 3), 12).shape == (6, 12, 3)
