"""Styles as image files hold them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from small_meshes import noise

from nst3d.errors import InputError
from nst3d.images.io import write_image
from nst3d.pipeline.runtime.events import Events
from nst3d.pipeline.styles import read_style


def test_a_files_alpha_is_the_styles_opacity(tmp_path: Path) -> None:
    alpha = np.zeros((20, 24), np.float32)
    alpha[4:] = 1
    write_image(tmp_path / "a.png", noise(20, 24, 3), alpha)
    style = read_style(tmp_path / "a.png", Events())
    np.testing.assert_array_equal(style.opacities[0], alpha)
    assert len(style.palette) == 16 * 24


def test_an_alpha_that_hides_nothing_is_none(tmp_path: Path) -> None:
    write_image(tmp_path / "a.png", noise(20, 24, 3), np.ones((20, 24), np.float32))
    assert read_style(tmp_path / "a.png", Events()).opacities == ()


def test_a_transparent_style_is_refused(tmp_path: Path) -> None:
    write_image(tmp_path / "a.png", noise(20, 24, 3), np.zeros((20, 24), np.float32))
    with pytest.raises(
        InputError, match=r"a\.png: is transparent throughout; give a style with opaque pixels"
    ):
        read_style(tmp_path / "a.png", Events())
