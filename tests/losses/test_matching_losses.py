"""Contextual and hypercolumn: matching features, by hand, and what they must not depend on."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F

from nst3d.errors import ConfigError
from nst3d.losses import ContextualLoss, HypercolumnLoss, Observation
from nst3d.losses.contextual import contextual_loss, log_affinities
from nst3d.losses.hypercolumn import hypercolumns


def noise(*shape: int, seed: int = 0, dtype=torch.float64) -> torch.Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def test_affinities_by_hand() -> None:
    rows, bank = torch.tensor([[1.0, 0.0]]).double(), torch.tensor([[0.6, 0.8], [0.0, 1.0]]).double()
    # Distances 0.4 and 1; relative ones 1 and 2.5.
    near, far = math.exp(0), math.exp((1 - 2.5) / 0.5)
    wanted = torch.tensor([[near, far]]).double() / (near + far)
    torch.testing.assert_close(log_affinities(rows, bank, 0.5).exp(), wanted, atol=1e-4, rtol=0)


def test_contextual_is_equation_1_in_whatever_chunks() -> None:
    rows, bank = (F.normalize(noise(n, 5, seed=n) - 0.5, dim=1) for n in (40, 30))
    distances = 1 - rows @ bank.T
    weights = ((1 - distances / (distances.min(1, keepdim=True).values + 1e-5)) / 0.5).exp()
    affinities = weights / weights.sum(1, keepdim=True)
    wanted = -affinities.max(0).values.mean().log()
    for chunk_bytes in (1, 1000, 1 << 20):
        torch.testing.assert_close(contextual_loss(rows, bank, 0.5, chunk_bytes), wanted)


def test_contextual_gradient_is_that_of_the_whole_matrix() -> None:
    rows, bank = (F.normalize(noise(n, 5, seed=n) - 0.5, dim=1) for n in (40, 30))
    rows.requires_grad_()
    whole = -log_affinities(rows, bank, 0.5).exp().max(0).values.mean().log()
    (wanted,) = torch.autograd.grad(whole, rows)
    (found,) = torch.autograd.grad(contextual_loss(rows, bank, 0.5, 1000), rows)
    torch.testing.assert_close(found, wanted)
    assert (found.norm(dim=1) > 0).sum() <= 30


def test_contextual_sees_neither_where_things_are_nor_how_long_features_are() -> None:
    style, ours = noise(4, 7, 5), noise(4, 6, 5, seed=1)
    order = torch.randperm(30, generator=torch.Generator().manual_seed(0))
    loss = ContextualLoss({"a": style})
    wanted = loss(Observation({"a": ours}))
    shuffled = ours.flatten(1)[:, order].reshape(4, 5, 6)
    torch.testing.assert_close(loss(Observation({"a": shuffled})), wanted)
    mean = style.mean((1, 2))[:, None, None]
    longer = mean + (ours - mean) * (1 + noise(1, 6, 5, seed=2))
    torch.testing.assert_close(loss(Observation({"a": longer})), wanted)


def test_contextual_asks_for_all_of_the_style() -> None:
    """A view with one of a style's two features pleases NNFM; here half is missing."""
    style = torch.tensor([[[1.0, -1.0]], [[0.0, 0.0]], [[0.0, 0.0]]]).double()
    both, one = style.repeat(1, 1, 4), style[:, :, :1].repeat(1, 1, 8)
    loss = ContextualLoss({"a": style})
    assert loss(Observation({"a": both})) == pytest.approx(0, abs=1e-6)
    assert loss(Observation({"a": one})) == pytest.approx(1, abs=1e-3)
    paper = ContextualLoss({"a": style}, normalise="gatys")
    assert paper(Observation({"a": one})) == pytest.approx(math.log(2), abs=1e-3)


def test_contextual_draws_positions_by_the_generator() -> None:
    loss = ContextualLoss({"a": noise(4, 9, 9)}, positions=20)
    ours = noise(4, 20, 20, seed=1)
    one, again, other = (
        loss(Observation({"a": ours}, generator=lambda s=s: torch.Generator().manual_seed(s)))
        for s in (1, 1, 2)
    )
    assert one == again != other


@pytest.mark.parametrize(
    ("options", "named"),
    [({"bandwidth": 0.0}, "bandwidth is 0.0"), ({"positions": 0}, "positions is 0"),
     ({"style_positions": 0}, "style_positions is 0")],
)  # fmt: skip
def test_contextual_refuses_what_it_cannot_use(options, named) -> None:
    with pytest.raises(ConfigError, match=named):
        ContextualLoss({"a": noise(2, 3, 3)}, **options)


