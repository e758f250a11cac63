"""Higher harmonics that fade in some splats leave those of the others as they were, in every format."""

from __future__ import annotations

import numpy as np
import pytest
from splat_samples import some_splats

from nst3d.formats.splats.registry import load_splats, painted, save_splats


def fading(count: int) -> np.ndarray:
    """Every third splat keeps all, the next a half, the last nothing."""
    return np.resize(np.array([1, 0.5, 0], np.float32), count)


@pytest.mark.parametrize(("suffix", "precision"), [(".ply", 0), (".spz", 0.5 / 128)])
def test_rows_fade_by_their_own_factor(suffix, precision, tmp_path) -> None:
    save_splats(tmp_path / f"a{suffix}", some_splats(), some_splats().colours, 1)
    before = load_splats(tmp_path / f"a{suffix}")
    share = fading(len(before))
    save_splats(tmp_path / f"b{suffix}", before, before.colours, share)
    after = load_splats(tmp_path / f"b{suffix}")
    np.testing.assert_array_equal(after.harmonics[::3], before.harmonics[::3])
    expected = before.harmonics[:, 1:] * share[:, None, None]
    np.testing.assert_allclose(after.harmonics[:, 1:], expected, atol=precision)
    np.testing.assert_array_equal(painted(before, before.colours, share).harmonics[:, 1:], expected)
