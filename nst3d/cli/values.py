"""Options that take NAME=VALUE."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from nst3d.errors import ConfigError
from nst3d.pipeline.settings.overrides import read_value


def read_terms(given: Sequence[str]) -> dict[str, Any]:
    """The changes given by --term, in the form of `Recipe.with_terms`."""
    changes: dict[str, dict[str, Any]] = {}
    for text in given:
        key, equals, value = text.partition("=")
        name, _, option = key.partition(".")
        if not (equals and name):
            raise ConfigError(f"--term {text}: expected NAME=WEIGHT or NAME.OPTION=VALUE, such as gram=0.8")
        changes.setdefault(name, {})[option or "weight"] = read_value(value)
    return changes


def read_options(
    flag: str, given: Sequence[str], example: str, texts: Collection[str] = ()
) -> dict[str, Any]:
    """Values by name, as given by repeating a flag; ConfigError, with an example, for anything else.

    Those of the names in `texts` are text, even if they look like numbers: in YAML, 7:1 is 421.
    """
    values = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not (equals and name):
            raise ConfigError(f"{flag} {text}: expected NAME=VALUE, such as {example}")
        values[name] = value if name in texts else read_value(value)
    return values
