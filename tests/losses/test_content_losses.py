"""Self-similarity, Laplacian and edges: what they keep of a content, and what they let go."""

from __future__ import annotations

import pytest
import torch

from nst3d.errors import ConfigError
from nst3d.losses import IMAGE, EdgesLoss, LaplacianLoss, Observation, SelfSimilarityLoss
from nst3d.losses.content import check_shape
from nst3d.losses.edges import edge_loss, structure
from nst3d.losses.laplacian import laplacian, laplacian_loss
from nst3d.losses.pooled import pool_sizes
from nst3d.losses.self_similarity import self_distances, self_similarity_loss

UNIT = 8 / 255


def noise(*shape: int, seed: int = 0, dtype=torch.float64) -> torch.Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def ramp(size: int = 12) -> torch.Tensor:
    """A grey ramp from left to right, (3, size, size)."""
    return torch.linspace(0, 1, size).double().expand(3, size, size)


def test_self_distances_by_hand() -> None:
    rows = torch.tensor([[1.0, 0], [0, 2], [3, 4]])
    # Cosines: 0, 0.6 and 0.8.
    wanted = torch.tensor([[0, 1, 0.4], [1, 0, 0.2], [0.4, 0.2, 0]])
    torch.testing.assert_close(self_distances(rows), wanted / wanted.sum(0))
    alike = torch.ones(2, 3)
    torch.testing.assert_close(self_distances(alike), torch.zeros(2, 2), atol=0.05, rtol=0)


def test_self_similarity_by_hand() -> None:
    ours, target = torch.tensor([[1.0, 0], [0, 2], [3, 4]]), torch.tensor([[1.0, 0], [0, 1], [1, 0]])
    # Columns of the target: (0, 1, 0), (1/2, 0, 1/2), (0, 1, 0).
    columns = [1 - 1 / 1.4 + 0.4 / 1.4, 1 / 1.2 - 0.5 + 0.5 - 0.2 / 1.2, 0.4 / 0.6 + 1 - 0.2 / 0.6]
    assert self_similarity_loss(ours, target) == pytest.approx(sum(columns) / 3)


def test_self_similarity_sees_neither_rotation_nor_length_of_features() -> None:
    ours, target = noise(20, 6), noise(20, 6, seed=1)
    turn = torch.linalg.qr(noise(6, 6, seed=2) - 0.5).Q
    wanted = self_similarity_loss(ours, target)
    torch.testing.assert_close(self_similarity_loss(ours @ turn, target), wanted)
    torch.testing.assert_close(self_similarity_loss(ours * 7, target), wanted)
    torch.testing.assert_close(self_similarity_loss(ours * (0.5 + noise(20, 1, seed=3)), target), wanted)
    assert self_similarity_loss(target @ turn, target) == pytest.approx(0, abs=1e-12)
    assert self_similarity_loss(target.flip(0), target) > 0.1


def test_self_similarity_draws_places_by_the_generator() -> None:
    loss = SelfSimilarityLoss({0: {"a": noise(4, 9, 9)}}, ("a",), positions=10)
    ours = noise(4, 9, 9, seed=1)
    one, again, other = (
        loss(Observation({"a": ours}, generator=lambda s=s: torch.Generator().manual_seed(s)))
        for s in (1, 1, 2)
    )
    assert one == again != other


def test_laplacian_by_hand() -> None:
    dot = torch.zeros(1, 3, 3)
    dot[0, 1, 1] = 1
    assert laplacian(dot, 1).tolist() == [[[-4]]]
    assert laplacian(dot.repeat_interleave(2, 1).repeat_interleave(2, 2), 2).tolist() == [[[-4]]]
    flat = torch.zeros(3, 3, 3)
    ours = dot.expand(3, 3, 3)
    assert laplacian_loss(ours, flat, 1) == pytest.approx(3 * 16 / (3 * UNIT**2))
    assert laplacian_loss(flat, ours, 1) == pytest.approx(16 / (16 + UNIT**2))


def test_laplacian_sees_neither_a_constant_nor_a_ramp() -> None:
    ours, target = noise(3, 12, 12), noise(3, 12, 12, seed=1)
    moved = ours + torch.tensor([0.3, -0.2, 0.1])[:, None, None] + ramp() * 0.5
    for pool in (1, 4):
        wanted = laplacian_loss(ours, target, pool)
        torch.testing.assert_close(laplacian_loss(moved, target, pool), wanted)
        assert wanted > 0.1


