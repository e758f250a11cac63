"""Colour statistics of a style, and the affine map that transfers them to other colours."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from nst3d.images.colour import LUMA
from nst3d.tensors import Colours


@dataclass(frozen=True)
class PaletteMap:
    """The affine colour map c -> c @ matrix + offset."""

    matrix: torch.Tensor
    """(3, 3) float64."""
    offset: torch.Tensor
    """(3,) float64."""

    def apply(self, colours: Colours) -> Colours:
        """Map colours (…, 3), in their own dtype and on their own device; the result is not clamped.

        Applied to a colour table it changes every view exactly as if it were applied to the view's
        pixels, because a view is a weighted mean of the table's rows.
        """
        return colours @ self.matrix.to(colours) + self.offset.to(colours)


@dataclass(frozen=True)
class Ramp:
    """Colours along a line through a palette's mean: its principal axis, dark to light."""

    mean: torch.Tensor
    """(3,) float64."""
    axis: torch.Tensor
    """(3,) float64, a unit vector that grows with brightness."""
    std: float
    """The palette's standard deviation along the axis."""

    def at(self, t: torch.Tensor) -> Colours:
        """The colours mean + t * std * axis (*shape, 3), clamped to [0, 1], for t of any shape."""
        return (self.mean.to(t) + (t * self.std)[..., None] * self.axis.to(t)).clamp(0, 1)


def match_palette(
    source: Colours,
    target: Colours | None,
    weights: torch.Tensor | None = None,
    max_gain: float = 8.0,
    target_weights: torch.Tensor | None = None,
) -> PaletteMap:
    """The map that gives the source colours the mean and covariance of the target's; None: the one that changes none.

    Source (n, 3), target (m, 3), non-negative `weights` (n,) of the source's rows, (m,) of the target's. Of all such
    maps it is the one that moves colours least: Monge-Kantorovich in closed form (Pitié & Kokaram 2007, "The linear
    Monge-Kantorovitch linear colour mapping"). Deviates from the paper: where the source lacks variance that
    the target has (grey, constant), its small variances are raised until no direction is amplified more than
    `max_gain` times; the covariance then falls short of the target's.
    """
    if target is None:
        return PaletteMap(torch.eye(3, dtype=torch.float64), torch.zeros(3, dtype=torch.float64))
    source_mean, a = statistics(source, weights)
    target_mean, b = statistics(target, target_weights)
    floor = 1e-12
    matrix = _monge_kantorovich(a, b, floor)
    while torch.linalg.matrix_norm(matrix, 2) > max_gain:  # terminates: the norm is at most sqrt(|b| / floor)
        floor *= 2
        matrix = _monge_kantorovich(a, b, floor)
    return PaletteMap(matrix, target_mean - source_mean @ matrix)


def mixtures(colours: Colours, steps: int = 33) -> Colours:
    """What two of the colours (k, 3) mix to, (k (k - 1) / 2 * steps, 3), more of it near the colours themselves.

    A single colour stays alone.
    """
    pairs = torch.combinations(torch.arange(len(colours)), 2)
    if not len(pairs):
        return colours
    t = (1 - torch.linspace(0, torch.pi, steps).cos()) / 2
    one, other = colours[pairs[:, 0], None], colours[pairs[:, 1], None]
    return (one + t[None, :, None].to(colours) * (other - one)).reshape(-1, 3)


def principal_axis_ramp(target: Colours, weights: torch.Tensor | None = None) -> Ramp:
    """The line through the mean colour along which the colours (n, 3) vary most.

    A palette of one colour gets the grey axis with a standard deviation of 0.
    """
    mean, covariance = statistics(target, weights)
    values, vectors = torch.linalg.eigh(covariance)
    std = float(values[-1].clamp_min(0).sqrt())
    if std < 1e-6:
        return Ramp(mean, torch.full((3,), 3**-0.5, dtype=torch.float64), 0.0)
    axis = vectors[:, -1]
    return Ramp(mean, -axis if axis @ axis.new_tensor(LUMA) < 0 else axis, std)


def statistics(colours: Colours, weights: torch.Tensor | None = None) -> tuple[torch.Tensor, torch.Tensor]:
    """Mean (3,) and covariance (3, 3) of colours (n, 3) with `weights` (n,), float64 on the CPU.

    ValueError unless there is a weight above 0.
    """
    rows = colours.detach().reshape(-1, 3).cpu().double()
    share = rows.new_ones(len(rows)) if weights is None else weights.detach().reshape(-1).cpu().double()
    total = share.sum()
    if not total > 0:
        raise ValueError("palette statistics need at least one colour with a weight above 0")
    share = (share / total)[:, None]
    mean = (share * rows).sum(0)
    centred = rows - mean
    return mean, centred.T @ (share * centred)


def _monge_kantorovich(a: torch.Tensor, b: torch.Tensor, floor: float) -> torch.Tensor:
    """The symmetric T >= 0 with T A T = B, where A is `a` with its eigenvalues raised to `floor`."""
    values, vectors = torch.linalg.eigh(a)
    root = values.clamp_min(floor).sqrt()
    a_half = (vectors * root) @ vectors.T
    a_half_inverse = (vectors / root) @ vectors.T
    values, vectors = torch.linalg.eigh(a_half @ b @ a_half)
    middle = (vectors * values.clamp_min(0).sqrt()) @ vectors.T
    return a_half_inverse @ middle @ a_half_inverse
