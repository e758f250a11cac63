"""What a metric found."""

from __future__ import annotations

import math

import pytest

from nst3d.metrics.measured import Measured


def test_the_mean_of_what_could_be_measured() -> None:
    assert Measured("ssim", "content", "higher", (0.5, None, 1.0)).value == 0.75


def test_none_needs_a_reason() -> None:
    missing = Measured("lpips_vgg", "content", "lower", reason="the weights lpips-vgg are not here")
    assert missing.value is None
    for values, reason in [((), None), ((None,), None), ((1.0,), "why"), ((math.nan,), None)]:
        with pytest.raises(ValueError, match="lpips"):
            Measured("lpips", "content", "lower", values, reason)
