"""What regions of a view share is computed once, and changes nothing."""

from __future__ import annotations

from dataclasses import replace

import torch

from nst3d.losses.grain import GrainLoss, colour_grain, second_differences
from nst3d.losses.observation import IMAGE, Observation
from nst3d.tensors import Planes

IMAGE_PLANES = Planes(torch.rand(3, 12, 16, generator=torch.Generator().manual_seed(0)))
LEFT = torch.zeros(12, 16)
LEFT[:, :7] = 1


def test_it_is_computed_once_for_a_view_and_all_its_regions() -> None:
    whole, calls = Observation({IMAGE: IMAGE_PLANES}), []
    part = replace(whole, masks={IMAGE: LEFT})

    def compute() -> int:
        calls.append(1)
        return 7

    assert [whole.once("a", compute), part.once("a", compute), part.once("b", compute)] == [7] * 3
    assert len(calls) == 2
    assert Observation({IMAGE: IMAGE_PLANES}).derived == {}


def test_regions_that_share_have_the_losses_and_gradients_of_each_alone() -> None:
    loss, grads = GrainLoss(), []
    for shared in (True, False):
        image = Planes(IMAGE_PLANES.clone().requires_grad_())
        whole = Observation({IMAGE: image})
        parts = [replace(whole, masks={IMAGE: mask}) for mask in (LEFT, 1 - LEFT)]
        if not shared:
            parts = [replace(part, derived={}) for part in parts]
        total = torch.stack([loss(part) for part in parts])
        torch.testing.assert_close(
            total, torch.stack([colour_grain(image, LEFT), colour_grain(image, 1 - LEFT)])
        )
        total.sum().backward()
        grads.append(image.grad)
    torch.testing.assert_close(grads[0], grads[1])


def test_second_differences_of_a_parabola_and_of_grey() -> None:
    steps = torch.arange(6.0).square()
    parabola = Planes(torch.stack([steps, -steps, 0 * steps])[:, None].expand(3, 4, 6))
    across, down = second_differences(parabola)
    assert across.shape == (3, 4, 4)
    torch.testing.assert_close(across[0], torch.full((4, 4), 2.0))
    assert not down.any()
    assert not any(d.any() for d in second_differences(Planes(steps.expand(3, 4, 6))))
