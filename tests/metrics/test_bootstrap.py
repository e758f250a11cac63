"""How sure results are."""

from __future__ import annotations

import numpy as np
import pytest

from nst3d.metrics.bootstrap import interval, paired_interval, sign_test
from nst3d.metrics.measured import Measured


def rmse(*values: float | None) -> Measured:
    return Measured("geometric_rmse_1", "consistency", "lower", values)


def test_equal_values_leave_no_doubt() -> None:
    assert interval([0.25] * 8) == (0.25, 0.25, 0.25, 8)


def test_an_interval_is_that_of_the_normal_law_for_many_views() -> None:
    values = np.random.default_rng(5).normal(3, 2, 400)
    found = interval(values.tolist())
    assert found is not None
    half = 1.96 * values.std() / 20
    assert found.mean == pytest.approx(values.mean())
    assert (found.low, found.high) == pytest.approx((values.mean() - half, values.mean() + half), abs=0.02)
    narrower = interval(values.tolist(), confidence=0.5)
    assert narrower is not None
    assert narrower.high - narrower.low == pytest.approx(2 * half * 0.6745 / 1.96, rel=0.1)


def test_an_interval_is_the_same_for_the_same_seed() -> None:
    values = np.random.default_rng(2).random(40).tolist()
    assert interval(values, seed=3) == interval(values, seed=3) != interval(values, seed=4)


def test_views_that_could_not_be_measured_do_not_count() -> None:
    assert interval([0.5, None, 0.5]) == (0.5, 0.5, 0.5, 2)
    assert interval([0.5, None]) is None


def test_a_confidence_is_a_share() -> None:
    with pytest.raises(ValueError, match="confidence"):
        interval([1.0, 2.0], confidence=95)


def test_each_view_is_compared_with_itself() -> None:
    """Views differ by far more than the runs, of which one is always a little better."""
    hard = np.random.default_rng(1).uniform(0, 1, 20)
    one, other = rmse(*hard), rmse(*(hard + 0.01))
    found = paired_interval(one, other)
    assert found is not None
    assert found == pytest.approx((-0.01, -0.01, -0.01, 20))
    alone = interval(one.values)
    assert alone is not None
    assert alone.high - alone.low > 0.1


def test_a_difference_is_over_views_that_both_could_measure() -> None:
    found = paired_interval(rmse(1.0, None, 3.0, 4.0), rmse(0.5, 1.0, None, 3.5))
    assert found == (0.5, 0.5, 0.5, 2)


def test_only_equal_metrics_on_equal_views_are_compared() -> None:
    with pytest.raises(ValueError, match="different metrics"):
        paired_interval(rmse(1, 2), Measured("ssim", "content", "higher", (1, 2)))
    with pytest.raises(ValueError, match="2 and 3 views"):
        paired_interval(rmse(1, 2), rmse(1, 2, 3))


@pytest.mark.parametrize(
    ("wins", "losses", "p"),
    [
        (0, 0, 1),
        (5, 5, 1),
        (1, 0, 1),
        (10, 0, 2 / 1024),
        (0, 10, 2 / 1024),
        (9, 1, 22 / 1024),
        (8, 2, 112 / 1024),
    ],
)
def test_votes_are_tested_by_the_binomial_distribution(wins: int, losses: int, p: float) -> None:
    assert sign_test(wins, losses) == pytest.approx(p)


def test_thousands_of_votes_can_be_tested() -> None:
    assert sign_test(2600, 2400) == pytest.approx(0.00489, abs=2e-4)


def test_votes_are_counted() -> None:
    with pytest.raises(ValueError, match="negative"):
        sign_test(-1, 3)
