"""Fine detail beyond the style's and the content's."""

from __future__ import annotations

import numpy as np
import pytest

from nst3d.metrics.grain import fine_power, grain

GREY = np.array([0.5, 0.5, 0.5])
FLAT = np.full((64, 64, 3), 0.5)


def wave(period: float, amplitude: float, colour=(1.0, 1.0, 1.0)) -> np.ndarray:
    """A sine across a grey picture."""
    ramp = amplitude * np.sin(2 * np.pi * np.arange(64) / period)
    return 0.5 + np.broadcast_to(ramp[None, :, None], (64, 64, 1)) * np.asarray(colour)


def whole(*pictures: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    return [(picture, np.ones(picture.shape[:2])) for picture in pictures]


def noise(amplitude: float, size: int = 64, seed: int = 0) -> np.ndarray:
    return 0.5 + amplitude * np.random.default_rng(seed).standard_normal((size, size, 3))


def test_the_power_of_a_wave_is_its_mean_square() -> None:
    power = fine_power(whole(wave(3, 0.1))).mean(0)
    assert power.sum() == pytest.approx(3 * 0.1**2 / 2, rel=0.05)
    assert power[1:3, 0].sum() > 0.99 * power.sum()  # around 1/3 cycles per pixel, light alone
    assert power[:, 1:].sum() < 1e-12


@pytest.mark.parametrize("period", [16, 10, 8])
def test_strokes_are_no_grain(period: float) -> None:
    assert grain(whole(wave(period, 0.2)), whole(FLAT)) < 0.02 * 255 * 0.2


def test_grain_is_its_amplitude_in_levels() -> None:
    """White noise has 0.8 of its power in waves below four pixels: 1 - pi / 16."""
    assert grain(whole(noise(4 / 255, 512)), whole(FLAT)) == pytest.approx(
        4 * np.sqrt(1 - np.pi / 16), rel=0.05
    )


def test_what_the_style_has_is_no_grain() -> None:
    assert grain(whole(noise(0.02)), whole(noise(0.02))) == 0
    assert grain(whole(noise(0.02)), whole(noise(0.04, seed=1))) == 0
    assert grain(whole(noise(0.04, 256)), whole(noise(0.02, 256, 1))) == pytest.approx(
        grain(whole(noise(0.02 * 3**0.5, 256)), whole(FLAT)), rel=0.05
    )


def test_light_does_not_make_up_for_colour() -> None:
    style = wave(3, 0.1)
    assert grain(whole(style), whole(style)) == 0
    assert grain(whole(wave(3, 0.1, (1, -1, 0))), whole(style)) == pytest.approx(255 * 0.1 / 3**0.5, rel=0.05)


def test_busy_places_do_not_excuse_flat_ones() -> None:
    """The style has half noise, half none; so does the painting, but for a faint speckle."""
    style, painted = noise(0.1, 128), noise(0.1, 128)
    style[:, 64:] = 0.5
    painted[:, 64:] = noise(0.01, 128, 1)[:, 64:]
    found = grain(whole(painted), whole(style))
    assert found == pytest.approx(255 * 0.01 * np.sqrt((1 - np.pi / 16) / 2), rel=0.15)


def test_only_the_mask_counts() -> None:
    picture, mask = FLAT.copy(), np.ones((64, 64))
    picture[:, 40:] = noise(0.3)[:, 40:]
    mask[:, 40:] = 0
    assert grain([(picture, mask)], whole(FLAT)) == pytest.approx(0, abs=1e-9)
    assert grain([(picture, np.ones((64, 64)))], whole(FLAT)) > 10
    assert grain(whole(noise(0.1)), [(picture, mask)]) > 10  # a style, transparent where it has noise


def test_nothing_to_measure() -> None:
    thin = np.zeros((64, 64))
    thin[:, 20:30] = 1
    assert grain([(FLAT, thin)], whole(FLAT)) is None
    assert grain(whole(FLAT[:8]), whole(FLAT)) is None
    assert grain(whole(FLAT), whole(FLAT[:, :9])) is None
    assert grain([], whole(FLAT)) is None
    assert grain([*whole(noise(0.1)), (FLAT, thin)], whole(FLAT)) == grain(whole(noise(0.1)), whole(FLAT))


def test_what_the_content_has_is_no_grain_where_it_has_it() -> None:
    """Masonry on the left, a bare wall on the right: speckle counts on the wall alone, and only beyond the masonry."""
    masonry, speckled = FLAT.copy(), FLAT.copy()
    masonry[:, :24] = noise(0.1)[:, :24]
    speckled[:, 40:] = noise(0.1)[:, 40:]
    assert grain(whole(masonry), whole(FLAT)) > 5
    assert grain(whole(masonry), whole(FLAT), [masonry]) == 0
    assert grain(whole(speckled), whole(FLAT), [masonry]) == grain(whole(speckled), whole(FLAT)) > 5
    smooth = FLAT + 0.3 * (masonry - FLAT)
    assert grain(whole(smooth), whole(FLAT), [masonry]) == 0
    with pytest.raises(ValueError, match="zip"):
        grain(whole(FLAT, FLAT), whole(FLAT), [FLAT])


def test_speckle_of_five_pixels_is_grain() -> None:
    assert grain(whole(wave(5, 0.1)), whole(FLAT)) > 0.8 * 255 * 0.1 / 2**0.5
