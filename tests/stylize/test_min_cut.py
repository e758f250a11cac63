"""The cut of least weight through a graph."""

from __future__ import annotations

import itertools

import numpy as np

from nst3d.stylize.teachers.min_cut import min_cut


def marks(count: int, *nodes: int) -> np.ndarray:
    found = np.zeros(count, bool)
    found[list(nodes)] = True
    return found


def test_a_path_is_cut_at_its_weakest_edge() -> None:
    edges, weights = np.array([[0, 1], [1, 2], [2, 3]]), np.array([3.0, 1.0, 2.0])
    assert min_cut(edges, weights, marks(4, 0), marks(4, 3)).tolist() == [True, True, False, False]


def test_a_boundary_of_least_error_runs_where_it_was_drawn() -> None:
    """Four columns and three rows between left and right: each row is cheap to cut at another place."""
    edges, weights = [], []
    cheap = [0, 1, 2]
    for row in range(3):
        for column in range(3):
            edges.append([4 * row + column, 4 * row + column + 1])
            weights.append(0.1 if cheap[row] == column else 1.0)
    for row, column in itertools.product(range(2), range(4)):
        edges.append([4 * row + column, 4 * row + 4 + column])
        weights.append(0.2)
    kept = min_cut(np.array(edges), np.array(weights), marks(12, 0, 4, 8), marks(12, 3, 7, 11))
    assert kept.reshape(3, 4).sum(1).tolist() == [1, 2, 3]


def test_no_cut_weighs_less() -> None:
    """Against all ways to divide the nodes of random graphs."""
    generator = np.random.default_rng(0)
    for _ in range(20):
        edges = np.array([e for e in itertools.combinations(range(7), 2) if generator.random() < 0.6])
        weights = generator.integers(0, 9, len(edges)).astype(float)

        def weight(sides: np.ndarray, edges: np.ndarray = edges, weights: np.ndarray = weights) -> float:
            return float(weights[sides[edges[:, 0]] != sides[edges[:, 1]]].sum())

        ways = (np.array([True, *way, False]) for way in itertools.product((True, False), repeat=5))
        found = min_cut(edges, weights, marks(7, 0), marks(7, 6))
        assert found[0]
        assert not found[6]
        assert weight(found) == min(map(weight, ways))


def test_without_a_way_between_them_only_the_sources_side_is_kept() -> None:
    kept = min_cut(np.array([[0, 1], [2, 3]]), np.ones(2), marks(4, 0), marks(4, 3))
    assert kept.tolist() == [True, True, False, False]
