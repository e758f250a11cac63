from __future__ import annotations

import numpy as np

from nst3d.images.patches import patches


def test_patches_are_connected_through_sides() -> None:
    rows = ["##.#", "..#.", "###.", "#..."]
    mask = np.array([[c == "#" for c in row] for row in rows])
    number = patches(mask)
    assert (number[~mask] == -1).all()
    assert number[0, 0] == number[0, 1]
    assert number[1, 2] == number[2, 2] == number[2, 0] == number[3, 0]
    assert set(np.unique(number)) == {-1, 0, 1, 2}


def test_a_long_winding_patch_is_one() -> None:
    mask = np.ones((41, 60), bool)
    mask[1::4, :-1] = mask[3::4, 1:] = False
    assert patches(mask).max() == 0


def test_nothing_has_no_patches() -> None:
    assert (patches(np.zeros((3, 4), bool)) == -1).all()
