"""Oklab against the values that its author gives."""

from __future__ import annotations

import torch

from nst3d.images.oklab import oklab


def test_black_white_and_primaries() -> None:
    colours = torch.tensor([[0.0, 0, 0], [1, 1, 1], [1, 0, 0], [0, 1, 0], [0, 0, 1]], dtype=torch.float64)
    expected = [
        [0, 0, 0],
        [1, 0, 0],
        [0.627955, 0.224863, 0.125846],
        [0.866440, -0.233888, 0.179498],
        [0.452014, -0.032457, -0.311528],
    ]
    torch.testing.assert_close(oklab(colours), torch.tensor(expected, dtype=torch.float64), atol=2e-4, rtol=0)


def test_greys_have_no_hue() -> None:
    greys = torch.linspace(0, 1, 9, dtype=torch.float64)[:, None].expand(-1, 3)
    assert oklab(greys)[:, 1:].abs().max() < 1e-4
    assert (oklab(greys)[:, 0].diff() > 0).all()
