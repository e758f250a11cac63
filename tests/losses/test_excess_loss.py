"""Fine waves beyond those of styles and content."""

from __future__ import annotations

import math

import pytest
import torch

from nst3d.losses import IMAGE, ExcessLoss, Observation
from nst3d.losses.excess import covered_windows, excess, fine_powers

FLAT = torch.full((3, 48, 64), 0.5, dtype=torch.float64)


def wave(period: float, amplitude: float = 0.1, colour=(1.0, 1.0, 1.0)) -> torch.Tensor:
    ramp = amplitude * torch.sin(2 * math.pi * torch.arange(64, dtype=torch.float64) / period)
    return FLAT + ramp * torch.tensor(colour, dtype=torch.float64)[:, None, None]


def loss(image: torch.Tensor, *styles: torch.Tensor, content: torch.Tensor = FLAT, mask=None) -> torch.Tensor:
    masks = {} if mask is None else {IMAGE: mask}
    judge = ExcessLoss([(s, None) for s in styles or (FLAT,)], {0: {IMAGE: content}})
    return judge(Observation({IMAGE: image}, masks))


def test_powers_are_mean_squares_by_colour_and_scale() -> None:
    inner = fine_powers(wave(2)).reshape(6, 5, 7)[:, :, 1:-1]
    assert torch.allclose(inner[0], inner.new_tensor(3 * 0.1**2 * 0), atol=1e-9)  # sampled where it is zero
    inner = fine_powers(wave(3)).reshape(6, 5, 7)[:, :, 1:-1]
    gain = 1 - (6 + 8 * math.cos(2 * math.pi / 3) + 2 * math.cos(4 * math.pi / 3)) / 16
    assert inner[0].mean() == pytest.approx(3 * 0.1**2 / 2 * gain**2, rel=0.02)
    assert inner[3].mean() < 0.01 * inner[0].mean()
    assert inner[[1, 2, 4, 5]].abs().max() < 1e-20
    slow = fine_powers(wave(8, colour=(1, -1, 0))).reshape(6, 5, 7)[:, :, 1:-1].mean((1, 2))
    assert slow[4] > 4 * slow[1] > 0
    assert slow[[0, 2, 3, 5]].max() < 1e-20
    assert fine_powers(wave(48))[3].mean() < 0.02 * 3 * 0.1**2 / 2


def test_by_hand() -> None:
    """Two windows of amplitudes 8 and 24 levels; the style's are 0 and 16; the content excuses 4 in the first."""
    levels = torch.tensor([[8.0, 24.0], *[[0.0, 0.0]] * 5], dtype=torch.float64)
    usual = torch.tensor([[0.0, 16.0], *[[0.0, 0.0]] * 5], dtype=torch.float64)
    kept = torch.tensor([[4.0, 0.0], *[[0.0, 0.0]] * 5], dtype=torch.float64)
    powers, allowed, content = ((x / 255).square() for x in (levels, usual, kept))
    assert excess(powers, allowed, content) == pytest.approx((0.5**2 + 1**2) / 2, rel=2e-2)
    assert excess(powers.flip(1), allowed, content.flip(1)) == excess(powers, allowed, content)
    assert excess(powers, powers, 0 * content) == 0


def test_what_style_or_content_have_is_free() -> None:
    assert loss(wave(3)) > 1
    assert loss(wave(3), wave(3)) == 0
    assert loss(wave(3), wave(3, 0.15)) == 0
    assert loss(wave(3), content=wave(3)) == 0
    assert loss(wave(3), wave(3, colour=(1, -1, 0))) == loss(wave(3))


def test_busy_places_do_not_excuse_flat_ones() -> None:
    half, faint = wave(3), wave(3, 0.02)
    half[:, :, 32:] = 0.5
    faint[:, :, :32] = half[:, :, :32]
    assert loss(half, half) == 0
    assert loss(faint, half) > 0.05
    assert loss(faint, content=half) > 0.05


def test_only_covered_windows_count() -> None:
    mask = torch.zeros(48, 64)
    mask[:, 32:] = 1
    noisy = wave(3)
    noisy[:, :, 32:] = 0.5
    assert loss(noisy, mask=mask) < 1e-3 < 1 < loss(noisy, mask=1 - mask)
    assert (
        covered_windows(mask).sum() == 5 * 2
    )  # not those beside the border, into which blurring mixes what lies beyond
    assert loss(noisy, mask=0 * mask) == 0
    assert loss(noisy[:, :9]) == 0
    with pytest.raises(ValueError, match="no window"):
        ExcessLoss([(noisy, 0 * mask), (noisy[:, :9], None)], {})


def test_gradients() -> None:
    generator = torch.Generator().manual_seed(0)
    image = torch.rand(3, 16, 24, generator=generator, dtype=torch.float64, requires_grad=True)
    flat = torch.zeros(3, 16, 24, dtype=torch.float64)
    assert torch.autograd.gradcheck(lambda x: loss(x, flat, content=flat), image)
    (at_rest,) = torch.autograd.grad(loss(flat.requires_grad_(), flat.detach(), content=flat.detach()), flat)
    assert bool((at_rest == 0).all())
