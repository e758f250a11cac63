"""The events of a job, and their listeners."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from nst3d.cameras.pinhole import Camera
from nst3d.renderers.radiance import Frame
from nst3d.stylize.engine import Progress, RunState

DISPLACING = "displacing"
"""Name of the phase in which a mesh's shape is stylised."""


@dataclass(frozen=True)
class Began:
    """A phase of the job begins."""

    name: str


@dataclass(frozen=True)
class Note:
    """Something that the user should know."""

    text: str


@dataclass(frozen=True)
class Counted:
    """One more of a number of like things is done: of the photographs, one is read."""

    done: int
    """How many are done."""
    total: int
    """How many there are."""
    things: str
    """What they are, in the plural."""
    seconds: float
    """Seconds since the first one began."""

    @property
    def seconds_left(self) -> float:
        """Estimated seconds until all are done."""
        return self.seconds / max(self.done, 1) * (self.total - self.done)


@dataclass(frozen=True)
class Ready:
    """The scene is read, and its painting begins."""

    preview: Callable[[Camera | None], Frame]
    """Renders the scene in the colours that painting starts from, like that of a step."""


@dataclass(frozen=True)
class Stepped:
    """A step of the painting is done."""

    progress: Progress
    preview: Callable[[Camera | None], Frame]
    """Renders the current scene from a camera in the frame that it is rendered in; None: from one of its own.
    Has no side effects."""
    snapshot: Callable[[], RunState]
    """Returns the state from which the run can continue."""


@dataclass(frozen=True)
class Fitted:
    """A step of a reconstruction is done."""

    iteration: int
    """Iteration number from 1, counted over all levels."""
    iterations: int
    """Total number of iterations."""
    psnr: float
    """PSNR over the rays of recent steps, dB."""
    nodes: int
    """Number of grid nodes."""
    seconds: float
    """Seconds spent fitting, including those before a resume."""


Event = Began | Note | Counted | Ready | Stepped | Fitted
Listener = Callable[[Event], None]


class Handler:
    """A listener with one method per event; all do nothing, override those of interest."""

    def __call__(self, event: Event) -> None:
        """Dispatch the event to its method."""
        if isinstance(event, Began):
            self.phase(event.name)
        elif isinstance(event, Note):
            self.note(event.text)
        elif isinstance(event, Counted):
            self.counted(event)
        elif isinstance(event, Ready):
            self.ready(event)
        elif isinstance(event, Stepped):
            self.step(event)
        else:
            self.fitted(event)

    def phase(self, name: str) -> None:
        """A phase of the job begins."""

    def note(self, text: str) -> None:
        """Something that the user should know."""

    def counted(self, event: Counted) -> None:
        """One more of a number of like things is done."""

    def ready(self, event: Ready) -> None:
        """The scene is read, and its painting begins."""

    def step(self, event: Stepped) -> None:
        """A step of the painting is done."""

    def fitted(self, event: Fitted) -> None:
        """A step of a reconstruction is done."""


class Events:
    """Passes every event to every listener, in the order given, and collects the notes for the job's summary.

    A listener that raises an exception is dropped, and the others get a note: the job continues. KeyboardInterrupt
    passes through and stops the job, like Ctrl-C.
    """

    def __init__(self, listeners: Listener | Iterable[Listener] = ()) -> None:
        self._listeners = [listeners] if callable(listeners) else list(listeners)
        self.notes: list[str] = []
        """All notes so far, each once."""

    def add(self, *own: Listener) -> None:
        """Add the job's own listeners, which hear of events before the caller's, who may stop the job."""
        self._listeners[:0] = own

    def tell(self, event: Event) -> None:
        """Pass an event to all listeners."""
        if isinstance(event, Note) and event.text not in self.notes:
            self.notes.append(event.text)
        for listener in tuple(self._listeners):
            if listener not in self._listeners:  # dropped meanwhile: it failed at the note about another
                continue
            try:
                listener(event)
            except Exception as error:  # whatever another package's code raises
                self._listeners.remove(listener)
                self.note(
                    f"{_named(listener)} failed and receives no more events of this job: {_line(error)}"
                )

    def phase(self, name: str) -> None:
        """A phase of the job begins."""
        self.tell(Began(name))

    def note(self, text: str) -> None:
        """Something that the user should know."""
        self.tell(Note(text))


def _named(listener: Any) -> str:
    return f"listener {getattr(listener, '__qualname__', type(listener).__qualname__)}"


def _line(error: Exception) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())
