"""A few colours that stand for many."""

from __future__ import annotations

import numpy as np
import pytest

from nst3d.images.quantise import nearest, quantise


def colours(count: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (count, 3)).astype(np.uint8)


def test_few_colours_are_kept_exactly():
    few = colours(200)
    table = few[np.random.default_rng(1).integers(0, 200, 5000)]
    palette, entry = quantise(table, np.ones(5000), 255)
    assert palette.dtype == np.uint8
    assert len(palette) <= 200
    assert np.array_equal(palette[entry], table)


@pytest.mark.parametrize("most", [1, 2, 17, 255])
def test_no_more_colours_than_allowed_and_each_takes_the_nearest(most):
    table = colours(4000)
    palette, entry = quantise(table, np.ones(4000), most)
    assert len(palette) <= most
    assert len(np.unique(palette, axis=0)) == len(palette)
    distance = np.square(table[:, None].astype(int) - palette[None].astype(int)).sum(2)
    assert (distance[np.arange(4000), entry] == distance.min(1)).all()


def test_one_colour_is_the_weighted_mean():
    table = np.array([[0, 0, 0], [200, 100, 40]], np.uint8)
    palette, entry = quantise(table, np.array([3.0, 1.0]), 1)
    assert palette.tolist() == [[50, 25, 10]]
    assert entry.tolist() == [0, 0]


def test_separate_clusters_are_found():
    middles = np.array([[20, 30, 40], [200, 30, 40], [20, 200, 40], [30, 40, 220], [128, 128, 128]])
    rng = np.random.default_rng(0)
    label = rng.integers(0, 5, 3000)
    table = (middles[label] + rng.integers(-6, 7, (3000, 3))).astype(np.uint8)
    palette, entry = quantise(table, np.ones(3000), 5)
    assert np.abs(palette[entry].astype(int) - middles[label]).max() <= 1


def test_many_colours_come_close_and_the_result_is_always_the_same():
    rng = np.random.default_rng(3)
    table = np.clip(128 + 40 * rng.normal(size=(24_000, 3)), 0, 255).astype(np.uint8)
    palette, entry = quantise(table, np.ones(len(table)), 255)
    error = palette[entry].astype(float) - table
    assert np.sqrt(np.square(error).mean()) < 9  # 255 cubes of equal volume would leave about as much
    again, entry_again = quantise(table, np.ones(len(table)), 255)
    assert np.array_equal(palette, again)
    assert np.array_equal(entry, entry_again)


def test_nearest_takes_the_first_of_equals():
    assert nearest(np.array([[1.0, 0, 0]]), np.array([[2.0, 0, 0], [0, 0, 0]])).tolist() == [0]
