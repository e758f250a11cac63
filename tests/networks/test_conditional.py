"""Networks whose normalisation depends on a style, on small random ones."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from nst3d.networks.conditional import ConditionalNet, Layer, Moments

STYLES = 3


def random_net(seed: int = 0) -> ConditionalNet:
    draw = torch.Generator().manual_seed(seed)

    def layer(out: int, inside: int, side: int = 3, stride: int = 1) -> Layer:
        linear = nn.Linear(STYLES, out), nn.Linear(STYLES, out)
        for module in linear:
            module.weight = nn.Parameter(torch.randn(out, STYLES, generator=draw))
            module.bias = nn.Parameter(torch.randn(out, generator=draw))
        weight = torch.randn(out, inside, side, side, generator=draw) / side
        return Layer(weight, stride=stride, style=linear)

    contract = [layer(4, 3, 9), layer(6, 4, stride=2), layer(8, 6, stride=2)]
    return ConditionalNet(contract, [layer(8, 8), layer(8, 8)], [layer(6, 8), layer(4, 6), layer(3, 4, 9)])


def pictures(count: int, size: tuple[int, int] = (24, 20)) -> list[torch.Tensor]:
    draw = torch.Generator().manual_seed(7)
    return [torch.rand(3, *size, generator=draw) for _ in range(count)]


STYLE = torch.tensor([0.2, 0.3, 0.5])


@pytest.mark.parametrize("size", [(24, 20), (23, 37), (5, 40), (1, 1)])
def test_pictures_keep_their_size(size) -> None:
    (painted,) = random_net()(pictures(1, size), STYLE)
    assert painted.shape == (3, *size)
    assert 0 <= painted.min() <= painted.max() <= 1


def test_features_have_the_moments_of_the_style() -> None:
    layer = random_net().contract[0]
    x = torch.rand(1, 3, 16, 16)
    deviation, mean = torch.std_mean(layer.convolved(x), (0, 2, 3), correction=0)
    styled = layer.styled(layer.convolved(x), STYLE, Moments(mean, deviation**2))
    torch.testing.assert_close(styled.mean((0, 2, 3)), layer.mean(STYLE), rtol=1e-4, atol=1e-4)
    deviation = styled.std((0, 2, 3), correction=0)
    torch.testing.assert_close(deviation, layer.deviation(STYLE).abs(), rtol=1e-3, atol=1e-4)


def test_what_two_views_share_is_painted_alike() -> None:
    net, (left, right) = random_net(), pictures(2, (32, 32))
    both = torch.cat([left, right], 2)  # one picture of both views
    alone = net([left], STYLE)[0]
    moments = net.moments([left, right], STYLE)
    together = net([left], STYLE, moments)[0]
    assert (together - alone).abs().max() > 1e-3
    whole = net([both], STYLE)[0][:, :, :32]
    assert (together - whole).abs().mean() < (alone - whole).abs().mean()


def test_given_moments_paint_as_all_pictures_do_together() -> None:
    net, views = random_net(), pictures(3)
    together = net(views, STYLE)
    moments = net.moments(views, STYLE)
    for view, painted in zip(views, together):
        torch.testing.assert_close(net([view], STYLE, moments)[0], painted)


def test_what_a_mask_leaves_out_does_not_count() -> None:
    net, (view,) = random_net(), pictures(1, (32, 32))
    mask = torch.zeros(32, 32)
    mask[:, :16] = 1
    spoilt = view.clone()
    spoilt[:, :, 28:] = 5.0  # beyond the reach of the first convolution of what counts
    first, other = (net.moments([p], STYLE, [mask])[0] for p in (view, spoilt))
    torch.testing.assert_close(first.mean, other.mean)
    torch.testing.assert_close(first.variance, other.variance)
    assert not torch.allclose(net.moments([spoilt], STYLE)[0].mean, first.mean)
    nothing = net.moments([view], STYLE, [torch.zeros(32, 32)])
    torch.testing.assert_close(nothing[0].mean, net.moments([view], STYLE)[0].mean)


def test_gradients_reach_pictures_and_style() -> None:
    (view,), style = pictures(1), STYLE.clone().requires_grad_()
    view.requires_grad_()
    random_net()([view], style)[0].square().sum().backward()
    assert view.grad is not None
    assert view.grad.abs().min() > 0
    assert style.grad is not None
    assert style.grad.abs().min() > 0
