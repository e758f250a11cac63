from __future__ import annotations

import pytest
import torch

from nst3d.images.gamut import Gamut, gamut_shares

TRIANGLE = torch.tensor([[0.2, 0.2, 0.2], [0.8, 0.2, 0.2], [0.2, 0.8, 0.2]], dtype=torch.float64)


def test_distances_by_hand() -> None:
    gamut = Gamut.of(TRIANGLE, padding=0.0)
    colours = torch.tensor([[0.4, 0.4, 0.2], [0.1, 0.3, 0.2], [0.3, 0.3, 0.5]], dtype=torch.float64)
    torch.testing.assert_close(
        gamut.excess(colours), torch.tensor([0.0, 0.1, 0.3], dtype=torch.float64), atol=2e-3, rtol=0
    )
    padded = Gamut.of(TRIANGLE, padding=0.05).excess(colours)
    torch.testing.assert_close(
        padded, torch.tensor([0.0, 0.05, 0.25], dtype=torch.float64), atol=2e-3, rtol=0
    )


def test_nearest_by_hand() -> None:
    gamut = Gamut.of(TRIANGLE, padding=0.0)
    moved = gamut.nearest(torch.tensor([[0.3, 0.3, 0.6], [0.1, 0.5, 0.2]], dtype=torch.float64))
    wanted = torch.tensor([[0.3, 0.3, 0.2], [0.2, 0.5, 0.2]], dtype=torch.float64)
    torch.testing.assert_close(moved, wanted, atol=0.02, rtol=0)


def test_what_is_inside_keeps_its_bits_and_nothing_stays_outside() -> None:
    palette = torch.rand(500, 3, generator=torch.Generator().manual_seed(0)) * 0.5 + 0.2
    gamut = Gamut.of(palette)
    assert torch.equal(gamut.nearest(palette), palette)
    wild = torch.rand(2000, 3, generator=torch.Generator().manual_seed(1)) * 3 - 1
    moved = gamut.nearest(wild)
    assert gamut.excess(moved).max() < 1e-3
    assert moved.min() >= 0
    assert moved.max() <= 1


def test_no_gamut_leaves_the_cube() -> None:
    corners = torch.tensor([[0.0, 0, 0], [1, 1, 1], [1, 0, 0], [0, 0, 1], [0, 1, 0]])
    moved = Gamut.of(corners, padding=0.1).nearest(torch.tensor([[1.05, 1.05, 1.05], [-0.2, 0.5, 0.5]]))
    assert moved.min() >= 0
    assert moved.max() <= 1


def test_shares_by_hand() -> None:
    colours = torch.tensor([[0.3, 0.3, 0.2], [0.3, 0.3, 0.6], [0.0, 0.3, 0.2], [0.9, 0.9, 0.9]])
    weights = torch.tensor([5.0, 3.0, 2.0, 0.0])
    shares = gamut_shares(colours, weights, TRIANGLE.float())
    assert shares == pytest.approx({"clipped": 0.2, "outside": 0.5})
    white = torch.cat([TRIANGLE.float(), torch.ones(1, 3)])
    assert gamut_shares(colours, weights, white)["clipped"] == 0
    with pytest.raises(ValueError, match="weight above 0"):
        gamut_shares(colours, torch.zeros(4), white)
