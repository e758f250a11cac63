"""YAML from strangers: read safely, and only if its aliases do not stand for far more than the file says."""

from __future__ import annotations

from typing import Any

import yaml

MOST_TEXT = 1 << 20
"""Characters of a file that is read: a megabyte takes seconds."""
MOST_VALUES = 4_000_000
"""Values that a file may stand for once its aliases are written out."""


def load_yaml(text: str, loader: type[yaml.SafeLoader] = yaml.SafeLoader) -> Any:
    """The value in a text; nothing in it is executed.

    Raises YAMLError if the text is not valid or longer than `MOST_TEXT`, if aliases contain themselves, or if
    they stand for more than `MOST_VALUES` values; ValueError for dates and integers that are out of range,
    RecursionError for deep nesting.
    """
    if len(text) > MOST_TEXT:
        raise yaml.YAMLError(f"it has {len(text):,} characters, at most {MOST_TEXT:,} are read")
    value = loader(text).get_single_data()
    if _expanded(value, {}) > MOST_VALUES:
        raise yaml.YAMLError(f"its aliases stand for more than {MOST_VALUES:,} values")
    return value


def _expanded(value: Any, known: dict[int, float]) -> float:
    """How many values there are if every alias is written out; infinite if one contains itself."""
    if not isinstance(value, dict | list | tuple | set):
        return 1.0
    if id(value) not in known:
        known[id(value)] = float("inf")
        members = [*value.keys(), *value.values()] if isinstance(value, dict) else value
        known[id(value)] = 1.0 + sum(_expanded(member, known) for member in members)
    return known[id(value)]
