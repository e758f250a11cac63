"""tyro, as this command line uses it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import tyro

Arguments = TypeVar("Arguments")


def parse(default: Arguments, arguments: Sequence[str], program: str, description: str) -> Arguments:
    """The arguments as a dataclass like `default`, whose values hold where none are given.

    Help and wrong usage end the process, with exit code 0 or 2.
    """
    return tyro.cli(
        type(default), prog=program, description=description, args=list(arguments), default=default
    )


def first_value(arguments: Sequence[str], option: str) -> str | None:
    """The value that follows an option, before real parsing; None where it isn't given."""
    for index, argument in enumerate(arguments):
        if argument == option and index + 1 < len(arguments):
            return arguments[index + 1]
        if argument.startswith(f"{option}="):
            return argument.split("=", 1)[1]
    return None
