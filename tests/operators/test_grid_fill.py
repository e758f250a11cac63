"""Filling hardly seen nodes: what stays, where colours flow from, and what detail survives."""

from __future__ import annotations

import numpy as np
import pytest

from nst3d.operators.grid_fill import fill_hardly_seen

RED, GREEN = np.array([0.9, 0.1, 0.2], np.float32), np.array([0.1, 0.8, 0.1], np.float32)


@pytest.fixture
def slab() -> tuple[np.ndarray, np.ndarray]:
    """Nodes of 8 × 8 × 5 in mixed order, and sight that falls a hundredfold a layer from a surface in the middle."""
    nodes = np.argwhere(np.ones((8, 8, 5), bool)).astype(np.int32) + 3
    np.random.default_rng(0).shuffle(nodes)
    away = np.abs(nodes[:, 2] - 5)
    return nodes, (0.01**away).astype(np.float32)


def test_haze_takes_the_colour_of_the_surface_beside_it(slab):
    nodes, sight = slab
    surface = sight == 1
    before = np.full((len(nodes), 3), 0.5, np.float32)
    after = np.where(surface[:, None], np.where(nodes[:, :1] < 7, RED, GREEN), np.float32(0.5))
    filled = fill_hardly_seen(nodes, sight, before, after)
    assert np.array_equal(filled[surface], after[surface])
    for wanted, there in ((RED, nodes[:, 0] == 3), (GREEN, nodes[:, 0] == 10)):
        assert abs(filled[there & ~surface] - wanted).max() < 0.1


def test_well_seen_nodes_stay_to_the_bit(slab):
    nodes, _ = slab
    rng = np.random.default_rng(1)
    before, after = rng.random((2, len(nodes), 3), dtype=np.float32)
    sight = rng.uniform(0.5, 1, len(nodes)).astype(np.float32)
    assert np.array_equal(fill_hardly_seen(nodes, sight, before, after), after)


def test_what_no_view_sees_keeps_its_detail_and_takes_the_change_of_colour():
    nodes = np.argwhere(np.ones((16, 4, 4), bool)).astype(np.int32)
    sight = np.where(nodes[:, 0] < 6, 1.0, 0.0)
    before = np.random.default_rng(2).uniform(0.3, 0.5, (len(nodes), 3)).astype(np.float32)
    after = before + np.where(nodes[:, :1] < 6, np.float32(0.2), np.float32(0))
    filled = fill_hardly_seen(nodes, sight, before, after)
    beyond = nodes[:, 0] == 9  # farther than a node is compared with
    shift = (filled - before)[beyond]
    assert 0.03 < shift.min() <= shift.max() < 0.2
    assert np.ptp(shift) < 0.01


def test_speckles_at_a_rim_that_few_views_saw_are_gone():
    nodes = np.argwhere(np.ones((24, 6, 6), bool)).astype(np.int32)
    sight = np.where(nodes[:, 0] < 8, 1.0, 1e-3)
    before = np.full((len(nodes), 3), 0.5, np.float32)
    rim = nodes[:, 0] >= 8
    after = np.where(rim[:, None], np.random.default_rng(3).random(before.shape), 0.6).astype(np.float32)
    filled = fill_hardly_seen(nodes, sight, before, after)
    assert filled[rim].std() < 0.2 * after[rim].std()


def test_without_neighbours_or_sight_all_stays():
    apart = np.array([[0, 0, 0], [5, 5, 5]], np.int32)
    before, after = np.zeros((2, 3), np.float32), np.stack([RED, GREEN])
    assert np.array_equal(fill_hardly_seen(apart, np.array([1.0, 0.0]), before, after), after)
    beside = np.array([[0, 0, 0], [0, 0, 1]], np.int32)
    assert np.array_equal(fill_hardly_seen(beside, np.zeros(2), before, after), after)
