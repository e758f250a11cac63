"""Which frames of a video are taken: sharp ones, at equal steps of motion."""

from __future__ import annotations

import numpy as np
import pytest

from nst3d.video.choose import FrameMeasures, choose_frames, measure_frames


def texture(height: int, width: int, seed: int = 0) -> np.ndarray:
    """Noise whose grains are some pixels wide, in [0, 255]."""
    fine = np.random.default_rng(seed).random((height + 8, width + 8))
    soft = sum(np.roll(fine, (y, x), (0, 1)) for y in range(4) for x in range(4))[:height, :width]
    return (soft - soft.min()) / np.ptp(soft) * 255


def pan(places) -> list[np.ndarray]:
    """Frames of 108 x 192 that begin at these columns of a wide picture."""
    wide = texture(108, 192 + max(places) + 1)
    return [wide[:, p : p + 192].astype(np.uint8) for p in places]


def test_motion_is_measured_in_shares_of_the_long_side() -> None:
    travel = measure_frames(pan(range(0, 300, 5))).travel
    assert travel[0] == 0
    assert (np.diff(travel) >= 0).all()
    assert travel[-1] == pytest.approx(295 / 192, rel=0.1)


def test_motion_goes_on_where_the_view_changes() -> None:
    """As on a walk around something: what is seen turns away, and a distant frame is not recognised."""
    pictures = [texture(108, 400, seed) for seed in range(26)]

    def frame(place: int) -> np.ndarray:
        older, share = divmod(place, 8)
        mixed = pictures[older] * (1 - share / 8) + pictures[older + 1] * (share / 8)
        return mixed[:, place : place + 192]

    travel = measure_frames(map(frame, range(200))).travel
    assert travel[-1] == pytest.approx(199 / 192, rel=0.15)
    assert np.diff(travel[::20]).min() > 0.05


def test_a_picture_at_rest_does_not_travel() -> None:
    assert measure_frames(pan([7] * 20)).travel.max() == 0


def test_zooming_is_motion() -> None:
    big = texture(216, 384)
    zoomed = [big[k : 216 - k : 2, round(k * 16 / 9) : 384 - round(k * 16 / 9) : 2] for k in range(0, 40, 4)]
    frames = [z[:68, :120].astype(np.uint8) for z in zoomed]
    assert measure_frames(frames).travel[-1] > 0.05


def test_blur_is_seen() -> None:
    frame = pan([0])[0].astype(float)
    blurred = (frame + np.roll(frame, 1, 1) + np.roll(frame, 2, 1) + np.roll(frame, 3, 1)) / 4
    sharp, soft = measure_frames([frame, blurred]).sharpness
    assert soft < 0.7 * sharp


def measures(travel, sharpness=None) -> FrameMeasures:
    travel = np.asarray(travel, float)
    return FrameMeasures(np.ones(len(travel)) if sharpness is None else np.asarray(sharpness), travel)


def test_steps_are_equal_in_motion_not_in_time() -> None:
    travel = np.concatenate([np.linspace(0, 3, 100), np.full(300, 3.0), np.linspace(3, 6, 100)])
    chosen = np.array(choose_frames(measures(travel), 500))
    assert len(chosen) == pytest.approx(6 / 0.04, abs=2)
    assert np.diff(travel[chosen]).max() < 0.15
    assert ((chosen >= 100) & (chosen < 400)).sum() < 20


def test_the_sharpest_of_neighbours_is_taken() -> None:
    sharpness = np.ones(400)
    sharpness[3::10] = 2
    chosen = np.array(choose_frames(measures(np.linspace(0, 2.4, 400), sharpness), 40))
    assert len(chosen) == 40
    assert (sharpness[chosen] == 2).mean() > 0.9


@pytest.mark.parametrize(
    ("count", "most", "taken"),
    [(5, 150, 5), (30, 150, 30), (600, 50, 50), (600, 150, 30), (40, 10, 10), (20, 4, 4)],
)
def test_how_many(count, most, taken) -> None:
    chosen = choose_frames(measures(np.linspace(0, 0.1 if most == 150 else 90, count)), most)
    assert len(chosen) == taken
    assert chosen == sorted(set(chosen))
    assert 0 <= chosen[0] < chosen[-1] < count


def test_a_video_without_motion_gives_frames_evenly_in_time() -> None:
    chosen = choose_frames(measures(np.zeros(300)), 100)
    assert len(chosen) == 30
    assert np.diff(chosen).max() <= 20
