"""Bounds declared next to the fields they apply to: `views: Annotated[int, Within(1, 1000)] = 20`."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, get_args, get_origin, get_type_hints

from nst3d.errors import ConfigError, shown
from nst3d.value_types import fits, is_number, wanted


@dataclass(frozen=True)
class Within:
    """The finite numbers from `low` to `high`, inclusive unless `above` excludes `low`."""

    low: float = -math.inf
    high: float = math.inf
    above: bool = False
    """Numbers must be greater than `low`, not equal to it."""

    def __contains__(self, value: float) -> bool:
        enough = self.low < value if self.above else self.low <= value
        return enough and value <= self.high and (isinstance(value, int) or math.isfinite(value))

    def __str__(self) -> str:
        low = f"{'above' if self.above else 'from'} {_written(self.low)}" if self.low > -math.inf else ""
        high = f"to {_written(self.high)}" if self.high < math.inf else ""
        return " ".join(filter(None, ("a number" if low or high else "a finite number", low, high)))

    def check(self, name: str, value: float) -> None:
        """Raise ConfigError, which refers to the value as `name`, if it is outside."""
        if value not in self:
            raise ConfigError(f"{name} is {_written(value)}: expected {self}")


@dataclass(frozen=True)
class FileOnly:
    """Marks a setting that files can hold and the command line cannot: `Annotated[Mapping[str, Any], FileOnly()]`."""


def _written(value: float) -> str:
    if isinstance(value, int):
        return str(value) if abs(value) < 10**80 else "a number of more than 80 digits"
    return f"{value:g}"


def check_bounds(config: Any, where: str = "setting ") -> None:
    """Raise ConfigError for the first value in a dataclass that is not of its field's type, or outside its `Within`.

    Types and bounds are read from the fields, including optional ones and tuples; nested dataclasses in fields
    and tuples are checked, too. None satisfies all bounds. Errors name the field: `where`, followed by its
    dotted path ("setting displace.stages[0].size is 9: expected a number from 16 to 8192").
    """
    hints = get_type_hints(type(config), include_extras=True)
    for field in dataclasses.fields(config):
        _check(getattr(config, field.name), hints[field.name], where + field.name)


def bounded_fields(config: Any, prefix: str = "") -> Iterator[tuple[str, Within]]:
    """Dotted names and bounds of numeric fields, including those of nested dataclasses."""
    hints = get_type_hints(type(config), include_extras=True)
    for field in dataclasses.fields(config):
        value, name = getattr(config, field.name), prefix + field.name
        if dataclasses.is_dataclass(value):
            yield from bounded_fields(value, f"{name}.")
        yield from ((name, b) for b in _bounds(hints[field.name]))


def _bounds(hint: Any) -> tuple[Within, ...]:
    """The bounds in a type, from `Annotated` around it or around the members of a union."""
    args = get_args(hint)
    if get_origin(hint) is Annotated:
        return (*(a for a in args[1:] if isinstance(a, Within)), *_bounds(args[0]))
    return () if get_origin(hint) is tuple else tuple(b for a in args for b in _bounds(a))


def check_value(name: str, value: Any, hint: Any) -> None:
    """Raise ConfigError, which refers to the value as `name`, if it is not of a type or outside the type's bounds."""
    _check(value, hint, name)


def _check(value: Any, hint: Any, name: str) -> None:
    if not fits(value, hint):
        raise ConfigError(f"{name} is {_shown(value)}: expected {wanted(hint)}")
    if dataclasses.is_dataclass(value):
        check_bounds(value, f"{name}.")
    elif isinstance(value, tuple):
        kinds = _members(hint, len(value))
        for index, (member, kind) in enumerate(zip(value, kinds)):
            _check(member, kind, f"{name}[{index}]")
    elif isinstance(value, int | float):
        for bounds in _bounds(hint):
            bounds.check(name, value)


def _members(hint: Any, count: int) -> tuple[Any, ...]:
    """The types of a tuple's members; Any for each if `hint` is not a tuple."""
    args = get_args(hint)
    if get_origin(hint) is tuple:
        return (args[0],) * count if args[-1] is Ellipsis else args
    found = (m for a in args if (m := _members(a, count)) and m[0] is not Any)
    return next(found, (Any,) * count)


def misfit(value: Any, default: Any) -> str:
    """What an option with this default takes, if the value is not such; empty: it is."""
    if isinstance(default, bool):
        return "" if isinstance(value, bool) else "true or false"
    if isinstance(default, int):
        whole = isinstance(value, int) and not isinstance(value, bool)
        return "" if whole or value is None else "a whole number or null"
    if isinstance(default, float):
        return "" if is_number(value) and math.isfinite(value) else "a number"
    if isinstance(default, str):
        return "" if isinstance(value, str) else "text"
    return ""


def _shown(value: Any) -> str:
    """A value in a message; of collections the type alone."""
    if is_number(value):
        return _written(value)
    return shown(value) if isinstance(value, bool | str | None) else f"a {type(value).__name__}"
