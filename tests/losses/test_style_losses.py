"""Gram, moments and content: values by hand, and what they must not depend on."""

from __future__ import annotations

import pytest
import torch

from nst3d.errors import ConfigError
from nst3d.losses import ContentLoss, GramLoss, MomentsLoss, Observation, mean_gram, moments
from nst3d.losses.content import content_loss
from nst3d.losses.gram import gram_loss, gram_matrix
from nst3d.losses.moments import Moments, moments_loss

SMALL = torch.tensor([[[1.0, 2.0]], [[0.0, 3.0]]])  # two channels, positions (1, 0) and (2, 3)


def noise(*shape: int, seed: int = 0, dtype=torch.float64) -> torch.Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def test_gram_by_hand() -> None:
    assert gram_matrix(SMALL).tolist() == [[5, 6], [6, 9]]
    assert gram_matrix(SMALL, torch.tensor([[0.0, 1.0]])).tolist() == [[4, 6], [6, 9]]
    assert mean_gram(SMALL).tolist() == [[2.5, 3], [3, 4.5]]
    assert mean_gram(SMALL, torch.zeros(1, 2)).tolist() == [[0, 0], [0, 0]]


def test_gram_loss_is_equation_4() -> None:
    ours, style = noise(3, 4, 5), noise(3, 4, 5, seed=1)
    rows, style_rows = ours.flatten(1), style.flatten(1)
    channels, positions = rows.shape
    wanted = (rows @ rows.T - style_rows @ style_rows.T).square().sum() / (4 * channels**2 * positions**2)
    torch.testing.assert_close(gram_loss(mean_gram(ours), mean_gram(style)), wanted)
    by_hand = gram_loss(torch.tensor([[1.0, 2.0], [2.0, 0.0]]), torch.tensor([[1.0, 0.0], [0.0, 2.0]]))
    assert by_hand == 12 / 16
    assert gram_loss(torch.eye(2) * 3, torch.eye(2), "relative") == 4


def test_gram_does_not_see_where_things_are() -> None:
    ours = noise(4, 6, 5)
    shuffled = ours.flatten(1)[:, torch.randperm(30, generator=torch.Generator().manual_seed(0))]
    torch.testing.assert_close(gram_matrix(ours), gram_matrix(shuffled.reshape(4, 5, 6)))


def test_gram_of_a_style_of_another_size() -> None:
    """Tiled twice, a style keeps its mean Gram matrix."""
    style = noise(4, 3, 3)
    torch.testing.assert_close(mean_gram(style), mean_gram(style.repeat(1, 2, 2)))


def test_gram_of_bfloat16_is_summed_in_float32() -> None:
    ours = noise(16, 100, 100, dtype=torch.float32).bfloat16()
    gram = gram_matrix(ours)
    assert gram.dtype == torch.float32
    exact = gram_matrix(ours.double())
    assert ((gram - exact).norm() / exact.norm()) < 2e-3


def test_bfloat16_gradient_of_the_gram_loss() -> None:
    ours, style = noise(16, 64, 64, dtype=torch.float32), noise(16, 64, 64, seed=1, dtype=torch.float32)
    loss = GramLoss({"a": mean_gram(style.square())}, normalise="relative")
    gradients = []
    for dtype in (torch.float32, torch.bfloat16):
        x = ours.to(dtype, copy=True).requires_grad_()
        loss(Observation({"a": x})).backward()
        gradients.append(x.grad.float().flatten())
    assert torch.cosine_similarity(*gradients, dim=0) > 0.999


def test_layer_weights() -> None:
    ours, style = (
        {"a": noise(2, 3, 3), "b": noise(3, 2, 2)},
        {"a": noise(2, 3, 3, seed=1), "b": noise(3, 2, 2, seed=1)},
    )
    grams = {k: mean_gram(f) for k, f in style.items()}
    parts = [gram_loss(mean_gram(ours[k]), grams[k]) for k in "ab"]
    weighted = GramLoss(grams, {"a": 2.0, "b": 0.5}, "gatys")(Observation(ours))
    torch.testing.assert_close(weighted, 2 * parts[0] + 0.5 * parts[1])
    with pytest.raises(ConfigError, match="given for a, but the targets are of a, b"):
        GramLoss(grams, {"a": 1.0})
    with pytest.raises(ConfigError, match="choose gatys, relative, mean"):
        GramLoss(grams, normalise="square")


def test_moments_by_hand() -> None:
    found = moments(SMALL.double())
    torch.testing.assert_close(found.mean, torch.tensor([1.5, 1.5]).double())
    torch.testing.assert_close(found.std, torch.tensor([0.5, 1.5]).double(), atol=1e-7, rtol=0)
    target = Moments(torch.tensor([0.5, 1.5]).double(), torch.tensor([0.5, 0.5]).double())
    assert moments_loss(found, target) == pytest.approx((1 + 1) / 2, abs=1e-7)
    assert moments_loss(found, target, "relative") == pytest.approx(2 / 3, abs=1e-7)


def test_moments_do_not_see_where_things_are_nor_the_size() -> None:
    ours = noise(4, 6, 5)
    torch.testing.assert_close(moments(ours), moments(ours.flip(2).repeat(1, 3, 1)))


def test_moments_of_half_precision_are_summed_in_full() -> None:
    features = (torch.rand(3, 70, 60, generator=torch.Generator().manual_seed(0)) + 3).bfloat16()
    halves, exact = features.clone().requires_grad_(), features.double().requires_grad_()
    found, wanted = moments(halves), moments(exact)
    slopes = [
        torch.autograd.grad((m.mean + 2 * m.std).square().sum(), f)[0]
        for m, f in ((found, halves), (wanted, exact))
    ]
    for a, b in zip(found, wanted):
        torch.testing.assert_close(a.double(), b, rtol=1e-5, atol=0)
    torch.testing.assert_close(slopes[0].double(), slopes[1], rtol=2**-8, atol=0)


def test_moments_of_a_constant_channel_have_a_finite_gradient() -> None:
    x = torch.ones(2, 3, 3, requires_grad=True)
    MomentsLoss({"a": moments(noise(2, 3, 3, dtype=torch.float32))}, normalise="gatys")(
        Observation({"a": x})
    ).backward()
    assert torch.isfinite(x.grad).all()


def test_content_by_hand() -> None:
    target = torch.tensor([[[1.0, 1.0]], [[1.0, 1.0]]])
    assert content_loss(SMALL, target) == (0 + 1 + 1 + 4) / 2
    assert content_loss(SMALL, target, torch.tensor([[1.0, 0.0]])) == 0.5
    assert content_loss(SMALL, target, normalise="relative") == 6 / 4


def test_content_is_that_of_the_view() -> None:
    loss = ContentLoss({0: {"a": SMALL}, 3: {"a": SMALL + 1}}, ("a",), {"a": 2.0}, "gatys")
    assert loss(Observation({"a": SMALL}, view=0)) == 0
    assert loss(Observation({"a": SMALL}, view=3)) == 4
    with pytest.raises(ConfigError, match=r"content of view 3 at a has the shape \(2, 1, 2\).*render both"):
        loss(Observation({"a": torch.zeros(2, 2, 2)}, view=3))


def test_mean_is_the_mean_square() -> None:
    ours, theirs = noise(3, 4, 5), noise(3, 4, 5, seed=1)
    torch.testing.assert_close(content_loss(ours, theirs, normalise="mean"), (ours - theirs).square().mean())
    mine, wanted = mean_gram(ours), mean_gram(theirs)
    torch.testing.assert_close(gram_loss(mine, wanted, "mean"), (mine - wanted).square().mean())
