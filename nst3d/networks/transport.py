"""Moves features from one set's statistics to another's: AdaIN, and the Monge map between Gaussians.

Statistics are pooled over all views of a scene, so every view gets the same map: what two views show of one point
moves alike.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch

from nst3d.tensors import Features, Mask

_FLOOR = 1e-3
"""Variance added to all channels of the content, relative to their mean: directions in which a scene has no detail
would otherwise amplify noise to a style's strength."""


@dataclass(frozen=True)
class Statistics:
    """Mean and covariance of features."""

    mean: torch.Tensor
    """(c,) float64."""
    covariance: torch.Tensor
    """(c, c) float64."""


@dataclass(frozen=True)
class AffineMap:
    """x → matrix · (x − source) + target, for each position."""

    matrix: torch.Tensor
    """(c, c)."""
    source: torch.Tensor
    """(c,)."""
    target: torch.Tensor
    """(c,)."""

    def __call__(self, features: Features) -> Features:
        """The moved features (c, h, w), in their dtype."""
        rows = features.flatten(1)
        # Centred in float32: what hardly varies is amplified, and so would be the rounding of its mean.
        centred = (rows.float() - self.source.to(rows.device, torch.float32)[:, None]).to(rows)
        matrix, target = self.matrix.to(rows), self.target.to(rows)
        return Features(torch.addmm(target[:, None], matrix, centred).reshape(features.shape))


def pooled_statistics(views: Iterable[tuple[Features, Mask | None]]) -> Statistics:
    """The statistics of features (c, h, w) over all positions of all views, each weighted by a mask (h, w).

    Masks may have a finer size: they are averaged. None: all positions count alike. ValueError if nothing counts.
    """
    count = torch.zeros((), dtype=torch.float64)
    total, square = None, None
    for features, mask in views:
        rows = features.flatten(1).float()
        weights = _weights(features, mask)
        weighted = rows * weights
        sums, products = weighted.double().sum(1), (weighted @ rows.T).double()
        total = sums if total is None else total + sums
        square = products if square is None else square + products
        count = count + weights.double().sum().cpu()
    if total is None or square is None or float(count) == 0:
        raise ValueError("no position of any view counts")
    mean = total / float(count)
    return Statistics(mean, square / float(count) - mean[:, None] * mean)


def blended(statistics: Sequence[Statistics], weights: Sequence[float]) -> Statistics:
    """The statistics of several styles mixed with weights, as if each covered its share of one picture's area."""
    shares = [w / sum(weights) for w in weights]
    mean = sum((s.mean * w for s, w in zip(statistics, shares)), torch.zeros_like(statistics[0].mean))
    second = [s.covariance + s.mean[:, None] * s.mean for s in statistics]
    square = sum((m * w for m, w in zip(second, shares)), torch.zeros_like(second[0]))
    return Statistics(mean, square - mean[:, None] * mean)


def adain(content: Statistics, style: Statistics, floor: float = _FLOOR) -> AffineMap:
    """The map that gives each channel the style's mean and variance (Huang & Belongie 2017, equation 8).

    `floor`, relative to the mean variance, is added to all variances of both.
    """
    before, after = (
        (variances + floor * variances.mean()).clamp_min(1e-12)
        for variances in (content.covariance.diagonal(), style.covariance.diagonal())
    )
    return AffineMap(torch.diag((after / before).sqrt()), content.mean, style.mean)


def monge_map(content: Statistics, style: Statistics, floor: float = _FLOOR) -> AffineMap:
    """The optimal transport between two Gaussians: of all maps that take one to the other, the one that moves least.

    A = C^(-1/2) (C^(1/2) S C^(1/2))^(1/2) C^(-1/2), Lu et al. 2019 ("A closed-form solution to universal style
    transfer", equation 9). `floor`, relative to the mean variance, is added to both covariances.
    """
    eye = torch.eye(len(content.mean), dtype=torch.float64, device=content.mean.device)
    source, target = (
        s.covariance + floor * s.covariance.diagonal().mean().clamp_min(1e-12) * eye for s in (content, style)
    )
    root, inverse = _power(source, 0.5), _power(source, -0.5)
    matrix = inverse @ _power(root @ target @ root, 0.5) @ inverse
    return AffineMap(matrix, content.mean, style.mean)


def whitening(statistics: Statistics, floor: float = _FLOOR) -> torch.Tensor:
    """The symmetric matrix (c, c) after which features have unit covariance; `floor` as in `monge_map`."""
    variance = statistics.covariance.diagonal().mean().clamp_min(1e-12)
    eye = torch.eye(len(statistics.mean), dtype=torch.float64, device=statistics.mean.device)
    return _power(statistics.covariance + floor * variance * eye, -0.5)


def _power(matrix: torch.Tensor, exponent: float) -> torch.Tensor:
    """A power of a symmetric positive matrix."""
    values, vectors = torch.linalg.eigh(matrix)
    values = values.clamp_min(1e-12 * values.max().clamp_min(1e-30))
    return (vectors * values**exponent) @ vectors.T


def _weights(features: Features, mask: Mask | None) -> torch.Tensor:
    """(1, h·w) float32."""
    height, width = features.shape[1:]
    if mask is None:
        return torch.ones(1, height * width, device=features.device)
    small = torch.nn.functional.adaptive_avg_pool2d(mask[None, None].float(), (height, width))
    return small.reshape(1, -1).to(features.device)
