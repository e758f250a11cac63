"""What regions of a view share is computed once, and changes nothing."""

from __future__ import annotations

from dataclasses import replace

import torch

from nst3d.losses.grain import GrainLoss, colour_grain, second_differences
from nst3d.losses.observation import IMAGE, Observation
from nst3d.losses.rows import covered_rows, rows_of_regions
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


def test_rows_of_several_regions_are_those_of_each_with_one_gradient() -> None:
    features = torch.rand(5, 6, 8, generator=torch.Generator().manual_seed(1)).requires_grad_()
    left, top = torch.zeros(6, 8), torch.zeros(6, 8)
    left[:, :3] = 1
    top[:2] = 1  # which overlap
    masks = [{"a": left}, {"a": top}, {}]
    whole = Observation({"a": features}, regions=masks)
    found = [replace(whole, masks=mask).rows("a") for mask in masks]
    alone = [covered_rows(features, mask.get("a")) for mask in masks]
    assert all(map(torch.equal, found, alone))
    grads = [
        torch.autograd.grad(sum((k + 1) * r.square().sum() for k, r in enumerate(rows)), features)[0]
        for rows in (found, alone)
    ]
    torch.testing.assert_close(grads[0], grads[1])
    assert torch.equal(Observation({"a": features}, {"a": top}).rows("a"), alone[1])


def test_gradients_of_rows_of_regions_of_which_one_is_not_used() -> None:
    features = torch.rand(3, 2, 4, dtype=torch.float64, requires_grad=True)
    masks = [torch.tensor([[1.0, 1, 0, 0]] * 2), None, torch.tensor([[0.0, 0, 1, 0]] * 2)]
    assert torch.autograd.gradcheck(lambda f: rows_of_regions(f, masks)[::2], features)
