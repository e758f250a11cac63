"""Depth edges: which gaps count, and what a view may do there."""

from __future__ import annotations

import pytest
import torch

from nst3d.errors import ConfigError
from nst3d.losses import IMAGE, LOSSES, DepthLoss, LossInputs, Observation
from nst3d.losses.depth import depth_jumps, depth_loss, luminance_steps

INF = float("inf")


def noise(seed: int, *shape: int, dtype=torch.float64) -> torch.Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def stepped(near: float = 2.0, far: float = 3.0, side: int = 16) -> torch.Tensor:
    """Depth of a near half on the left before a far one."""
    depth = torch.full((side, side), near, dtype=torch.float64)
    depth[:, side // 2 :] = far
    return depth


def halves(left: float, right: float, side: int = 16) -> torch.Tensor:
    grey = torch.full((side, side), left, dtype=torch.float64)
    grey[:, side // 2 :] = right
    return grey.expand(3, side, side).clone()


def test_jumps_by_hand() -> None:
    jumps = depth_jumps(stepped(), 0.03)
    assert jumps.shape == (16, 15)
    assert (jumps[:, 7] == 1).all()
    assert jumps.sum() == 16
    # 1/2 - 1/2.09 of 1/2 is 4.3 %, which is 44 % of the way from 3 % to 6 %.
    assert depth_jumps(stepped(2, 2.09), 0.03)[0, 7] == pytest.approx((0.09 / 2.09 - 0.03) / 0.03)
    assert (depth_jumps(stepped(2, INF), 0.03)[:, 7] == 1).all()
    assert (depth_jumps(stepped(INF, INF), 0.03) == 0).all()


def test_neither_slanted_planes_nor_creases_nor_the_pixels_beside_a_jump_are_edges() -> None:
    across = torch.arange(16).double().expand(16, 16)
    plane = 1 / (0.05 + 0.03 * across)  # of a plane, inverse depth is linear along its image
    assert depth_jumps(plane, 0.01).max() == 0
    crease = torch.where(across < 8, 0.2 + 0.004 * across, 0.2 + 0.004 * (16 - across)).reciprocal()
    assert depth_jumps(crease, 0.03).max() == 0
    cut = torch.where(across < 8, plane, 3 * plane)
    assert (depth_jumps(cut, 0.03)[:, 7] == 1).all()
    assert depth_jumps(cut, 0.03).sum() == 16


def test_steps_are_those_of_luminance_over_three_pixels() -> None:
    steps = luminance_steps(halves(0.2, 0.7))
    assert steps.shape == (16, 11)
    wanted = torch.tensor([0, 0, 0, 1, 2, 3, 2, 1, 0, 0, 0], dtype=torch.float64) / 3 * 0.5
    torch.testing.assert_close(steps[0], wanted)
    green = torch.zeros(3, 16, 16)
    green[1, :, 8:] = 1
    assert luminance_steps(green)[0, 5] == pytest.approx(0.7152)


def test_the_loss_by_hand() -> None:
    target, depth, noise_floor = halves(0.2, 0.7), stepped(), (4 / 255) ** 2
    whole = 0.25 / (0.25 + noise_floor)
    assert depth_loss(halves(0.2, 0.7), target, depth) == 0
    assert depth_loss(halves(0.0, 0.9), target, depth) == pytest.approx(0, abs=1e-12)  # more contrast is free
    assert depth_loss(halves(0.4, 0.4), target, depth) == pytest.approx(whole)
    assert depth_loss(halves(0.4, 0.65), target, depth) == pytest.approx(whole / 4)
    assert depth_loss(halves(0.7, 0.2), target, depth) == pytest.approx(whole * 4)  # light turned to dark
    assert depth_loss(halves(0.4, 0.4), halves(0.5, 0.5), depth) == 0  # nothing is asked of what had none
    assert depth_loss(halves(0.4, 0.4), target, torch.full((16, 16), 2.0)) == 0


def test_it_sees_edges_of_depth_alone_along_rows_and_columns_alike() -> None:
    ours, target, depth = noise(0, 3, 16, 16), noise(1, 3, 16, 16), stepped()
    wanted = depth_loss(ours, target, depth)
    assert depth_loss(ours.mT, target.mT, depth.mT) == pytest.approx(float(wanted))
    elsewhere = ours.clone()
    elsewhere[:, :, :5] = 0
    elsewhere[:, :, 11:] = 1
    assert depth_loss(elsewhere, target, depth) == wanted
    assert depth_loss(ours + 0.3, target, depth) == pytest.approx(float(wanted))  # constants are free


def observed(image: torch.Tensor, mask: torch.Tensor | None = None) -> Observation:
    return Observation({IMAGE: image}, {} if mask is None else {IMAGE: mask})


@pytest.fixture
def loss() -> DepthLoss:
    return DepthLoss({0: {IMAGE: noise(0, 3, 16, 16)}}, lambda view: stepped())


@pytest.fixture
def mask() -> torch.Tensor:
    covered = torch.zeros(16, 16)
    covered[3:12, 2:14] = 1
    return covered


def test_gradient(loss, mask) -> None:
    image = noise(1, 3, 16, 16).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: loss(observed(x)), (image,), fast_mode=True)
    assert torch.autograd.gradcheck(lambda x: loss(observed(x, mask)), (image,), fast_mode=True)
    target = {0: {IMAGE: loss.targets[0][IMAGE].float()}}
    low = DepthLoss(target, loss.depth)(observed(image.detach().bfloat16(), mask))
    assert low.dtype == torch.float32
    assert low == pytest.approx(float(loss(observed(image, mask)).detach()), rel=0.1)


def test_the_background_does_not_count(loss, mask) -> None:
    seen = []
    for background in (0.0, 7.5):
        image = torch.where(mask > 0.5, noise(1, 3, 16, 16), background).requires_grad_()
        value = loss(observed(image, mask))
        (gradient,) = torch.autograd.grad(value, image)
        assert (gradient[:, mask < 0.5] == 0).all()
        assert gradient.abs().max() > 0
        seen.append((float(value.detach()), gradient))
    assert seen[0][0] == seen[1][0] > 0
    assert torch.equal(seen[0][1], seen[1][1])
    nothing = loss(observed(noise(1, 3, 16, 16).requires_grad_(), torch.zeros(16, 16)))
    nothing.backward()
    assert nothing.detach() == 0


def test_a_view_that_is_smaller_than_the_reach_costs_nothing() -> None:
    small = DepthLoss({0: {IMAGE: noise(0, 3, 4, 5)}}, lambda view: noise(1, 4, 5) + 1)
    assert small(observed(noise(2, 3, 4, 5))) == 0


def inputs(**fields) -> LossInputs:
    options = {**LOSSES.get("depth").options, **fields.pop("options", {})}
    contents = {0: {IMAGE: noise(0, 3, 16, 16)}}
    return LossInputs(
        "depth", (), options, "relative", None, lambda layers: {}, lambda layers: contents,
        lambda cells, layers=(): None, **fields,
    )  # fmt: skip


def test_its_term() -> None:
    kind = LOSSES.get("depth")
    made = kind.make(inputs(depth=lambda view: stepped()))
    assert made(observed(noise(1, 3, 16, 16))) > 0
    with pytest.raises(
        ConfigError, match=r"^term depth: the views of this scene have no depth: leave the term out$"
    ):
        kind.make(inputs())
    with pytest.raises(ConfigError, match="term depth: least is 0: expected"):
        kind.make(inputs(depth=lambda view: stepped(), options={"least": 0.0}))