def test_structure_by_hand() -> None:
    """A ramp of slope 1 / 11 in three channels."""
    slope = torch.tensor([3 / 121, 0, 0]).double()
    torch.testing.assert_close(structure(ramp(), 1)[:, 0, 0], slope)
    torch.testing.assert_close(structure(ramp().transpose(1, 2), 1)[:, 0, 0], slope[[1, 0, 2]])
    turned = (ramp() + ramp().transpose(1, 2)) / 2
    assert structure(turned, 1)[:, 0, 0].norm() == pytest.approx(3 * 2 / (4 * 121))


def test_edges_are_the_squared_sine_between_gradients() -> None:
    down = ramp().transpose(1, 2)
    assert edge_loss(down, ramp()) == pytest.approx(1, abs=1e-3)
    assert edge_loss((ramp() + down) / 2, ramp()) == pytest.approx(0.5, abs=1e-3)
    assert edge_loss(torch.zeros(3, 12, 12).double(), ramp()) == pytest.approx(1, abs=1e-2)


def test_edges_see_neither_a_constant_nor_contrast_nor_its_sign() -> None:
    ours, target = noise(3, 12, 12), noise(3, 12, 12, seed=1)
    wanted = edge_loss(ours, target)
    assert wanted > 0.05
    torch.testing.assert_close(edge_loss(ours + 0.3, target), wanted)
    torch.testing.assert_close(edge_loss(1 - ours, target), wanted)
    assert edge_loss(ours / 3, target) == pytest.approx(float(wanted), rel=1e-2)


def test_where_the_content_is_flat_edges_ask_for_nothing() -> None:
    half = ramp(24).clone()
    half[:, :, 12:] = half[:, :, 11:12]
    painted = half.clone()
    painted[:, :, 16:] += noise(3, 24, 8)
    assert edge_loss(painted, half) == pytest.approx(0, abs=1e-12)
    flat = torch.full((3, 12, 12), 0.5).double()
    assert edge_loss(noise(3, 12, 12), flat) == 0


@pytest.mark.parametrize("kind", [LaplacianLoss, EdgesLoss])
def test_silhouettes_do_not_count(kind) -> None:
    """What lies outside of a mask, be it content's or view's, changes nothing."""
    ours, target = noise(3, 24, 24), noise(3, 24, 24, seed=1)
    mask = torch.zeros(24, 24)
    mask[3:21, 4:22] = 1
    losses = []
    for outside in (0.0, 1.0):
        seen, kept = (torch.where(mask > 0, f, outside) for f in (ours, target))
        losses.append(kind({0: {IMAGE: kept}}, pools=(2,))(Observation({IMAGE: seen}, {IMAGE: mask})))
    assert losses[0] == losses[1] > 0


@pytest.mark.parametrize("kind", [LaplacianLoss, EdgesLoss])
def test_views_smaller_than_a_window_cost_nothing(kind) -> None:
    target = noise(3, 24, 24)
    assert kind({0: {IMAGE: target}}, pools=(16,))(Observation({IMAGE: noise(3, 24, 24, seed=1)})) == 0
    with pytest.raises(ConfigError, match=r"pools is \[0\]: expected sizes"):
        kind({}, pools=(0,))


def test_another_size_than_the_content_s_is_an_error() -> None:
    check_shape(0, "a", torch.zeros(2, 3, 3), torch.ones(2, 3, 3))
    wrong = Observation({"a": torch.zeros(2, 2, 2), IMAGE: torch.zeros(3, 9, 9)})
    kept = {0: {"a": torch.zeros(2, 3, 3), IMAGE: torch.zeros(3, 8, 9)}}
    for loss in (SelfSimilarityLoss(kept, ("a",)), LaplacianLoss(kept), EdgesLoss(kept)):
        with pytest.raises(ConfigError, match="render both at one size"):
            loss(wrong)
    with pytest.raises(ConfigError, match="positions is 1: expected a number of 2 or more"):
        SelfSimilarityLoss(kept, ("a",), positions=1)


@pytest.mark.parametrize("value", [0, [4, 0], "four", 2.5, [], None])
def test_pools_that_are_no_sizes(value) -> None:
    with pytest.raises(
        ConfigError, match=r"term edges: pools is .*: expected sizes of 1 or more pixels, such as"
    ):
        pool_sizes(value, "edges")


def test_pools_from_the_command_line() -> None:
    assert pool_sizes("4,16", "laplacian") == pool_sizes([4, 16], "laplacian") == (4, 16)
    assert pool_sizes(8, "laplacian") == (8,)
