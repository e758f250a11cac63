"""Statistics of strokes: gratings whose waves and directions are known."""

from __future__ import annotations

import math

import numpy as np
import pytest

from nst3d.metrics.strokes import stroke_difference, stroke_statistics


def grating(wavelength: float, degrees: float, size: int = 128, contrast: float = 0.2) -> np.ndarray:
    """Waves whose crests run along `degrees` from the x axis towards y."""
    y, x = np.mgrid[:size, :size]
    across = math.radians(degrees) + math.pi / 2
    phase = 2 * np.pi / wavelength * (x * math.cos(across) + y * math.sin(across))
    return np.repeat((0.5 + contrast * np.sin(phase))[..., None], 3, 2).astype(np.float32)


def noise(size: int = 128, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(0.2, 0.8, (size, size, 3)).astype(np.float32)


@pytest.mark.parametrize("wavelength", [4, 6.5, 10, 16, 20])
@pytest.mark.parametrize("degrees", [0, 30, 90, 135])
def test_a_gratings_waves(wavelength, degrees) -> None:
    found = stroke_statistics(grating(wavelength, degrees))
    assert found.wavelength == pytest.approx(wavelength, rel=0.025)
    assert found.mean_wavelength == pytest.approx(wavelength, rel=0.01)


@pytest.mark.parametrize("degrees", [0, 20, 45, 90, 110, 170])
def test_a_gratings_direction(degrees) -> None:
    found = stroke_statistics(grating(9, degrees))
    apart = math.degrees(found.direction) - degrees
    assert (apart + 90) % 180 - 90 == pytest.approx(0, abs=1)
    assert found.coherence > 0.97
    assert found.alignment > 0.97


def test_noise_has_no_direction_and_short_waves() -> None:
    found = stroke_statistics(noise())
    assert found.coherence < 0.35
    assert found.alignment < 0.05
    assert found.mean_wavelength < 4


def test_patches_of_crossing_strokes_are_coherent_but_not_aligned() -> None:
    one, other = grating(8, 0, 64), grating(8, 90, 64)
    found = stroke_statistics(np.block([[[one], [other]], [[other], [one]]]))
    assert found.coherence > 0.85
    assert found.alignment < 0.1


def test_scale_brightness_and_contrast() -> None:
    one, twice = stroke_statistics(grating(6, 30)), stroke_statistics(grating(12, 30))
    assert stroke_difference(one, twice).octaves == pytest.approx(1, abs=0.06)
    assert stroke_difference(one, twice) == pytest.approx(stroke_difference(twice, one))
    fainter = stroke_statistics(grating(6, 30, contrast=0.05) + 0.1)
    assert stroke_difference(one, fainter) == pytest.approx((0, 0, 0), abs=1e-3)
    assert stroke_difference(one, one) == (0, 0, 0)


def test_waves_that_are_longer_than_windows() -> None:
    """A slope has no wave; what is said of it must be finite, and longer than all that is measured."""
    y, x = np.mgrid[:128, :128] / 128
    slope = np.repeat((0.2 + 0.3 * x + 0.3 * y)[..., None], 3, 2)
    for each in (slope, grating(200, 45), grating(45, 10)):
        assert 32 < stroke_statistics(each).wavelength < 64
        assert stroke_statistics(each).mean_wavelength < 40


def test_other_units() -> None:
    own = stroke_statistics(grating(8, 0))
    assert own.per_pixel(0.01).wavelength == pytest.approx(0.01 * own.wavelength)
    assert own.per_pixel(0.01).coherence == own.coherence
    halved = stroke_statistics(grating(4, 0)).per_pixel(0.02)
    assert stroke_difference(own.per_pixel(0.01), halved).octaves == pytest.approx(0, abs=0.03)


def test_only_what_the_mask_covers_counts_and_not_its_border() -> None:
    own = grating(8, 30, 160)
    mask = np.zeros((160, 160), np.float32)
    mask[:, :96] = 1
    spoilt = own.copy()
    spoilt[:, 96:] = 1
    found, wanted = stroke_statistics(spoilt, mask), stroke_statistics(own, mask)
    assert found == pytest.approx(wanted)
    assert stroke_difference(stroke_statistics(spoilt), wanted).coherence > 0.005


def test_nothing_to_measure() -> None:
    assert stroke_statistics(np.full((80, 80, 3), 0.5, np.float32)) == (None,) * 5
    own = grating(8, 0, 128)
    assert stroke_statistics(own, np.zeros((128, 128))) == (None,) * 5
    narrow = np.zeros((128, 128), np.float32)
    narrow[:, :40] = 1
    found = stroke_statistics(own, narrow)
    assert found.wavelength is None
    assert found.coherence > 0.97
    assert stroke_difference(found, found).octaves is None
