from __future__ import annotations

import numpy as np
import torch

from nst3d.images.colour import srgb_decode, srgb_encode


def test_known_values() -> None:
    encoded = np.array([0.0, 0.04045, 0.5, 1.0])
    wanted = [0.0, 0.04045 / 12.92, 0.21404114048223255, 1.0]
    np.testing.assert_allclose(srgb_decode(encoded), wanted, rtol=1e-12)
    np.testing.assert_allclose(srgb_encode(np.array([0.18])), 0.46135612950044164, rtol=1e-12)


def test_all_8_bit_values_survive_in_float32() -> None:
    levels = np.arange(256, dtype=np.float32) / np.float32(255)
    back = srgb_encode(srgb_decode(levels))
    assert back.dtype == np.float32
    assert np.array_equal(np.round(back * 255), np.arange(256))


def test_torch_and_numpy_agree_also_outside_the_range() -> None:
    values = np.linspace(-0.5, 1.5, 101)
    for curve in (srgb_decode, srgb_encode):
        np.testing.assert_allclose(curve(torch.from_numpy(values)).numpy(), curve(values), rtol=1e-12)
    assert srgb_decode(np.array([0, 1])).tolist() == [0.0, 1.0]


def test_gradients_are_finite_at_black() -> None:
    values = torch.tensor([-0.1, 0.0, 0.001, 0.3, 1.0], dtype=torch.float64, requires_grad=True)
    for curve in (srgb_decode, srgb_encode):
        assert torch.autograd.gradcheck(curve, values)
