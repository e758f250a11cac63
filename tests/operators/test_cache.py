"""Views within a budget: what is held, what goes to the disk, and that it comes back as it was."""

from __future__ import annotations

import gc
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from random_views import SIZE, random_view, shading

from nst3d.operators import IdentityView, Offset, Shaded, SparseView, ViewCache, ViewOperator
from nst3d.operators.sparse import Csr

COUNT = 6
ONE = random_view().nbytes


def view_of(made: list[int], number: int) -> SparseView:
    made.append(number)
    return random_view(seed=number)


def same(a: SparseView, b: SparseView) -> bool:
    mine, theirs = (v.arrays().arrays for v in (a, b))
    return mine.keys() == theirs.keys() and all(
        mine[k].dtype == theirs[k].dtype and np.array_equal(mine[k], theirs[k]) for k in mine
    )


@pytest.fixture
def made() -> list[int]:
    return []


def cache_of(made: list[int], budget: float, folder: Path | None = None) -> ViewCache:
    return ViewCache(partial(view_of, made), COUNT, budget, folder)


def test_within_the_budget_nothing_is_compiled_twice_or_written(made, tmp_path) -> None:
    cache = cache_of(made, 1e9, tmp_path)
    assert len(cache) == COUNT
    assert made == []
    first = [*cache]
    assert [*cache] == first
    assert made == [*range(COUNT)]
    assert cache.nbytes == cache.total_bytes == sum(v.nbytes for v in first)
    assert (cache.spills, [*tmp_path.iterdir()]) == (0, [])


@pytest.mark.parametrize("room", [1.5, 2.6, 4.0])
def test_the_budget_holds_and_views_come_back_bit_for_bit(made, tmp_path, room) -> None:
    cache = cache_of(made, room * ONE, tmp_path)
    order = np.random.default_rng(0).integers(0, COUNT, 60)
    for number in order:
        view = cache[int(number)]
        assert cache.nbytes <= room * ONE
        assert same(view, random_view(seed=int(number)))
    assert sorted(made) == [*range(COUNT)]  # the disk gave the others
    assert cache.spills > 0
    colours = torch.rand(17, 3)
    assert torch.equal(cache[3].apply(colours), random_view(seed=3).apply(colours))
    image = torch.rand(*SIZE, 3)
    assert torch.equal(cache[3].adjoint(image), random_view(seed=3).adjoint(image))


def test_one_view_larger_than_the_budget_is_still_given(made) -> None:
    cache = cache_of(made, 1)
    assert all(same(view, random_view(seed=i)) for i, view in enumerate(cache))
    assert cache.nbytes <= ONE * 1.3


def test_the_least_recently_used_goes_first(made) -> None:
    cache = cache_of(made, 2.6 * ONE)
    kept, _ = cache[0], cache[1]
    assert cache[0] is kept  # used again: now 1 is the oldest
    _ = cache[2]
    assert cache[0] is kept
    _ = cache[1]
    _ = cache[2]
    assert cache[0] is not kept


def test_the_folder_goes_with_the_cache(made, tmp_path) -> None:
    cache = cache_of(made, ONE, tmp_path)
    _ = [*cache]
    assert len([*tmp_path.iterdir()]) == 1
    cache.close()
    assert [*tmp_path.iterdir()] == []
    assert cache.nbytes == 0
    assert same(cache[2], random_view(seed=2))
    _ = [*cache]
    del cache
    gc.collect()
    assert [*tmp_path.iterdir()] == []


def test_what_cannot_be_stored_is_compiled_again(tmp_path) -> None:
    made = []

    def compile(number: int) -> ViewOperator:
        made.append(number)
        return IdentityView(SIZE)

    cache = ViewCache(compile, 2, 1, tmp_path)
    _ = cache[0], cache[1], cache[0]
    assert made == [0, 1, 0]
    assert [*tmp_path.iterdir()] == []


def test_without_room_on_the_disk_views_are_compiled_again(made, tmp_path) -> None:
    cache = cache_of(made, ONE, tmp_path / "missing")
    _ = cache[0], cache[1]
    assert same(cache[0], random_view(seed=0))
    assert made == [0, 1, 0]


@pytest.mark.parametrize("layers", [1, 2])
def test_composites_come_back_too(layers, tmp_path) -> None:
    constants = torch.rand(layers, *SIZE, 3, generator=torch.Generator().manual_seed(0))

    def compile(number: int) -> ViewOperator:
        view: ViewOperator = Shaded(random_view(seed=number), shading())
        for constant in constants:
            view = Offset(view, constant)
        return view

    cache = ViewCache(compile, 2, 1, tmp_path)
    colours = torch.rand(17, 3)
    wanted = cache[0].render(colours, 0.3)
    _ = cache[1]
    assert torch.equal(cache[0].render(colours, 0.3), wanted)
    assert cache.compiled == 2


def test_an_empty_view_comes_back(tmp_path) -> None:
    def compile(number: int) -> ViewOperator:
        nothing = np.empty(0, np.int32)
        return SparseView(SIZE, 5, nothing, Csr(np.zeros(1, np.int64), nothing, np.empty(0, np.float32)))

    cache = ViewCache(compile, 2, 1, tmp_path)
    _ = cache[0], cache[1]
    assert (cache[0].coverage == 0).all()
    assert cache.compiled == 2


def test_numbers_count_from_either_end(made) -> None:
    cache = cache_of(made, 1e9)
    assert cache[-1] is cache[COUNT - 1]
    assert cache[1:3] == [cache[1], cache[2]]
    with pytest.raises(IndexError):
        cache[COUNT]
    assert isinstance(Shaded(cache[0], shading()).view, SparseView)
