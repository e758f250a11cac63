"""What happens during a job, and who hears of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from nst3d.cameras.pinhole import Camera
from nst3d.renderers.radiance import Frame
from nst3d.stylize.engine import Progress, RunState


@dataclass(frozen=True)
class Began:
    """A part of the job begins."""

    name: str


@dataclass(frozen=True)
class Note:
    """Something that the user should know."""

    text: str


@dataclass(frozen=True)
class Stepped:
    """A step of the painting is done."""

    progress: Progress
    preview: Callable[[Camera | None], Frame]
    """The scene as it is now, seen by a camera in the scene's frame; None: by one of its own. Changes nothing."""
    snapshot: Callable[[], RunState]
    """All that the run needs to continue from here."""


Event = Began | Note | Stepped
Listener = Callable[[Event], None]


class Events:
    """Tells every listener of everything, in the order given.

    A listener that raises an exception is dropped, and the others get a note: the job continues.
    """

    def __init__(self, listeners: Sequence[Listener] = ()) -> None:
        self._listeners = list(listeners)

    def tell(self, event: Event) -> None:
        """Pass an event on."""
        for listener in tuple(self._listeners):
            if listener not in self._listeners:
                continue
            try:
                listener(event)
            except Exception as error:  # whatever somebody else's code raises
                self._listeners.remove(listener)
                self.note(f"a listener failed and hears no more: {_named(listener)}: {_line(error)}")

    def phase(self, name: str) -> None:
        """A part of the job begins."""
        self.tell(Began(name))

    def note(self, text: str) -> None:
        """Something that the user should know."""
        self.tell(Note(text))


def _named(listener: Any) -> str:
    return getattr(listener, "__qualname__", type(listener).__qualname__)


def _line(error: Exception) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())
