"""A picture as a scene."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from nst3d.errors import ConfigError, InputError
from nst3d.formats.picture import load_picture, save_picture


def test_png_round_trip_is_exact_to_8_bits(tmp_path: Path) -> None:
    pixels = (np.random.default_rng(0).integers(0, 256, (3, 5, 3)) / 255).astype(np.float32)
    assert save_picture(tmp_path / "a.png", pixels) == [tmp_path / "a.png"]
    np.testing.assert_array_equal(load_picture(tmp_path / "a.png").pixels, pixels)


def test_size_limit_and_errors(tmp_path: Path) -> None:
    save_picture(tmp_path / "a.jpg", np.zeros((40, 40, 3), np.float32))
    height, width = load_picture(tmp_path / "a.jpg", max_pixels=100).pixels.shape[:2]
    assert height * width <= 100
    with pytest.raises(InputError, match="no such file"):
        load_picture(tmp_path / "b.jpg")
    with pytest.raises(ConfigError, match=r"\.png"):
        save_picture(tmp_path / "a.tif", np.zeros((1, 1, 3), np.float32))
