"""Lifting pictures into a table, and masks that are rendered again."""

from __future__ import annotations

import numpy as np
import torch
from random_views import SIZE, random_view

from nst3d.operators.identity import IdentityView
from nst3d.operators.lift import lift, lift_masks, shown_share
from nst3d.operators.sparse import Csr, SparseView
from nst3d.tensors import Image, ImageSize

VIEWS = [random_view(seed=seed) for seed in range(6)]
COLOURS = VIEWS[0].num_colours


def test_a_region_of_ones_has_the_coverage_as_its_mask() -> None:
    for view in VIEWS:
        torch.testing.assert_close(view.mask(torch.ones(COLOURS, 1)), view.coverage)


def test_constant_pictures_lift_to_their_constant() -> None:
    constant = Image(torch.tensor([0.3, -2.0]).expand(*SIZE, 2))
    table, seen = lift(VIEWS, lambda view: constant, COLOURS, 2)
    rows = seen[:, 0] > 0
    assert 0 < int(rows.sum()) < COLOURS
    torch.testing.assert_close(table[rows], constant[0, 0].expand(int(rows.sum()), 2))
    assert not table[~rows].any()


def test_lift_by_hand() -> None:
    """Row 0 makes up half of a pixel of 1, and a quarter of one of 0: 0.5 · 1 / 0.75."""
    matrix = Csr(np.array([0, 1, 3], np.int64), np.array([0, 0, 1], np.int32), np.float32([0.5, 0.25, 0.75]))
    view = SparseView(ImageSize(1, 2), 3, np.arange(2, dtype=np.int32), matrix)
    picture = Image(torch.tensor([[[1.0], [0.0]]]))
    table, seen = lift([view], lambda number: picture, 3, 1)
    torch.testing.assert_close(table[:, 0], torch.tensor([2 / 3, 0, 0]))
    torch.testing.assert_close(seen[:, 0], torch.tensor([0.75, 0.75, 0]))


def test_views_without_a_picture_do_not_count() -> None:
    mask = Image(torch.rand(*SIZE, 1, generator=torch.Generator().manual_seed(0)))
    some = lift(VIEWS, lambda view: mask if view == 2 else None, COLOURS, 1)
    alone = lift(VIEWS[2:3], lambda view: mask, COLOURS, 1)
    torch.testing.assert_close(some[0], alone[0])
    torch.testing.assert_close(some[1], alone[1])


def test_constant_masks_lift_to_their_constant() -> None:
    weights, seen = lift_masks(VIEWS, lambda view: Image(torch.full((*SIZE, 1), 0.4)), COLOURS)
    torch.testing.assert_close(weights[seen > 0], torch.full((int((seen > 0).sum()),), 0.4))


def test_a_picture_keeps_its_mask() -> None:
    mask = Image(torch.rand(5, 7, 1, generator=torch.Generator().manual_seed(1)))
    weights, _ = lift_masks([IdentityView(ImageSize(5, 7))], lambda view: mask, 35)
    torch.testing.assert_close(weights.view(5, 7, 1), mask)


def test_corrected_masks_are_closer_to_what_was_masked() -> None:
    """Pixels that show four rows each: means alone blur a region over all that is seen beside it."""
    region = (torch.arange(COLOURS) % 3 == 0).float()[:, None]
    masks = [shown_share(view, region) for view in VIEWS]
    seen = lift(VIEWS, masks.__getitem__, COLOURS, 1)[1][:, 0] > 0
    plain = lift(VIEWS, masks.__getitem__, COLOURS, 1)[0]
    corrected = lift_masks(VIEWS, masks.__getitem__, COLOURS)[0]
    before, after = ((found - region)[seen].abs().mean() for found in (plain, corrected))
    assert after < 0.5 * before
    assert corrected.min() >= 0
    assert corrected.max() <= 1


def test_what_a_pixel_shows_of_all_is_all_of_it() -> None:
    share = shown_share(VIEWS[0], torch.ones(COLOURS, 1))
    torch.testing.assert_close(share, (VIEWS[0].coverage > 0).float())
