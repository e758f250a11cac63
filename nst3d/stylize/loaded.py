"""What guides load once for a run, though each stage and each region has a guide of its own."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any, TypeVar, cast

Thing = TypeVar("Thing")


class Loaded:
    """Things by key, such as a network by its name and device; they stay until the run ends."""

    def __init__(self) -> None:
        self._things: dict[Hashable, Any] = {}

    def once(self, key: Hashable, load: Callable[[], Thing]) -> Thing:
        """What `load` returned when a key was first asked for; it is shared, so nobody may change it.

        Begin the key with a name of your own, as other guides have keys, too.
        """
        if key not in self._things:
            self._things[key] = load()
        return cast(Thing, self._things[key])
