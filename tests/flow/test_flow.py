"""Motion between pictures: found, followed, and trusted where it can be."""

from __future__ import annotations

import sys

import numpy as np
import pytest
import torch

from nst3d.errors import MissingDependencyError
from nst3d.flow.dis import DenseInverseSearch
from nst3d.flow.temporal import temporal_loss
from nst3d.flow.warp import trusted, warped
from nst3d.images.resize import resize
from nst3d.tensors import Planes


def noise(height: int, width: int, seed: int = 0) -> np.ndarray:
    """A smooth random picture (height, width, 3) uint8, in which motion can be found."""
    coarse = np.random.default_rng(seed).random((height // 4, width // 4, 3), np.float32)
    return (resize(coarse, (height, width)) * 255).astype(np.uint8)


def steady_flow(height: int, width: int, right: float, down: float) -> torch.Tensor:
    return torch.tensor([float(right), float(down)]).expand(height, width, 2).clone()


def test_a_picture_follows_the_flow() -> None:
    picture = Planes(torch.rand(3, 12, 20, generator=torch.Generator().manual_seed(0)))
    moved = warped(picture, steady_flow(12, 20, 3, -2))
    assert torch.allclose(moved[:, 2:, :17], picture[:, :10, 3:], atol=1e-5)


@pytest.mark.parametrize("mode", ["bilinear", "bicubic"])
def test_a_picture_stays_where_nothing_moves(mode) -> None:
    picture = Planes(torch.rand(3, 9, 14, generator=torch.Generator().manual_seed(0)))
    assert torch.allclose(warped(picture, torch.zeros(9, 14, 2), mode), picture, atol=1e-5)


def test_the_loss_of_an_exactly_warped_pair_is_zero() -> None:
    before = Planes(torch.rand(3, 16, 24, generator=torch.Generator().manual_seed(1)))
    back = steady_flow(16, 24, 1.3, -0.6)
    mask = torch.ones(16, 24)
    assert temporal_loss(warped(before, back), before, back, mask) == 0
    assert temporal_loss(before, before, back, mask) > 0.01


def test_the_loss_counts_only_what_is_trusted() -> None:
    before = Planes(torch.zeros(3, 8, 8))
    frame, mask = before.clone(), torch.ones(8, 8)
    frame[:, :4] = 0.5
    still = torch.zeros(8, 8, 2)
    assert temporal_loss(Planes(frame), before, still, mask) == pytest.approx(0.125)
    mask[:4] = 0
    assert temporal_loss(Planes(frame), before, still, mask) == 0
    assert temporal_loss(Planes(frame), before, still, torch.zeros(8, 8)) == 0


def test_the_loss_has_a_gradient_for_the_frame_alone() -> None:
    frame, before = (torch.rand(3, 8, 8, generator=torch.Generator().manual_seed(k)) for k in (0, 1))
    frame.requires_grad_(True)
    before.requires_grad_(True)
    temporal_loss(Planes(frame), Planes(before), torch.zeros(8, 8, 2), torch.ones(8, 8)).backward()
    assert frame.grad is not None
    assert frame.grad.abs().min() > 0
    assert before.grad is None


def test_a_consistent_flow_is_trusted_but_where_it_leaves_the_picture() -> None:
    mask = trusted(steady_flow(10, 20, 4, 0), steady_flow(10, 20, -4, 0))
    assert mask[:, :16].all()
    assert not mask[:, 17:].any()


def test_what_does_not_return_is_hidden() -> None:
    forth = steady_flow(12, 24, -4, 0)
    forth[:, 12:] = 3.0
    mask = trusted(steady_flow(12, 24, 4, 0), forth)
    assert mask[:, :8].all()
    assert not mask[:, 8:].any()


def test_the_edges_of_motion_are_not_trusted() -> None:
    back = torch.zeros(12, 24, 2)
    back[:, 12:] = 0.4  # too little for the way there and back to tell
    mask = trusted(back, -back)
    assert not mask[:, 11:13].any()
    assert mask[:, :10].all()


def test_opencv_finds_motion() -> None:
    pytest.importorskip("cv2", reason="nst3d[video] is not installed")
    picture = noise(72, 110)
    flow = DenseInverseSearch().between(picture[4:68, 3:99], picture[2:66, 8:104])
    assert flow.shape == (64, 96, 2)
    assert flow[8:-8, 8:-8].mean((0, 1)).tolist() == pytest.approx([-5, 2], abs=0.1)


def test_tiny_pictures_have_no_motion() -> None:
    pytest.importorskip("cv2", reason="nst3d[video] is not installed")
    assert not DenseInverseSearch().between(noise(8, 40), noise(8, 40, 1)).any()


def test_what_to_install(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "cv2", None)
    with pytest.raises(MissingDependencyError, match=r"pip install 'nst3d\[video\]', or give `steady=0`"):
        DenseInverseSearch()
