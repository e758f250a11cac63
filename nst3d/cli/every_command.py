"""Options that every command takes, read before the command parses its own."""

from __future__ import annotations

from collections.abc import Sequence

from nst3d.errors import ConfigError, shown
from nst3d.limits import DEFAULT_MEMORY, Limits

GLOBAL = ("--allow-outside", "--memory")
"""Their names."""

HELP = f"""\
options of every command:
  --allow-outside   read files outside an asset's folder that the asset refers to
  --memory GIB      memory that an asset's contents may take, decoded (default {DEFAULT_MEMORY:g})"""
"""What they do, for the help of nst3d and of each command."""


def take_limits(arguments: Sequence[str]) -> tuple[Limits, list[str]]:
    """The limits that the options set, and the other arguments. ConfigError for a value that is no size."""
    rest, outside, memory = [], False, DEFAULT_MEMORY
    given = iter(arguments)
    for argument in given:
        name, equals, value = argument.partition("=")
        if argument == "--allow-outside":
            outside = True
        elif name == "--memory":
            memory = _gib(value if equals else next(given, ""))
        else:
            rest.append(argument)
    return Limits(outside, memory), rest


def _gib(text: str) -> float:
    try:
        memory = float(text)
    except ValueError:
        memory = 0.0
    if not 0 < memory < 1e6:
        raise ConfigError(f"--memory is {shown(text)}: expected a number of GiB above 0")
    return memory
