"""Views with larger pixels, for what is not as fine as colours."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from nst3d.operators.base import ViewOperator
from nst3d.operators.cache import ViewCache


class CoarseViews:
    """Maps (view, stride) to a compiled view, as `StageScene.coarse` does."""

    def __init__(self, compile: Callable[[int, int], ViewOperator], count: int, budget_bytes: float) -> None:
        """`compile` makes the view of a number and a stride; those of each stride stay within the budget."""
        self._compile, self._count, self._budget = compile, count, budget_bytes
        self._by_stride: dict[int, ViewCache] = {}

    def __call__(self, view: int, stride: int) -> ViewOperator:
        """The view of a number and a stride."""
        if stride not in self._by_stride:
            self._by_stride[stride] = ViewCache(partial(self._at, stride), self._count, self._budget)
        return self._by_stride[stride][view]

    def _at(self, stride: int, view: int) -> ViewOperator:
        return self._compile(view, stride)
