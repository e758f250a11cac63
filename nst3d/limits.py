"""What the files of a command may make it read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from nst3d.errors import InputError

DEFAULT_MEMORY = 4.0
"""Size, in GiB, up to which a file is read into memory by default."""


@dataclass(frozen=True)
class Limits:
    """Limits for whatever is read while they are in force."""

    outside: bool = False
    """Whether names inside a file may lead out of its folder."""
    memory: float = DEFAULT_MEMORY
    """Size, in GiB, up to which a file is read into memory."""


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


def check_size(size: int, what: str) -> None:
    """Raise InputError for a file of `size` bytes that is too large to be read into memory."""
    most = limits().memory
    if size > most * 2**30:
        raise InputError(
            f"{what}: has more than {most:g} GiB, the limit for files that are read into memory; reduce it, or raise"
            " the limit with `memory` (GiB)"
        )
