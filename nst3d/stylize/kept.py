"""A cache with a memory budget and least-recently-used eviction."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable, Iterator, Mapping, MutableMapping
from typing import Any, TypeVar

import torch

from nst3d.tensors import Array

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value", bound="Mapping[str, torch.Tensor] | tuple[torch.Tensor | Array, ...]")


class Kept(MutableMapping[Key, Value]):
    """A mapping whose tensors stay within a budget in bytes, except that one value is always kept."""

    def __init__(self, budget_bytes: float) -> None:
        self._budget = budget_bytes
        self._values: OrderedDict[Key, Value] = OrderedDict()
        self.nbytes = 0
        """Total bytes of all tensors."""

    def __getitem__(self, key: Key) -> Value:
        self._values.move_to_end(key)
        return self._values[key]

    def __setitem__(self, key: Key, value: Value) -> None:
        if key in self._values:
            del self[key]
        self._values[key] = value
        self.nbytes += _nbytes(value)
        while self.nbytes > self._budget and len(self._values) > 1:
            del self[next(iter(self._values))]

    def __delitem__(self, key: Key) -> None:
        self.nbytes -= _nbytes(self._values.pop(key))

    def __contains__(self, key: Any) -> bool:
        return key in self._values

    def __iter__(self) -> Iterator[Key]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)


def _nbytes(value: Mapping[str, torch.Tensor] | tuple[torch.Tensor | Array, ...]) -> int:
    return sum(t.nbytes for t in (value.values() if isinstance(value, Mapping) else value))
