"""Covariance, histogram and sliced: distances between distributions, by hand, and what they must not depend on."""

from __future__ import annotations

import pytest
import torch

from nst3d.errors import ConfigError
from nst3d.losses import CovarianceLoss, HistogramLoss, Observation, SlicedLoss
from nst3d.losses.covariance import Gaussian, wasserstein
from nst3d.losses.histogram import histogram_loss
from nst3d.losses.quantiles import ascending, in_order, quantiles, rank_distance
from nst3d.losses.rows import rows_at, sampled_positions, spread_positions, take_rows
from nst3d.losses.sliced import random_directions, sliced_loss

DISTRIBUTION_LOSSES = [CovarianceLoss, HistogramLoss, SlicedLoss]


def noise(*shape: int, seed: int = 0, dtype=torch.float64) -> torch.Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def rotation(size: int) -> torch.Tensor:
    return torch.linalg.qr(noise(size, size, seed=9) - 0.5).Q


def seeded(seed: int):
    return lambda: torch.Generator().manual_seed(seed)


def test_quantiles_by_hand() -> None:
    ordered = torch.tensor([[0.0, 1.0, 4.0, 9.0]])
    assert quantiles(ordered, 4) is ordered
    assert quantiles(ordered, 2).tolist() == [[0.5, 6.5]]
    assert quantiles(ordered, 1).tolist() == [[2.5]]
    assert quantiles(ordered, 8)[0, [0, 1, 7]].tolist() == [0, 0.25, 9]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_order_is_that_of_sorting(dtype) -> None:
    values = (noise(3, 50) - 0.5).to(dtype)
    wanted = values.sort(1).values
    assert torch.equal(in_order(values), wanted)
    assert torch.equal(values.gather(1, ascending(values)), wanted)


@pytest.mark.parametrize("coarse", [True, False])
def test_order_of_equal_values(coarse) -> None:
    """Each index once, values in order, and what is equal in none that could show in a picture."""
    values = torch.randn(5, 3000, generator=torch.Generator().manual_seed(0)).relu()
    values[0, 7] = -0.0
    values = values.bfloat16().float() if coarse else values
    order = ascending(values)
    assert torch.equal(order.sort(1).values, torch.arange(3000).expand(5, 3000))
    assert torch.equal(values.gather(1, order), values.sort(1).values)
    equal = order[1, :1000].double()  # more than a third are 0
    assert not values[1, equal.long()].any()
    assert abs(float(torch.corrcoef(torch.stack([equal, torch.arange(1000.0)]))[0, 1])) < 0.1


def test_rank_distance_by_hand() -> None:
    values, ordered = torch.tensor([[5.0, 1.0, 3.0]]), torch.tensor([[0.0, 4.0, 5.0]])
    assert rank_distance(values, ordered) == pytest.approx((1 + 1 + 0) / 3)


def test_sampled_positions_lie_in_the_mask_and_are_drawn_once_each() -> None:
    features, mask = torch.arange(60.0).reshape(1, 6, 10), torch.zeros(6, 10)
    mask[1:4, 2:9] = 1
    assert len(sampled_positions(features, mask, 21, torch.Generator())) == 21
    drawn = sampled_positions(features, mask, 8, torch.Generator().manual_seed(1))
    assert (drawn.diff() > 0).all()
    assert (mask.flatten()[drawn] == 1).all()
    assert rows_at(features, drawn)[:, 0].tolist() == drawn.tolist()
    assert torch.equal(take_rows(torch.eye(4), torch.tensor([3, 0])), torch.eye(4)[[3, 0]])
    assert sampled_positions(features, None, 100, torch.Generator()).tolist() == list(range(60))
    assert spread_positions(9, 0.5).tolist() == [0, 2, 5, 8]
    assert spread_positions(4, 1.0).tolist() == [0, 1, 2, 3]
    assert spread_positions(4, 0.0).tolist() == [0]


