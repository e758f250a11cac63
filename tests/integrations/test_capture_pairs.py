"""Which photographs are matched with each other."""

from __future__ import annotations

import numpy as np

from nst3d.integrations.pycolmap.pairs import alike_pairs, all_pairs, ordered_pairs


def test_all_pairs() -> None:
    assert all_pairs(4) == [(0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3)]


def test_frames_are_matched_with_those_before_and_after_and_some_far_away() -> None:
    pairs = ordered_pairs(100)
    assert {j for i, j in pairs if i == 10} == {*range(11, 21), 26, 42, 74}
    assert all(0 <= i < j < 100 for i, j in pairs)
    assert ordered_pairs(3) == {(0, 1), (0, 2), (1, 2)}


def test_stills_that_share_features_are_found_however_far_apart() -> None:
    random = np.random.default_rng(0)
    places = [random.integers(0, 256, (40, 128)) for _ in range(20)]
    stills = [*places, *reversed(places)]  # the way there and back
    noisy = [np.clip(still + random.normal(0, 4, still.shape), 0, 255).astype(np.uint8) for still in stills]
    pairs = alike_pairs(noisy)
    assert pairs >= {(i, 39 - i) for i in range(20)}
    assert len(pairs) < 100


def test_stills_without_features_are_left_out() -> None:
    some = np.random.default_rng(0).integers(0, 256, (30, 128)).astype(np.uint8)
    none = np.empty((0, 128), np.uint8)
    assert alike_pairs([some, none, some]) == {(0, 2)}
