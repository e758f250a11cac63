"""What looking into a file finds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Report:
    """What is in a file."""

    contents: tuple[str, ...]
    """Lines for people: what there is, and what painting would do with it."""
    problems: tuple[str, ...]
    """Lines for people: what is wrong, and how it is dealt with."""
    facts: dict[str, Any]
    """The same as names and plain values, for machines."""


def point_text(values: Sequence[float]) -> str:
    """Coordinates for people."""
    return "(" + ", ".join(f"{v:.3g}" for v in values) + ")"
