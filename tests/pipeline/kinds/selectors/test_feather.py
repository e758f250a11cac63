"""Feathered borders."""

from __future__ import annotations

import numpy as np
import torch

from nst3d.pipeline.kinds.selectors.feather import feathered

LINE = np.stack([np.arange(-50, 50) + 0.5, np.zeros(100), np.zeros(100)], axis=1)
"""Rows one apart, with a border of regions between them at 0."""
RIGHT = torch.from_numpy((LINE[:, :1] > 0).astype(np.float32))


def test_the_ramp_is_a_smooth_step_of_its_width_about_the_border() -> None:
    ramp = feathered(RIGHT, LINE, 20.0)[:, 0].numpy()
    share = np.clip(0.5 + LINE[:, 0] / 20, 0, 1)
    np.testing.assert_allclose(ramp, share * share * (3 - 2 * share), atol=1e-6)
    assert (ramp[LINE[:, 0] <= -10] == 0).all()
    assert (ramp[LINE[:, 0] >= 10] == 1).all()


def test_weights_grow_with_the_region_and_with_the_depth_inside() -> None:
    rng = np.random.default_rng(0)
    places = rng.uniform(-1, 1, (500, 3))
    small = torch.from_numpy((np.linalg.norm(places, axis=1) < 0.6).astype(np.float32))[:, None]
    large = torch.maximum(small, torch.from_numpy(rng.random((500, 1)) < 0.2).float())
    soft = torch.maximum(small, torch.from_numpy(rng.random((500, 1), dtype=np.float32)))
    for other in (large, soft):
        assert (feathered(small, places, 0.4) <= feathered(other, places, 0.4) + 1e-6).all()
    assert (np.diff(feathered(RIGHT, LINE, 30.0)[:, 0].numpy()) >= 0).all()


def test_a_wider_feather_reaches_farther() -> None:
    reach = [(feathered(RIGHT, LINE, width)[:, 0].numpy() > 0).sum() for width in (0.0, 4.0, 10.0, 40.0)]
    assert reach == sorted(reach)
    assert reach[0] == 50
    assert reach[-1] == 70


def test_the_outside_is_feathered_like_the_inside() -> None:
    torch.testing.assert_close(feathered(1 - RIGHT, LINE, 12.0), 1 - feathered(RIGHT, LINE, 12.0))


def test_regions_without_a_border_and_rows_that_show_nowhere_stay() -> None:
    ones = torch.ones(100, 1)
    torch.testing.assert_close(feathered(ones, LINE, 9.0), ones)
    lost = np.where(np.arange(100)[:, None] == 3, np.nan, LINE)
    column = RIGHT.clone()
    column[3] = 0.7
    assert feathered(column, lost, 9.0)[3] == column[3]


def test_rows_far_from_the_border_are_skipped_without_a_difference() -> None:
    """Every row against every other, in a cloud of which most is far from the border, with a tiny feather, too."""
    rng = np.random.default_rng(1)
    places = rng.uniform(-1, 1, (400, 3)) + np.array([100, 0, 0])
    inside = places[:, 1] > 0.3
    apart = np.linalg.norm(places[:, None] - places, axis=2)
    gap = np.median(np.partition(apart[::4], 1, axis=1)[:, 1])
    distance = np.where(inside, apart[:, ~inside].min(1), apart[:, inside].min(1))
    for width in (0.3, 1e-7):
        share = np.clip(0.5 + np.where(inside, 1, -1) * np.maximum(distance - gap / 2, 0) / width, 0, 1)
        column = torch.from_numpy(inside.astype(np.float32))[:, None]
        ramp = feathered(column, places, width)[:, 0].numpy()
        np.testing.assert_allclose(ramp, share * share * (3 - 2 * share), atol=1e-6)
