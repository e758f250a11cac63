"""How a job tells what it does."""

from __future__ import annotations

from typing import Protocol

from nst3d.stylize.engine import Progress as Progress


class Reporter(Protocol):
    """Hears how a job goes on."""

    def phase(self, name: str) -> None:
        """A part of the job begins."""

    def note(self, text: str) -> None:
        """Something that the user should know."""

    def step(self, progress: Progress) -> None:
        """A step of the painting is done."""


class Silent:
    """A reporter that says nothing."""

    def phase(self, name: str) -> None:
        """Say nothing."""

    def note(self, text: str) -> None:
        """Say nothing."""

    def step(self, progress: Progress) -> None:
        """Say nothing."""
