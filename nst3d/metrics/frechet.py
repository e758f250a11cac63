"""Fréchet distances of two sets of pictures or of two pictures: FID, ArtFID and SIFID."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F

from nst3d.features.inception import Inception
from nst3d.tensors import Array


class Gaussian(NamedTuple):
    """A normal distribution in c dimensions."""

    mean: Array
    """(c,) float64."""
    factor: Array
    """(k, c) float64, of which factorᵀ · factor is the covariance; k may be smaller than c."""

    @property
    def variance(self) -> float:
        """The trace of the covariance."""
        return float(np.square(self.factor).sum())


def gaussian(rows: Array) -> Gaussian:
    """The mean and the unbiased covariance of rows (n, c). ValueError for fewer than two rows, or none finite."""
    rows = np.asarray(rows, np.float64)
    if rows.ndim != 2 or len(rows) < 2:
        raise ValueError(f"a covariance needs two rows (n, c) or more, not {rows.shape}")
    if not np.isfinite(rows).all():
        raise ValueError("activations must be finite")
    mean = rows.mean(0)
    factor = (rows - mean) / np.sqrt(len(rows) - 1)
    if len(factor) > factor.shape[1]:
        # It has the same covariance, in no more rows than there are columns. (torch's is several times as fast.)
        factor = torch.linalg.qr(torch.from_numpy(factor), mode="r").R.numpy()
    return Gaussian(mean, factor)


def gaussian_of(mean: Array, covariance: Array) -> Gaussian:
    """The Gaussian of a mean (c,) and a symmetric covariance (c, c), whose negative eigenvalues count as 0."""
    values, vectors = np.linalg.eigh(np.asarray(covariance, np.float64))
    return Gaussian(np.asarray(mean, np.float64), np.sqrt(np.maximum(values, 0))[:, None] * vectors.T)


def frechet_distance(one: Gaussian, other: Gaussian) -> float:
    """|μ₁ - μ₂|² + tr(Σ₁ + Σ₂ - 2 (Σ₁ Σ₂)^½): the squared 2-Wasserstein distance; 0 or more, symmetric.

    The trace of the root is the sum of the singular values of F₁ F₂ᵀ, where Σ = FᵀF: no root of an asymmetric matrix,
    no complex numbers, and exact for covariances without full rank. ValueError for distributions of different
    dimensions.
    """
    if one.mean.shape != other.mean.shape:
        raise ValueError(f"Gaussians of {len(one.mean)} and {len(other.mean)} dimensions cannot be compared")
    root = float(torch.linalg.svdvals(torch.from_numpy(one.factor @ other.factor.T)).sum())
    shift = float(np.square(one.mean - other.mean).sum())
    return shift + max(one.variance + other.variance - 2 * root, 0.0)


def inception_activations(network: Inception, pictures: Iterable[Array]) -> Array:
    """The mean features (n, 2048) of pictures (h, w, 3) in [0, 1], of any sizes. ValueError if there are none."""
    rows = [network.pooled(_batch(picture))[0].double().numpy() for picture in pictures]
    if not rows:
        raise ValueError("there are no pictures")
    return np.stack(rows)


def fid(activations: Array, others: Array) -> float:
    """The Fréchet inception distance of two sets of activations (n, c) and (m, c); two rows or more each.

    It is biased upwards for few pictures, by more the fewer they are: compare only sets of the same numbers.
    """
    return frechet_distance(gaussian(activations), gaussian(others))


def art_fid(lpips: float, fid: float) -> float:
    """(1 + LPIPS) (1 + FID): LPIPS ("alex") between content and painting, FID between paintings and styles; 1 is best.

    Wright & Ommer 2022, "ArtFID: quantitative evaluation of neural style transfer", whose FID is that of the Inception
    "inception-art". ValueError for negative distances.
    """
    if min(lpips, fid) < 0:
        raise ValueError(f"distances must be 0 or more, not {lpips} and {fid}")
    return (1 + lpips) * (1 + fid)


def sifid(
    network: Inception, one: Array, other: Array, masks: tuple[Array | None, Array | None] = (None, None)
) -> float:
    """The single-image FID of pictures (h, w, 3): between their features before Inception's second pool.

    Shaham et al. 2019, "SinGAN", whose published code uses "inception-torchvision" on pictures as they are. Each
    position is a row; with a mask (h, w), those of which more than half is covered. ValueError for fewer than two.
    """
    rows = [_early(network, picture, mask) for picture, mask in zip((one, other), masks)]
    return fid(*rows)


def _early(network: Inception, picture: Array, mask: Array | None) -> Array:
    features = network.early(_batch(picture))[0]
    rows = features.flatten(1).T.double().numpy()
    if mask is None:
        return rows
    height, width = features.shape[1:]
    small = F.adaptive_avg_pool2d(torch.from_numpy(mask[None, None].astype(np.float32)), (height, width))
    return rows[small.numpy().ravel() > 0.5]


def _batch(picture: Array) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(picture.transpose(2, 0, 1)[None], np.float32))
