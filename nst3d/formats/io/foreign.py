"""Readers of other packages: whatever goes wrong in them is one line with the file's name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from nst3d.errors import InputError, cut


def careful(
    load: Callable[..., Any], words: str, check: Callable[[Any], None] = lambda loaded: None
) -> Callable[..., Any]:
    """A reader that raises InputError for any error of `load` and of the `check` of its result.

    `words` say what is read, "an OFF". nst3d's own readers are returned as they are.
    """
    if getattr(load, "__module__", "").startswith("nst3d."):
        return load

    def read(path: Path, *rest: Any) -> Any:
        try:
            loaded = load(path, *rest)
            check(loaded)
        except InputError:
            raise
        except Exception as error:  # another package's reader may raise anything for a damaged file
            why = cut(str(error)) or "no message"
            raise InputError(f"{path}: cannot be read as {words} ({type(error).__name__}: {why})") from error
        return loaded

    return read
