"""Covariance loss: the Wasserstein-2 distance between Gaussians, after Mroueh 2020, "Wasserstein style transfer"."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple, final

import torch

from nst3d.bounds import Within
from nst3d.errors import ConfigError
from nst3d.losses.base import Loss, Normalise, check_normalise, precise
from nst3d.losses.gram import gram_matrix
from nst3d.losses.observation import Observation
from nst3d.losses.registry import LossInputs, register_loss
from nst3d.losses.rows import covered_rows
from nst3d.tensors import Features

_LEAST = 1e-4
"""Added to the variance of each direction, as a share of the style's mean variance, so that slopes stay finite."""


class Gaussian(NamedTuple):
    """A style's mean and covariance, in the basis of its own principal directions."""

    mean: torch.Tensor
    """(c,) mean."""
    directions: torch.Tensor
    """(c, k) orthonormal principal directions."""
    variances: torch.Tensor
    """(k,) float64: variances along them."""
    rest: torch.Tensor
    """() float64: the summed variance of all other directions."""
    least: torch.Tensor
    """() float64: what is added to the variance of each direction."""

    @staticmethod
    def of(features: Features, directions: int) -> Gaussian:
        """Fitted to features (c, h, w), with at most that many principal directions."""
        rows = precise(covered_rows(features.detach()))
        mean = rows.mean(0)
        variances, basis = torch.linalg.eigh((rows - mean).T @ (rows - mean) / len(rows))
        variances = variances.double().clamp_min(0)
        least = _LEAST * variances.mean() + 1e-12
        return Gaussian(
            mean, basis[:, -directions:], variances[-directions:], variances[:-directions].sum(), least
        )

    @property
    def power(self) -> torch.Tensor:
        """The mean square length of the features, ()."""
        return self.mean.double().square().sum() + self.variances.sum() + self.rest


def wasserstein(rows: torch.Tensor, style: Gaussian) -> torch.Tensor:
    """The squared Wasserstein-2 distance between Gaussians fitted to `rows` (n, c) and to a style.

    |m - mₛ|² + tr(C + Cₛ - 2 (Cₛ^½ C Cₛ^½)^½) along the style's principal directions. All other directions are taken
    together, as if their variance were the same in each: (√t - √tₛ)² for their summed variances t. So it is exact for
    as many directions as channels, and never needs a root of a large matrix. Returns a scalar, at least float32.
    """
    centred = rows - style.mean.to(rows.dtype)  # small numbers keep their precision in sums of products
    shift = centred.sum(0, dtype=style.mean.dtype) / len(rows)
    square = gram_matrix(Features(centred.T[:, None])) / len(rows)
    covariance = square - torch.outer(shift, shift)
    inside = (style.directions.T @ covariance @ style.directions).double()
    inside = inside + style.least * torch.eye(len(inside), dtype=inside.dtype, device=inside.device)
    variances = style.variances + style.least
    distance = inside.trace() + variances.sum() - 2 * _RootTrace.apply(inside, variances)
    others = len(style.mean) - len(variances)
    if others:
        extra = others * style.least
        spread = (covariance.trace().double() - inside.trace() + len(inside) * style.least).clamp_min(0)
        distance = distance + ((spread + extra).sqrt() - (style.rest + extra).sqrt()).square()
    return shift.square().sum() + distance.to(shift.dtype)


class _RootTrace(torch.autograd.Function):
    """tr (D C D)^½ of a covariance C (k, k) and D² = diag(variances).

    Its gradient ½ D (D C D)^-½ D, the half of the optimal transport map, has no differences of eigenvalues in a
    denominator, as that of an eigendecomposition would.
    """

    @staticmethod
    def forward(ctx: Any, covariance: torch.Tensor, variances: torch.Tensor) -> torch.Tensor:
        scale = variances.sqrt()
        values, vectors = torch.linalg.eigh(scale[:, None] * covariance * scale)
        roots = values.clamp_min(variances.min().square() * 1e-6).sqrt()
        ctx.save_for_backward(scale[:, None] * vectors, roots)
        return roots.sum()

    @staticmethod
    def backward(ctx: Any, *grads: torch.Tensor) -> tuple[torch.Tensor, None]:
        vectors, roots = ctx.saved_tensors
        return (vectors / roots) @ vectors.T * (grads[0] / 2), None


@final
class CovarianceLoss(Loss):
    """The Wasserstein-2 distance between Gaussians fitted to a view and to a style, summed over layers.

    Like the Gram matrix it sees which features occur together, but in units of the features, not of their squares:
    what is faint in the style counts in proportion. Neither where things are nor a rotation of features counts.
    """

    def __init__(
        self, style: Mapping[str, Features], directions: int = 128, normalise: Normalise = "relative"
    ) -> None:
        """Bind the style's features, layer to (c, h, w). `directions` is the k of `Gaussian`.

        "gatys" and "mean" divide by the number of channels; "relative" by the style's mean square length.
        """
        super().__init__()
        check_normalise(normalise)
        if directions < 1:
            raise ConfigError(f"directions is {directions}: expected a number of 1 or more")
        self.layers = tuple(style)
        self.normalise: Normalise = normalise
        self.targets = {k: Gaussian.of(f, directions) for k, f in style.items()}

    def forward(self, observation: Observation) -> torch.Tensor:
        """The sum over layers, a scalar; layers in which nothing is covered count 0."""
        losses = []
        for layer, target in self.targets.items():
            rows = covered_rows(observation.features[layer], observation.mask(layer))
            if not len(rows):
                losses.append(precise(rows).sum())
                continue
            relative = self.normalise == "relative"
            unit = target.power if relative else torch.tensor(float(rows.shape[1]))
            distance = wasserstein(rows, target)
            losses.append(distance / unit.to(distance).clamp_min(torch.finfo(distance.dtype).tiny))
        return torch.stack(losses).sum()


def _make(inputs: LossInputs) -> Loss:
    return CovarianceLoss(inputs.styles(inputs.layers), inputs.options["directions"], inputs.normalise)


register_loss(
    "covariance",
    _make,
    ("relu1_1", "relu2_1", "relu3_1", "relu4_1"),
    {"directions": 128},
    bounds={"directions": Within(1, 65536)},
)