def test_wasserstein_of_gaussians_that_commute() -> None:
    """Σ (σ - σₛ)² along common axes, and the squared distance of the means."""
    unit = torch.tensor([[1.0, 1], [1, -1], [-1, 1], [-1, -1]]).double()  # mean 0, covariance 1
    ours, style = unit * torch.tensor([3.0, 1]) + torch.tensor([1.0, 0]), unit * torch.tensor([1.0, 2])
    gaussian = Gaussian.of(style.T[:, None], 2)
    assert wasserstein(ours, gaussian) == pytest.approx((3 - 1) ** 2 + (1 - 2) ** 2 + 1, rel=1e-3)
    turned = Gaussian.of((style @ rotation(2)).T[:, None], 2)
    assert wasserstein(ours @ rotation(2), turned) == pytest.approx(float(wasserstein(ours, gaussian)))
    assert float(gaussian.power) == pytest.approx(5)


def test_wasserstein_of_gaussians_that_do_not_commute() -> None:
    ours, style = noise(50, 3), noise(40, 3, seed=1) @ (rotation(3) * torch.tensor([1.0, 3, 0.5]).double())
    one, other = (torch.cov(rows.T, correction=0) for rows in (ours, style))
    root = torch.linalg.eigh(other)
    half = root.eigenvectors * root.eigenvalues.sqrt() @ root.eigenvectors.T
    cross = torch.linalg.eigvalsh(half @ one @ half).sqrt().sum()
    wanted = (ours.mean(0) - style.mean(0)).square().sum() + one.trace() + other.trace() - 2 * cross
    assert wasserstein(ours, Gaussian.of(style.T[:, None], 3)) == pytest.approx(float(wanted), rel=1e-2)


def test_directions_beyond_the_principal_ones_count_by_their_summed_variance() -> None:
    scales = torch.tensor([5.0, 1, 0.5, 0.5]).double()
    style = (noise(400, 4) - 0.5) * scales
    few, all_of_them = Gaussian.of(style.T[:, None], 2), Gaussian.of(style.T[:, None], 4)
    wider = style * torch.tensor([1.0, 1, 2, 2]).double()
    assert wasserstein(style, few) == pytest.approx(0, abs=1e-12)
    assert wasserstein(wider, few) == pytest.approx(float(wasserstein(wider, all_of_them)), rel=0.1)


def test_more_channels_than_positions_have_finite_slopes() -> None:
    x = noise(40, 2, 4, dtype=torch.float32).requires_grad_()
    CovarianceLoss({"a": noise(40, 3, 3, seed=1, dtype=torch.float32)})(Observation({"a": x})).backward()
    assert torch.isfinite(x.grad).all()
    assert x.grad.abs().max() > 0


def test_histogram_by_hand() -> None:
    rows, ordered = torch.tensor([[5.0, 0], [1, 0], [3, 2]]), torch.tensor([[0.0, 4, 5], [0, 0, 1]])
    assert histogram_loss(rows, ordered, "gatys") == pytest.approx(1 + 1 + 0 + 1)
    assert histogram_loss(rows, ordered, "mean") == pytest.approx(3 / 6)
    assert histogram_loss(rows, ordered, "relative") == pytest.approx(3 / (16 + 25 + 1))


def test_histogram_does_not_see_which_channels_go_together_but_sliced_does() -> None:
    style = noise(4, 6, 5)
    torn = torch.stack([channel.flatten()[torch.randperm(30)].reshape(6, 5) for channel in style])
    assert HistogramLoss({"a": style})(Observation({"a": torn})) == pytest.approx(0, abs=1e-15)
    assert SlicedLoss({"a": style})(Observation({"a": torn})) > 1e-4


