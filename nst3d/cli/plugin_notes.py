"""Prints warnings about installed plugins as notes, one line each."""

from __future__ import annotations

import contextlib
import sys
import warnings
from collections.abc import Iterator
from typing import Any

from nst3d.plugins import PluginWarning


@contextlib.contextmanager
def plugin_notes() -> Iterator[None]:
    """A context that prints each PluginWarning as a note on stderr; other warnings are shown as usual."""
    with warnings.catch_warnings():
        shown = warnings.showwarning

        def show(message: Warning | str, category: type[Warning], *where: Any, **more: Any) -> None:
            if issubclass(category, PluginWarning):
                print(f"note: {message}", file=sys.stderr)
            else:
                shown(message, category, *where, **more)

        warnings.showwarning = show
        warnings.simplefilter("always", PluginWarning)
        yield
