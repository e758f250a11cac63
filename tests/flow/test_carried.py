"""What a frame takes over from several before it, and where that can be trusted."""

from __future__ import annotations

import torch

from nst3d.flow.carried import carried, long_term_weights
from nst3d.flow.warp import disoccluded, motion_boundaries
from nst3d.tensors import Planes

SIDE, SPEED = slice(10, 20), 4
"""Rows and first columns of a square in a picture of 30 x 40 pixels, and how far right it moves a frame."""


def moving_square() -> tuple[torch.Tensor, torch.Tensor]:
    """The true flows of a square that moves over a still ground: back from its new place, forth from its old one."""
    back, forth = torch.zeros(30, 40, 2), torch.zeros(30, 40, 2)
    back[SIDE, 10 + SPEED : 20 + SPEED, 0] = -SPEED
    forth[SIDE, 10:20, 0] = SPEED
    return back, forth


def test_what_a_moving_square_uncovers_is_disoccluded() -> None:
    """The ground behind it comes back along the square's flow; nothing else ends away from its start."""
    expected = torch.zeros(30, 40, dtype=torch.bool)
    expected[SIDE, 10 : 10 + SPEED] = True
    assert torch.equal(disoccluded(*moving_square()), expected)


def test_the_outline_of_a_moving_square_is_a_motion_boundary() -> None:
    edges = motion_boundaries(moving_square()[0])
    assert edges[SIDE, 13:15].all()
    assert edges[SIDE, 23:25].all()
    assert edges[9:11, 16:22].all()
    assert not edges[12:18, 16:22].any()
    assert not edges[:8].any()
    assert edges.sum() < 4 * 2 * 11


def test_the_nearest_frame_that_is_not_hidden_counts() -> None:
    near, far = torch.ones(4, 6), torch.ones(4, 6)
    near[:, :3] = 0
    far[:, 0] = 0
    last = torch.full((4, 6), 0.6)
    weights = long_term_weights([near, far, last])
    assert torch.equal(weights[0], near)
    assert weights[1][:, 1:3].eq(1).all()
    assert weights[1][:, 3:].eq(0).all()
    assert torch.allclose(weights[2][:, 0], torch.tensor(0.6))
    assert weights[2][:, 1:].eq(0).all()


def test_trust_in_a_near_frame_leaves_the_rest_to_a_far_one() -> None:
    weights = long_term_weights([torch.full((2, 2), 0.3), torch.full((2, 2), 0.9)])
    assert torch.allclose(weights[1], torch.tensor(0.6))


def test_a_picture_is_put_together_from_several() -> None:
    pictures = [Planes(torch.full((3, 4, 6), level)) for level in (0.2, 0.8)]
    near, far = torch.ones(4, 6), torch.ones(4, 6)
    near[:, :2] = 0
    far[:, 0] = 0
    still = torch.zeros(4, 6, 2)
    both = carried(pictures, [still, still], [near, far])
    assert torch.allclose(both.picture[:, :, 2:], torch.tensor(0.2))
    assert torch.allclose(both.picture[:, :, 1], torch.tensor(0.8))
    assert both.picture[:, :, 0].eq(0).all()
    assert both.trust[0].tolist() == [0, 1, 1, 1, 1, 1]


def test_a_picture_is_carried_along_its_flow() -> None:
    picture = Planes(torch.rand(3, 8, 12, generator=torch.Generator().manual_seed(0)))
    moved = carried([picture], [torch.tensor([2.0, 0.0]).expand(8, 12, 2)], [torch.ones(8, 12)])
    assert torch.allclose(moved.picture[:, :, :10], picture[:, :, 2:], atol=1e-5)
