"""What the files of a command may make it read and allocate. Every reader asks here first."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from nst3d.errors import InputError

DEFAULT_MEMORY = 4.0
"""GiB that one asset may take when decoded."""


@dataclass(frozen=True)
class Limits:
    """Limits for whatever is read while they are in force."""

    outside: bool = False
    """Whether names inside a file may lead out of its folder."""
    memory: float = DEFAULT_MEMORY
    """Size, in GiB, up to which one asset may be decoded: pictures, archives, arrays, instances."""


class Budget:
    """Counts the bytes that one asset takes when decoded."""

    def __init__(self) -> None:
        self.spent = 0

    def spend(self, size: int, what: str) -> None:
        """Count `size` bytes for `what`, before they are allocated. Raises InputError beyond the limit."""
        self.spent += size
        most = limits().memory
        if self.spent > most * 2**30:
            raise InputError(
                f"{what}: would take more than {most:g} GiB of memory when decoded; reduce the asset,"
                " or raise the limit with `memory` (GiB)"
            )


_LIMITS: ContextVar[Limits] = ContextVar("limits", default=Limits())  # noqa: B039 (frozen)


def limits() -> Limits:
    """The limits in force."""
    return _LIMITS.get()


@contextmanager
def limited(chosen: Limits) -> Iterator[None]:
    """Put limits in force within a `with` block."""
    token = _LIMITS.set(chosen)
    try:
        yield
    finally:
        _LIMITS.reset(token)
