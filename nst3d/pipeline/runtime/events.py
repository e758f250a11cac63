"""What happens during a job, and who hears about it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from nst3d.cameras.pinhole import Camera
from nst3d.renderers.radiance import Frame
from nst3d.stylize.engine import Progress, RunState

DISPLACING = "displacing"
"""Name of the part in which a mesh's shape is stylised."""


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
    """The scene as it is now, seen by a camera in the frame that it is rendered in; None: by one of its own. Changes
    nothing."""
    snapshot: Callable[[], RunState]
    """All that the run needs to continue from here."""


@dataclass(frozen=True)
class Fitted:
    """A step of a reconstruction is done."""

    iteration: int
    """From 1, in all levels together."""
    iterations: int
    """In all."""
    psnr: float
    """PSNR of the last steps' rays, dB."""
    nodes: int
    """Nodes of the grid."""
    seconds: float
    """Seconds spent fitting, those before it was resumed included."""


Event = Began | Note | Stepped | Fitted
Listener = Callable[[Event], None]


class Handler:
    """A listener with one method per event, which do nothing: override those of interest."""

    def __call__(self, event: Event) -> None:
        """Hand the event to its method."""
        if isinstance(event, Began):
            self.phase(event.name)
        elif isinstance(event, Note):
            self.note(event.text)
        elif isinstance(event, Stepped):
            self.step(event)
        else:
            self.fitted(event)

    def phase(self, name: str) -> None:
        """A part of the job begins."""

    def note(self, text: str) -> None:
        """Something that the user should know."""

    def step(self, event: Stepped) -> None:
        """A step of the painting is done."""

    def fitted(self, event: Fitted) -> None:
        """A step of a reconstruction is done."""


class Events:
    """Tells every listener about every event, in the order given.

    A listener that raises an exception is dropped, and the others get a note: the job continues. KeyboardInterrupt
    passes, and stops the job as Ctrl-C does.
    """

    def __init__(self, listeners: Listener | Iterable[Listener] = ()) -> None:
        self._listeners = [listeners] if callable(listeners) else list(listeners)

    def add(self, listener: Listener) -> None:
        """From now on, tell a further listener."""
        self._listeners.append(listener)

    def tell(self, event: Event) -> None:
        """Pass an event on."""
        for listener in tuple(self._listeners):
            try:
                listener(event)
            except Exception as error:  # whatever another package's code raises
                self._listeners.remove(listener)
                self.note(f"{_named(listener)} failed and hears no more events of this job: {_line(error)}")

    def phase(self, name: str) -> None:
        """A part of the job begins."""
        self.tell(Began(name))

    def note(self, text: str) -> None:
        """Something that the user should know."""
        self.tell(Note(text))


def _named(listener: Any) -> str:
    return f"listener {getattr(listener, '__qualname__', type(listener).__qualname__)}"


def _line(error: Exception) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())
