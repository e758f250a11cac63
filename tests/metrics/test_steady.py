"""Detail that is seen again in the next frame, and detail that flickers or is missing."""

from __future__ import annotations

import math

import numpy as np
import pytest
from painted_planes import flickering, flight, photograph, strokes

from nst3d.metrics.decoys import blurred_decoy, flat_decoy
from nst3d.metrics.footage import Footage
from nst3d.metrics.gaussian import BANDS, bands_of, blurred
from nst3d.metrics.geometric import geometric_pairs, geometric_protocol
from nst3d.metrics.measured import Measured
from nst3d.metrics.pairs import Pair, Protocol
from nst3d.metrics.steady import detail_energy, detail_loss
from nst3d.tensors import Array

SAME = Protocol("still", 1)
SIDE = 160
EVERYWHERE = np.ones((SIDE, SIDE), bool)


def noise(seed: int, amount: float = 0.3) -> Array:
    return np.random.default_rng(seed).normal(0.5, amount, (SIDE, SIDE, 3)).astype(np.float32)


def loss(here: Array, carried: Array, unpainted: Array, style: tuple[float, ...] | None = None) -> float:
    bare = Pair(unpainted, unpainted, EVERYWHERE)
    (value,) = detail_loss([Pair(here, carried, EVERYWHERE)], [bare], SAME, style).known
    return value


def measured(footage: Footage, unpainted: Footage, gap: int = 1) -> Measured:
    pairs = geometric_pairs(footage, gap), geometric_pairs(unpainted, gap)
    return detail_loss(*pairs, geometric_protocol(footage, gap))


def value(footage: Footage, unpainted: Footage) -> float:
    found = measured(footage, unpainted).value
    assert found is not None
    return found


def test_a_blur_is_a_gaussian() -> None:
    dot = np.zeros((41, 41, 1), np.float32)
    dot[20, 20] = 1
    y, x = np.mgrid[-20:21, -20:21]
    expected = np.exp(-(x**2 + y**2) / (2 * 3.0**2)) / (2 * math.pi * 3.0**2)
    np.testing.assert_allclose(blurred(dot, 3.0)[..., 0], expected, atol=2e-4)
    np.testing.assert_array_equal(blurred(dot, 0), dot)
    np.testing.assert_allclose(blurred(np.full((5, 9, 3), 0.3, np.float32), 4), 0.3, rtol=1e-5)
    with pytest.raises(ValueError, match="at least 0"):
        blurred(dot, -1)


def test_bands_add_up_to_the_picture_less_its_coarsest_blur() -> None:
    picture = noise(0)
    bands = bands_of(picture)
    assert len(bands) == len(BANDS) - 1
    np.testing.assert_allclose(sum(bands), picture - blurred(picture, BANDS[-1]), atol=1e-6)


def test_a_wave_is_in_the_octave_of_its_length() -> None:
    y = np.arange(SIDE) + 0.5
    for wavelength, octave in (2.5, 0), (7, 1), (14, 2), (28, 3):
        wave = np.broadcast_to(np.sin(2 * np.pi * y / wavelength)[None, :, None], (SIDE, SIDE, 3))
        assert int(np.argmax(detail_energy([(wave.astype(np.float32), None)]))) == octave