def test_hypercolumns_by_hand() -> None:
    fine = torch.arange(16.0).reshape(1, 4, 4)
    middle, coarse = torch.tensor([[[1.0, 2], [3, 4]]]), torch.tensor([[[7.0]]])
    whole = torch.ones(2, 2)
    holed, torn = torch.ones(4, 4), torch.ones(2, 2)
    holed[3, 3] = torn[0, 0] = 0
    seen = Observation({"m": middle, "f": fine, "c": coarse}, {"m": torn, "f": holed, "c": torch.ones(1, 1)})
    columns, mask = hypercolumns(seen, ("m", "f", "c"))
    assert columns[:, 0, 1].tolist() == [2, (2 + 3 + 6 + 7) / 4, 7]
    assert mask.tolist() == [[0, 1], [1, 0]]
    assert hypercolumns(Observation({"m": middle}, {"m": whole}), ("m",))[1].tolist() == whole.tolist()
    assert hypercolumns(Observation({"m": middle}), ("m",))[1] is None


@pytest.mark.parametrize("fine", [(8, 6), (9, 7)])
def test_gradients_of_hypercolumns_reach_every_layer(fine) -> None:
    layers = [noise(2, 4, 3), noise(2, *fine, seed=1), noise(3, 2, 1, seed=2)]
    assert torch.autograd.gradcheck(
        lambda *found: hypercolumns(Observation(dict(zip("mfc", found))), ("m", "f", "c"))[0],
        [layer.requires_grad_() for layer in layers],
    )


def test_repeated_positions_are_those_of_interpolation() -> None:
    coarse, middle = noise(3, 2, 3), noise(1, 6, 9, seed=1)
    columns, _ = hypercolumns(Observation({"m": middle, "c": coarse}), ("m", "c"))
    assert torch.equal(columns[1:], F.interpolate(coarse[None], (6, 9), mode="nearest-exact")[0])


def test_hypercolumn_by_hand() -> None:
    """Style columns ±(1, 0) about (2, 5); the view's are found by their deviation from its own mean."""
    style = torch.tensor([[[3.0, 1.0]], [[5.0, 5.0]]]).double()
    loss = HypercolumnLoss([(Observation({"a": style}), 1.0)], ("a",))
    ours = torch.tensor(
        [[[5.0, 3.0]], [[8.0, 8.0]]]
    ).double()  # deviations ±(1, 0), but (3, 3) and (1, 3) from (2, 5)
    wanted = ((1 - 3 / 18**0.5) + (1 + 1 / 10**0.5)) / 2
    assert loss(Observation({"a": ours})) == pytest.approx(wanted)


def test_hypercolumn_does_not_see_where_things_are() -> None:
    style, ours = noise(4, 7, 5), noise(4, 6, 5, seed=1)
    loss = HypercolumnLoss([(Observation({"a": style}), 1.0)], ("a",))
    order = torch.randperm(30, generator=torch.Generator().manual_seed(0))
    shuffled = ours.flatten(1)[:, order].reshape(4, 5, 6)
    torch.testing.assert_close(loss(Observation({"a": shuffled})), loss(Observation({"a": ours})))


def test_layers_of_hypercolumns_count_alike() -> None:
    style = {"a": noise(3, 4, 4), "b": noise(5, 4, 4, seed=1)}
    ours = {"a": noise(3, 4, 4, seed=2), "b": noise(5, 4, 4, seed=3)}
    plain = HypercolumnLoss([(Observation(style), 1.0)], ("a", "b"))(Observation(ours))
    style["b"], ours["b"] = style["b"] * 60, ours["b"] * 60
    scaled = HypercolumnLoss([(Observation(style), 1.0)], ("a", "b"))(Observation(ours))
    torch.testing.assert_close(scaled, plain)


def test_styles_of_hypercolumns_have_shares() -> None:
    """What is transparent is left out, and a style of little weight has few columns."""
    one, other = noise(3, 8, 8), noise(3, 8, 8, seed=1)
    mask = torch.zeros(8, 8)
    mask[:, :3] = 1
    loss = HypercolumnLoss(
        [(Observation({"a": one}, {"a": mask}), 1.0), (Observation({"a": other}), 0.25)], ("a",)
    )
    assert len(loss.nnfm.banks["column"]) == 24 + 16
    with pytest.raises(ConfigError, match="no layers"):
        HypercolumnLoss([], ())
