"""The result of inspecting a file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Report:
    """The contents and problems of a file."""

    contents: tuple[str, ...]
    """Lines for people: the contents, and what painting would do with them."""
    problems: tuple[str, ...]
    """Lines for people: the problems, and how they are handled."""
    facts: dict[str, Any]
    """The same as names and plain values, for machines."""


def point_text(values: Sequence[float]) -> str:
    """Coordinates, formatted for people."""
    return "(" + ", ".join(f"{v:.3g}" for v in values) + ")"
