"""Ctrl-C and SIGTERM that wait for work which counts only as a whole."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

_STOPS = (signal.SIGINT, signal.SIGTERM)


def stop_on_terminate() -> None:
    """Let SIGTERM raise KeyboardInterrupt in the main thread, like Ctrl-C, unless it does something of its own."""
    main = threading.current_thread() is threading.main_thread()
    if main and signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
        signal.signal(signal.SIGTERM, signal.default_int_handler)


def ignore_stops() -> None:
    """Ignore Ctrl-C and SIGTERM from now on, in a process that is exiting and cleaning up."""
    for number in _STOPS:
        signal.signal(number, signal.SIG_IGN)


@contextmanager
def stoppable() -> Iterator[Callable[[], bool]]:
    """Whether Ctrl-C was pressed since: the first only marks it, a second one raises KeyboardInterrupt at once.

    SIGTERM counts as well after `stop_on_terminate`. Outside of the main thread, and where a signal does something of
    its own, nothing is changed.
    """
    main = threading.current_thread() is threading.main_thread()
    stops = [n for n in _STOPS if main and signal.getsignal(n) is signal.default_int_handler]
    asked: list[int] = []

    def ask(number: int, frame: FrameType | None) -> None:
        if asked:
            raise KeyboardInterrupt
        asked.append(number)

    for number in stops:
        signal.signal(number, ask)
    try:
        yield lambda: bool(asked)
    finally:
        for number in stops:
            signal.signal(number, signal.default_int_handler)
