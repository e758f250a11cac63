"""Whether a value is of the type that a field declares, and what that type is called in messages."""

from __future__ import annotations

import types
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal, Union, get_args, get_origin

_WORDS: dict[Any, str] = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "text",
    type(None): "null",
}


def is_number(value: Any) -> bool:
    """Whether a value is a number; true and false are not."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def fits(value: Any, hint: Any) -> bool:
    """Whether a value is of a type: numbers, text, choices, unions, tuples of them, mappings and dataclasses.

    A whole number is a float, true and false are no numbers. Types that this does not know fit everything.
    """
    origin, args = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return fits(value, args[0])
    if origin in (Union, types.UnionType):
        return any(fits(value, arg) for arg in args)
    if origin is Literal:
        return any(type(value) is type(arg) and value == arg for arg in args)
    if origin is tuple:
        return isinstance(value, tuple) and _members_fit(value, args)
    if origin in (Mapping, Sequence):
        return isinstance(value, origin)
    if hint is float:
        return is_number(value)
    if hint is int:
        return isinstance(value, int) and not isinstance(value, bool)
    descriptor = hasattr(hint, "__set__")  # it converts what is assigned, so the value is of another type
    return isinstance(value, hint) if isinstance(hint, type) and not descriptor else True


def wanted(hint: Any) -> str:
    """What a type takes, for messages: "a whole number or null"."""
    origin, args = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return wanted(args[0])
    if origin in (Union, types.UnionType):
        return " or ".join(dict.fromkeys(wanted(arg) for arg in args))
    if origin is Literal:
        return " or ".join(map(repr, args))
    if origin is tuple and args:
        several = len(args) == 2 and args[1] is Ellipsis
        return f"a tuple of {wanted(args[0])}" if several else f"a tuple of {len(args)}"
    return _WORDS.get(hint, f"a {getattr(hint, '__name__', hint)}")


def _members_fit(value: tuple[Any, ...], args: tuple[Any, ...]) -> bool:
    if len(args) == 2 and args[1] is Ellipsis:
        return all(fits(member, args[0]) for member in value)
    return len(value) == len(args) and all(fits(*pair) for pair in zip(value, args))
