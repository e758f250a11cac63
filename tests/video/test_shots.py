"""Cuts between shots, and the frames that stand for a shot."""

from __future__ import annotations

import numpy as np

from nst3d.video.shots import find_shots


def panned(start: int, count: int, seed: int) -> list[np.ndarray]:
    """Frames of a view that moves over one picture, numbered in their first pixel."""
    picture = np.random.default_rng(seed).integers(0, 255, (5, 16, 3)).repeat(16, 0).repeat(16, 1)[:72]
    frames = [picture[:, 2 * k : 2 * k + 128].astype(np.uint8).copy() for k in range(count)]
    for number, frame in enumerate(frames, start):
        frame[0, 0] = number
    return frames


def test_frames_are_cut_where_they_differ() -> None:
    frames = [*panned(0, 14, 1), *panned(14, 3, 2), *panned(17, 20, 3)]
    assert [(s.start, s.end) for s in find_shots(frames)] == [(0, 14), (14, 17), (17, 37)]


def test_one_frame_is_a_shot() -> None:
    assert [(s.start, s.end, len(s.samples)) for s in find_shots(panned(0, 1, 1))] == [(0, 1, 1)]


def test_a_fade_is_no_cut() -> None:
    bright = panned(0, 30, 1)
    faded = [(frame * (k / 29)).astype(np.uint8) for k, frame in enumerate(bright)]
    assert len(list(find_shots(faded))) == 1


def test_a_later_shot_is_cut_alike() -> None:
    frames = [*panned(0, 14, 1), *panned(14, 9, 2), *panned(23, 20, 3)]
    whole, later = list(find_shots(frames))[1:], list(find_shots(frames[14:], 14))
    assert [(s.start, s.end) for s in later] == [(s.start, s.end) for s in whole]
    for one, other in zip(whole, later, strict=True):
        assert np.array_equal(one.samples, other.samples)


def test_samples_are_spread_over_the_shot() -> None:
    still = np.zeros((36, 64, 3), np.uint8)
    frames = (
        np.where(np.arange(36)[:, None, None] == 0, k % 256, still).astype(np.uint8) for k in range(200)
    )
    (shot,) = find_shots(frames)
    numbers = [int(sample[0, 0, 0]) for sample in shot.samples]
    assert len(numbers) == 8
    assert numbers[0] == 0
    assert numbers[-1] >= 175
    assert max(np.diff(numbers)) <= 2 * min(np.diff(numbers))