def test_sliced_by_hand() -> None:
    rows, style = torch.tensor([[1.0, 0], [0, 1]]), torch.tensor([[0.0, 0], [3, 4]])
    directions = torch.tensor(
        [[1.0, 0.6], [0.0, 0.8]]
    )  # along x: 0, 1 to 0, 3; along the other: 0.6, 0.8 to 0, 5
    wanted = (0 + 4 + 0.36 + 4.2**2) / 4
    assert sliced_loss(rows, style, directions, "mean") == pytest.approx(wanted)
    assert sliced_loss(rows, style, directions) == pytest.approx(wanted / (25 / 4))


def test_random_directions_are_unit_vectors_to_all_sides() -> None:
    directions = random_directions(3, 4000, torch.Generator().manual_seed(0))
    torch.testing.assert_close(directions.norm(dim=0), torch.ones(4000))
    torch.testing.assert_close(directions @ directions.T / 4000, torch.eye(3) / 3, atol=0.02, rtol=0)


def test_sliced_sees_what_gram_matrices_do_not() -> None:
    """Two distributions of one channel with the same second moment."""
    even, rare = torch.ones(1, 1, 4), torch.tensor([[[0.0, 0, 0, 2]]])
    assert SlicedLoss({"a": even})(Observation({"a": rare})) == pytest.approx((1 + 1 + 1 + 1) / 4)


def test_what_is_drawn_depends_on_the_generator_alone() -> None:
    style, ours = noise(6, 20, 20), noise(6, 20, 20, seed=1)
    loss = SlicedLoss({"a": style}, directions=3, positions=50)
    one, again, other = (loss(Observation({"a": ours}, generator=seeded(s))) for s in (1, 1, 2))
    assert one == again != other


@pytest.mark.parametrize("kind", DISTRIBUTION_LOSSES)
def test_where_things_are_does_not_count(kind) -> None:
    style, ours = noise(4, 7, 5), noise(4, 6, 5, seed=1)
    order = torch.randperm(30, generator=torch.Generator().manual_seed(0))
    shuffled = ours.flatten(1)[:, order].reshape(4, 5, 6)
    loss = kind({"a": style})
    torch.testing.assert_close(loss(Observation({"a": ours})), loss(Observation({"a": shuffled})))
    turned = kind({"a": style.transpose(1, 2)})(Observation({"a": ours}))
    torch.testing.assert_close(turned, loss(Observation({"a": ours})), rtol=1e-6, atol=0)


@pytest.mark.parametrize("kind", DISTRIBUTION_LOSSES)
def test_a_style_repeated_is_the_same_style(kind) -> None:
    """Exactly for covariances; by quantiles between the same values otherwise."""
    style, ours = noise(4, 20, 20), noise(4, 20, 20, seed=1) * 2
    once, twice = kind({"a": style}), kind({"a": style.repeat(1, 1, 2)})
    assert twice(Observation({"a": ours})) == pytest.approx(float(once(Observation({"a": ours}))), rel=0.02)


@pytest.mark.parametrize("kind", DISTRIBUTION_LOSSES)
def test_relative_losses_do_not_depend_on_the_encoder_s_unit(kind) -> None:
    style, ours = noise(4, 7, 5), noise(4, 6, 5, seed=1)
    large = kind({"a": style * 60})(Observation({"a": ours * 60}))
    torch.testing.assert_close(large, kind({"a": style})(Observation({"a": ours})), rtol=1e-6, atol=0)


@pytest.mark.parametrize(
    ("make", "named"),
    [
        (lambda f: CovarianceLoss(f, directions=0), "directions is 0"),
        (lambda f: HistogramLoss(f, positions=0), "positions is 0"),
        (lambda f: SlicedLoss(f, directions=0), "directions is 0"),
        (lambda f: SlicedLoss(f, positions=-1), "positions is -1"),
    ],
)
def test_counts_below_one_are_refused(make, named) -> None:
    with pytest.raises(ConfigError, match=f"{named}: expected a number of 1 or more"):
        make({"a": noise(2, 3, 3)})