def test_energy_is_the_mean_over_pictures_and_masks() -> None:
    left = np.zeros((SIDE, SIDE), bool)
    left[:, : SIDE // 4] = True
    bare = np.full((SIDE, SIDE, 3), 0.5, np.float32)
    alone = detail_energy([(noise(0), None)])
    assert detail_energy([(noise(0), None), (bare, None)]) == pytest.approx([each / 2 for each in alone])
    quarter = detail_energy([(noise(0), None), (bare, left)])
    assert quarter == pytest.approx([each * 4 / 5 for each in alone])
    with pytest.raises(ValueError, match="nothing counts"):
        detail_energy([(noise(0), np.zeros((SIDE, SIDE), bool))])


def test_the_same_detail_twice_is_no_loss() -> None:
    assert loss(noise(0), noise(0), noise(0)) == pytest.approx(0, abs=1e-3)


def test_independent_detail_is_all_lost() -> None:
    assert loss(noise(0), noise(1), noise(2)) == pytest.approx(1, abs=0.03)


@pytest.mark.parametrize("flicker", [0.06, 0.3, 0.9])
def test_flicker_is_its_share_of_the_energy(flicker: float) -> None:
    detail = noise(0)
    frames = [detail + noise(seed, flicker) - 0.5 for seed in (1, 2)]
    expected = flicker / math.hypot(0.3, flicker)
    assert loss(*frames, detail) == pytest.approx(expected, abs=0.03)


@pytest.mark.parametrize("contrast", [0.9, 0.5, 0.1])
def test_missing_contrast_is_its_amplitude(contrast: float) -> None:
    weak = 0.5 + contrast * (noise(0) - 0.5)
    assert loss(weak, weak, noise(0)) == pytest.approx(1 - contrast, abs=0.06)


def test_sharpness_that_carrying_costs_is_no_loss() -> None:
    """The carried frame is sampled between pixels; its detail is weaker, and the same."""
    detail, weak = noise(0), 0.5 + 0.6 * (noise(0) - 0.5)
    pair, bare = Pair(detail, weak.astype(np.float32), EVERYWHERE), Pair(detail, detail, EVERYWHERE)
    (same,) = detail_loss([pair], [pair], SAME).known
    assert same == pytest.approx(0, abs=1e-3)
    (against,) = detail_loss([pair], [bare], SAME).known
    assert against == pytest.approx(1 - math.sqrt(0.6), abs=0.06)


def test_what_differs_in_the_unpainted_scene_is_no_flicker() -> None:
    detail, jitter = noise(0), [noise(seed, 0.1) - 0.5 for seed in (1, 2)]
    pair = Pair(detail + jitter[0], detail + jitter[1], EVERYWHERE)
    (same,) = detail_loss([pair], [pair], SAME).known
    assert same == pytest.approx(0, abs=0.05)  # one level is not forgiven
    more = Pair(detail + 3 * jitter[0], detail + 3 * jitter[1], EVERYWHERE)
    (against,) = detail_loss([more], [pair], SAME).known
    assert against == pytest.approx(math.sqrt(0.5 - 0.1), abs=0.03)


def test_one_colour_has_lost_everything() -> None:
    flat = np.full((SIDE, SIDE, 3), 0.5, np.float32)
    assert loss(flat, flat, noise(0)) > 0.95


def test_a_bare_wall_is_steady_and_wants_nothing() -> None:
    flat = np.full((SIDE, SIDE, 3), 0.5, np.float32)
    assert loss(flat, flat, flat) == 0
    assert loss(noise(0), noise(0), flat) == pytest.approx(0, abs=1e-3)
    assert loss(noise(0), noise(1), flat) == pytest.approx(1, abs=0.03)


def test_a_style_of_flat_washes_wants_no_grain() -> None:
    washed = blurred(noise(0, 0.3), 2.0)
    fine = noise(0, 0.3)
    assert loss(washed, washed, fine) > 0.5
    assert loss(washed, washed, fine, detail_energy([(washed, None)])) < 0.02


def test_strokes_are_wanted_on_a_bare_wall() -> None:
    flat, strokes_of = np.full((SIDE, SIDE, 3), 0.5, np.float32), noise(0)
    wanted = detail_energy([(strokes_of, None)])
    assert loss(strokes_of, strokes_of, flat, wanted) == pytest.approx(0, abs=1e-3)
    assert loss(blurred(strokes_of, 2.0), blurred(strokes_of, 2.0), flat, wanted) > 0.5
    assert loss(flat, flat, flat, wanted) > 0.95


def test_only_valid_pixels_count() -> None:
    here, carried, valid = noise(0), noise(0), EVERYWHERE.copy()
    valid[:, 40:] = False
    carried[:, 80:] = 1  # so far away that no octave reaches
    pair = Pair(here, carried, valid)
    (same,) = detail_loss([pair, None], [pair, None], SAME).known
    assert same == pytest.approx(0, abs=1e-3)
    assert detail_loss([pair, None], [pair, None], SAME).values[1] is None


def test_a_painting_on_a_plane_is_steady_and_its_decoys_are_not() -> None:
    unpainted, painted = flight(photograph(0), 3), flight(strokes(0), 3)
    found = measured(painted, unpainted)
    assert found.name == "geometric_detail_loss_1"
    assert (found.group, found.better) == ("consistency", "lower")
    own = value(painted, unpainted)
    assert value(unpainted, unpainted) < 0.2
    assert own < 0.2
    assert own < value(flickering(painted, 0.05), unpainted) < value(flickering(painted, 0.15), unpainted)
    blurs = [value(blurred_decoy(painted, sigma), unpainted) for sigma in (1.0, 2.0, 3.0, 6.0)]
    assert blurs == sorted(blurs)
    assert blurs[-1] > 0.6
    assert value(flat_decoy(painted), unpainted) > 0.95


def test_footage_without_pairs_has_the_reason() -> None:
    still = flight(strokes(0), 1)
    assert measured(still, still).reason == "1 frames have no pair that is 1 apart"
