"""Similarity of two pictures (h, w, c) in [0, 1]."""

from __future__ import annotations

import math

import numpy as np

from nst3d.metrics.gaussian import blurred
from nst3d.metrics.grey import luma
from nst3d.tensors import Array

_SMALLEST_ERROR = 1e-12
SSIM_WINDOW = 11
"""Side of SSIM's window, pixels; no side of a picture may be shorter."""
_SIGMA = 1.5
_K1, _K2 = 0.01, 0.03


def psnr(a: Array, b: Array) -> float:
    """Peak signal-to-noise ratio, −10 log₁₀ of the mean squared error, in dB; 120 for equal pictures."""
    error = float(np.mean((np.asarray(a, np.float64) - b) ** 2))
    return -10 * math.log10(max(error, _SMALLEST_ERROR))


def ssim(a: Array, b: Array) -> float:
    """Mean structural similarity: 1 for equal pictures, about 0 for unrelated ones.

    Gaussian window of 11 pixels with σ = 1.5, which stays within the picture, K = (0.01, 0.03), range 1;
    the mean is over all positions and channels (Wang et al. 2004, eq. 13, applied to each channel). Raises
    ValueError for pictures with a side below 11 pixels, or of different shapes.
    """
    return float(ssim_map(a, b).mean())


def grey_ssim(a: Array, b: Array, mask: Array | None = None) -> float | None:
    """The mean structural similarity of the brightness of two pictures (h, w, 3); see `ssim`.

    With a mask (h, w), over windows around pixels where it is above 0.5; None if there is none. Windows reach 5 pixels
    beyond it.
    """
    found = ssim_map(luma(a)[..., None], luma(b)[..., None])[..., 0]
    if mask is None:
        return float(found.mean())
    margin = SSIM_WINDOW // 2
    inside = np.asarray(mask)[margin:-margin, margin:-margin] > 0.5
    return float(found[inside].mean()) if inside.any() else None


def ssim_map(a: Array, b: Array) -> Array:
    """The structural similarity (h - 10, w - 10, c) of windows around each pixel; see `ssim`."""
    if a.shape != b.shape or min(a.shape[:2]) < SSIM_WINDOW:
        raise ValueError(f"SSIM needs equal shapes of at least 11 x 11 pixels, not {a.shape} and {b.shape}")
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    mean_a, mean_b, aa, bb, ab = (
        blurred(each, _SIGMA, SSIM_WINDOW // 2, beyond=False) for each in (a, b, a * a, b * b, a * b)
    )
    var_a, var_b, covariance = aa - mean_a**2, bb - mean_b**2, ab - mean_a * mean_b
    c1, c2 = _K1**2, _K2**2
    luminance = (2 * mean_a * mean_b + c1) / (mean_a**2 + mean_b**2 + c1)
    structure = (2 * covariance + c2) / (var_a + var_b + c2)
    return luminance * structure
