"""Options of what is registered by name: their defaults, and what they can be."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any, get_type_hints

from nst3d.bounds import Within, check_value, misfit
from nst3d.errors import ConfigError
from nst3d.value_types import is_number


class Declared(Mapping[str, Any]):
    """The fields of a dataclass as options: names to defaults, with types and bounds.

    `Declared(Editing)` of a dataclass whose fields all have defaults.
    """

    def __init__(self, kind: type) -> None:
        """TypeError for a class that is no dataclass, or has fields without defaults."""
        self._defaults = {f.name: getattr(kind(), f.name) for f in dataclasses.fields(kind)}
        self._kind = kind

    def __getitem__(self, name: str) -> Any:
        return self._defaults[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._defaults)

    def __len__(self) -> int:
        return len(self._defaults)

    def type_of(self, name: str) -> Any:
        """The declared type of an option, with its bounds."""
        return get_type_hints(self._kind, include_extras=True)[name]


def check_options(
    owner: str,
    given: Mapping[str, Any],
    known: Mapping[str, Any],
    bounds: Mapping[str, Within] | None = None,
) -> None:
    """Raise ConfigError for an option that is not `known`, is of another type than its default, or is outside bounds.

    `owner` is whose options they are, such as "teacher quilt". Declared options have their own bounds.
    """
    for option, value in given.items():
        if option not in known:
            raise ConfigError(
                f"{owner} has no option {option!r}; its options are: {', '.join(known) or 'none'}"
            )
        where = f"{owner}: option {option}"
        if isinstance(known, Declared):
            check_value(where, value, known.type_of(option))
            continue
        wanted = misfit(value, known[option])
        if wanted:
            raise ConfigError(f"{where} is {value!r}: expected {wanted}")
        if bounds and option in bounds and is_number(value):
            bounds[option].check(where, value)
