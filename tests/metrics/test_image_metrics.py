"""PSNR and SSIM: values known by hand, invariances, and refusals."""

from __future__ import annotations

import numpy as np
import pytest
from small_meshes import noise

from nst3d.metrics.image import grey_ssim, psnr, ssim, ssim_map


def test_psnr_by_hand() -> None:
    black = np.zeros((4, 5, 3))
    assert psnr(black, black + 0.1) == pytest.approx(20)
    assert psnr(black, black + 1) == pytest.approx(0)
    assert psnr(black, black) == pytest.approx(120)


def test_ssim_of_equal_pictures_is_one_and_of_unrelated_ones_is_little() -> None:
    a, b = noise(40, 30, 3, seed=1), noise(40, 30, 3, seed=2)
    assert ssim(a, a) == pytest.approx(1, abs=1e-12)
    assert abs(ssim(a, b)) < 0.1
    assert ssim(a, b) == ssim(b, a)


def test_ssim_of_flat_pictures_is_its_luminance_term() -> None:
    a, b = np.full((11, 13, 3), 0.4), np.full((11, 13, 3), 0.6)
    expected = (2 * 0.24 + 1e-4) / (0.16 + 0.36 + 1e-4)
    assert ssim(a, b) == pytest.approx(expected, rel=1e-9)


def test_ssim_is_that_of_the_window_written_out() -> None:
    a, b = noise(14, 12, 1, seed=1).astype(float), noise(14, 12, 1, seed=2).astype(float)
    offsets = np.arange(-5, 6)
    window = np.exp(-(offsets[:, None] ** 2 + offsets**2) / 4.5)
    window /= window.sum()
    found = []
    for y in range(4):
        for x in range(2):
            p, q = a[y : y + 11, x : x + 11, 0], b[y : y + 11, x : x + 11, 0]
            mp, mq = (window * p).sum(), (window * q).sum()
            vp, vq = (window * (p - mp) ** 2).sum(), (window * (q - mq) ** 2).sum()
            cov = (window * (p - mp) * (q - mq)).sum()
            found.append(
                (2 * mp * mq + 1e-4) * (2 * cov + 9e-4) / ((mp**2 + mq**2 + 1e-4) * (vp + vq + 9e-4))
            )
    assert ssim(a, b) == pytest.approx(np.mean(found), rel=1e-9)


@pytest.mark.parametrize("shapes", [((10, 20, 3), (10, 20, 3)), ((20, 20, 3), (20, 21, 3))])
def test_ssim_refuses_small_pictures_and_different_shapes(shapes) -> None:
    with pytest.raises(ValueError, match="SSIM"):
        ssim(*(np.zeros(s) for s in shapes))


def test_grey_ssim_leaves_colours_out_and_sees_only_the_mask() -> None:
    own = np.random.default_rng(0).random((40, 40, 3))
    turned = own + 0.1 * np.array([1, 0, -0.2126 / 0.0722])  # of the same luma
    assert grey_ssim(own, own) == pytest.approx(1)
    assert grey_ssim(turned, own) == pytest.approx(1)
    assert ssim(turned, own) < 0.99
    mask, spoilt = np.zeros((40, 40)), own.copy()
    mask[:, :20], spoilt[:, 26:] = 1, 0
    assert grey_ssim(spoilt, own, mask) == pytest.approx(1)
    assert grey_ssim(spoilt, own) < 0.7
    assert grey_ssim(own, own, 0 * mask) is None


def test_the_map_of_ssim_has_its_mean() -> None:
    own, other = (np.random.default_rng(seed).random((30, 25, 3)) for seed in (0, 1))
    found = ssim_map(own, other)
    assert found.shape == (20, 15, 3)
    assert found.mean() == pytest.approx(ssim(own, other))
