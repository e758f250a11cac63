from __future__ import annotations

import pytest
import torch

from nst3d.errors import ConfigError
from nst3d.losses import NNFMLoss, Observation, Search
from nst3d.losses.nnfm import group_layers, nearest, nnfm_loss, style_bank


def noise(*shape: int, seed: int = 0, dtype=torch.float64) -> torch.Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def planes(*vectors: list[float]) -> torch.Tensor:
    """Features one pixel high, a position for each vector."""
    return torch.tensor(vectors).T[:, None, :]


def test_by_hand() -> None:
    loss = NNFMLoss({"a": planes([2.0, 0.0], [0.0, 5.0])})
    view = Observation({"a": planes([1.0, 0.0], [3.0, 4.0])})
    assert loss.match(view)["a"].tolist() == [[0, 1]]
    assert loss(view) == pytest.approx((0 + (1 - 4 / 5)) / 2)


def test_is_the_brute_force_minimum_in_whatever_chunks() -> None:
    ours, style = noise(6, 7, 5), noise(6, 4, 9, seed=1)
    a = torch.nn.functional.normalize(ours.flatten(1), dim=0)
    b = torch.nn.functional.normalize(style.flatten(1), dim=0)
    wanted = (1 - a.T @ b).min(dim=1).values.mean()
    for chunk_bytes in (1, 1000, 1 << 20):
        loss = NNFMLoss({"a": style}, Search(None, chunk_bytes))
        torch.testing.assert_close(loss(Observation({"a": ours})), wanted)


def test_only_directions_count() -> None:
    ours, style = noise(6, 7, 5), noise(6, 4, 9, seed=1)
    loss, brighter = NNFMLoss({"a": style}), NNFMLoss({"a": style * 3})
    wanted = loss(Observation({"a": ours}))
    torch.testing.assert_close(loss(Observation({"a": ours * noise(1, 7, 5, seed=2).add(0.1)})), wanted)
    torch.testing.assert_close(brighter(Observation({"a": ours})), wanted)


def test_the_order_of_positions_does_not_count() -> None:
    ours, style = noise(6, 7, 5), noise(6, 4, 9, seed=1)
    wanted = NNFMLoss({"a": style})(Observation({"a": ours}))
    turned = NNFMLoss({"a": style.flip(1)})(Observation({"a": ours.transpose(1, 2)}))
    torch.testing.assert_close(turned, wanted)


def test_choices_cover_the_mask_only_and_can_be_given_back() -> None:
    ours, style = noise(6, 4, 5), noise(6, 4, 9, seed=1)
    mask = torch.zeros(4, 5)
    mask[1:3, 2:] = 1
    loss = NNFMLoss({"a": style})
    view = Observation({"a": ours}, {"a": mask})
    choices = loss.match(view)
    assert ((choices["a"] >= 0) == (mask > 0)).all()
    assert torch.equal(loss.loss_for(view, choices), loss(view))
    worse = {"a": torch.where(mask > 0, 0, -1)}
    assert loss.loss_for(view, worse) > loss(view)
    rows = ours[:, mask > 0].T
    bank = style_bank(style)
    torch.testing.assert_close(loss.loss_for(view, worse), nnfm_loss(rows, bank[:1].expand(len(rows), -1)))


def test_concatenated_layers_are_matched_as_one() -> None:
    layers = ("relu3_1", "relu3_3", "relu4_1")
    assert group_layers(layers, False) == {k: (k,) for k in layers}
    assert list(group_layers(layers, True)) == ["relu3_1+relu3_3", "relu4_1"]
    ours = {"relu3_1": noise(3, 4, 4), "relu3_3": noise(2, 4, 4, seed=1)}
    style = {"relu3_1": noise(3, 5, 5, seed=2), "relu3_3": noise(2, 5, 5, seed=3)}
    together = NNFMLoss(style, Search(concatenate=True), {"relu3_1+relu3_3": 2.0})
    stacked = NNFMLoss({"a": torch.cat(list(style.values()))})
    wanted = 2 * stacked(Observation({"a": torch.cat(list(ours.values()))}))
    torch.testing.assert_close(together(Observation(ours)), wanted)


def test_the_bank_is_drawn_by_seed_and_normalised() -> None:
    style = noise(6, 20, 20)
    banks = [style_bank(style, 50, torch.Generator().manual_seed(s)) for s in (1, 1, 2)]
    assert banks[0].shape == (50, 6)
    assert torch.equal(banks[0], banks[1])
    assert not torch.equal(banks[0], banks[2])
    torch.testing.assert_close(banks[0].norm(dim=1), torch.ones(50, dtype=torch.float64))
    assert len(style_bank(style, 1000)) == 400


def test_vectors_of_length_zero() -> None:
    style = planes([0.0, 0.0], [0.0, 1.0])
    assert len(style_bank(style)) == 1
    x = torch.zeros(2, 1, 3, requires_grad=True)
    value = NNFMLoss({"a": style})(Observation({"a": x}))
    value.backward()
    assert value.detach() == 1
    assert torch.isfinite(x.grad).all()
    with pytest.raises(ConfigError, match="style image has no features"):
        style_bank(torch.zeros(2, 1, 3))


def test_bfloat16_finds_nearly_the_nearest() -> None:
    ours, bank = (
        noise(500, 32, dtype=torch.float32) - 0.5,
        style_bank(noise(32, 30, 30, seed=1).float() - 0.5),
    )
    exact, fast = nearest(ours, bank), nearest(ours.bfloat16(), bank.bfloat16())
    assert (exact == fast).float().mean() > 0.8
    assert nnfm_loss(ours, bank[fast]) == pytest.approx(float(nnfm_loss(ours, bank[exact])), rel=1e-3)
