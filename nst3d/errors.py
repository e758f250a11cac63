"""Exceptions whose message is meant for the user: one line, printed without a traceback."""

from __future__ import annotations

import reprlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_SHOWN = 80
_SHORT = reprlib.Repr()
_SHORT.maxlevel, _SHORT.maxstring, _SHORT.maxother, _SHORT.maxlong = 2, _SHOWN, _SHOWN, 40


class Nst3dError(Exception):
    """An error that the user can fix; the message says what is wrong, where, and what to do."""


class InputError(Nst3dError):
    """A file or folder that cannot be used: missing, unreadable, of the wrong kind, or damaged."""


class TooLargeError(InputError):
    """A file whose contents would take more memory than the limit for what is read."""


class NoMemoryError(Nst3dError):
    """Memory that ran out while something was computed; the message says what to make smaller."""


class OutputError(Nst3dError):
    """A result that cannot be written: the folder exists, no permission, disk full."""


class ConfigError(Nst3dError):
    """An invalid setting, by itself or in combination with others."""


class MissingDependencyError(Nst3dError):
    """An optional package or weight file that is not installed; the message says how to get it."""


def shown(value: Any) -> str:
    """A value from a file for a message: at most 80 characters, whatever its size and nesting."""
    try:
        return _SHORT.repr(value)[:_SHOWN]
    except (ValueError, RecursionError):  # an integer of more digits than Python prints
        return f"a {type(value).__name__} that is too large to print"


def cut(text: str) -> str:
    """Words from a file for a message, on one line: at most 80 characters."""
    line = " ".join(text[: 4 * _SHOWN].split())
    return line if len(line) <= _SHOWN and len(text) <= 4 * _SHOWN else line[: _SHOWN - 1] + "…"


def ran_out(error: BaseException) -> bool:
    """Whether memory ran out, of the machine or of its GPU, which torch reports as kinds of RuntimeError."""
    text = str(error).lower()
    exhausted = "out of memory" in text or "can't allocate memory" in text
    named = type(error).__name__ == "OutOfMemoryError"
    return isinstance(error, MemoryError) or (isinstance(error, RuntimeError) and (exhausted or named))


def on_gpu(error: BaseException) -> bool:
    """Whether the memory that ran out is that of a GPU."""
    return type(error).__name__ == "OutOfMemoryError" or "cuda" in str(error).lower()


@contextmanager
def sparing(what: str, smaller: str) -> Iterator[None]:
    """Raise NoMemoryError where memory runs out within; `what` ran, and `smaller` says what needs less."""
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if not ran_out(error):
            raise
        gpu = on_gpu(error)
        place, other = ("the GPU's memory", ", or `device='cpu'`") if gpu else ("memory", "")
        raise NoMemoryError(f"{what}: {place} is full; use {smaller}{other}") from None
