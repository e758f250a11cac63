from __future__ import annotations

import torch

from nst3d.stylize.kept import Kept

FOUR = 16  # bytes of four floats


def value(number: int) -> dict[str, torch.Tensor]:
    return {"a": torch.full((3,), float(number)), "b": torch.zeros(1)}


def test_the_budget_holds_and_the_least_recently_used_is_forgotten() -> None:
    kept: Kept[int, dict[str, torch.Tensor]] = Kept(2 * FOUR)
    kept[0], kept[1] = value(0), value(1)
    assert kept.nbytes == 2 * FOUR
    assert kept[0]["a"][0] == 0  # used: now 1 is the oldest
    kept[2] = value(2)
    assert list(kept) == [0, 2]
    assert 1 not in kept
    assert kept.nbytes == 2 * FOUR


def test_one_value_is_always_kept() -> None:
    kept: Kept[int, dict[str, torch.Tensor]] = Kept(1)
    kept[0], kept[1] = value(0), value(1)
    assert list(kept) == [1]


def test_what_is_set_again_counts_once() -> None:
    kept: Kept[str, tuple[torch.Tensor, ...]] = Kept(1000)
    kept["x"] = (torch.zeros(4), torch.zeros(4))
    kept["x"] = (torch.zeros(4),)
    assert kept.nbytes == FOUR
    kept.clear()
    assert (len(kept), kept.nbytes) == (0, 0)
