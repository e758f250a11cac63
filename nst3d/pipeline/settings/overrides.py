"""YAML files of settings: read safely and merged into nested frozen dataclasses, checked by field type."""

from __future__ import annotations

import dataclasses
import difflib
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args, get_origin, get_type_hints

import msgspec
import yaml

from nst3d.errors import ConfigError, InputError, shown
from nst3d.files import PathLike
from nst3d.formats.io.files import read_bytes
from nst3d.formats.io.yaml_values import load_yaml

Config = TypeVar("Config")
Note = Callable[[str], None]
_WORDS = {
    "object": "settings as 'name: value'",
    "array": "a list",
    "str": "text",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "null": "null",
}
"""msgspec's type names, in words."""


class _Loader(yaml.SafeLoader):
    """Safe YAML that reads 1e-7, without a point, as a number, as in YAML 1.2."""


_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"^[-+]?[0-9][0-9_]*[eE][-+]?[0-9]+$"), list("-+0123456789")
)


def read_yaml(path: PathLike) -> dict[str, Any]:
    """A YAML mapping; nothing in it is executed. Raises InputError if it is not one or cannot be read."""
    path = Path(path)
    try:
        values = load_yaml(read_bytes(path).decode("utf-8"), _Loader)
    except (yaml.YAMLError, ValueError, RecursionError) as error:  # ValueError: dates, and invalid UTF-8
        line = " ".join(str(error).split())
        raise InputError(f"{path}: not valid YAML ({line})") from None
    if not isinstance(values, dict | None):
        raise InputError(f"{path}: expected settings as 'name: value', found {type(values).__name__}")
    return values or {}


def read_value(text: str) -> Any:
    """A single YAML value: a number, text, a list, …. Raises ConfigError for invalid YAML."""
    try:
        return load_yaml(text, _Loader)
    except (yaml.YAMLError, ValueError, RecursionError):
        raise ConfigError(
            f"{text!r} is not a value: expected a number, a word, or a list such as [a, b]"
        ) from None


def override(
    config: Config,
    values: dict[str, Any],
    where: str,
    note: Note = lambda text: None,
) -> Config:
    """A copy of the frozen dataclass with nested `values` merged in; other fields stay unchanged.

    Mappings are merged into dataclasses, name by name; lists replace whole tuples. Types are strict, except
    that whole numbers are accepted as floats. A dataclass with a method `read_plain(values, where, note)`
    first converts a file's values, including those of older versions, to plain values of its fields; `note`
    is called about the latter. Raises ConfigError, which names `where` (the source) and the dotted setting.
    """
    values = _read(config, values, where, note)
    for name, known in _unknown(type(config), values):
        raise ConfigError(f"{where}: {_not_known(name, known)}")
    merged = _merged(as_plain(config), values)
    try:
        return msgspec.convert(merged, type(config))
    except OverflowError:  # an integer beyond the largest float
        raise ConfigError(f"{where}: a number in it is too large") from None
    except msgspec.ValidationError as error:
        raise ConfigError(f"{where}: {_in_words(str(error), type(config), merged)}") from None
    except ConfigError as error:
        raise ConfigError(f"{where}: {error}") from None


def as_plain(config: Any) -> Any:
    """A configuration as mappings, lists and numbers, for YAML; objects with a `plain` method use that."""
    if hasattr(config, "plain"):
        return config.plain()
    if dataclasses.is_dataclass(config) and not isinstance(config, type):
        return {f.name: as_plain(getattr(config, f.name)) for f in dataclasses.fields(config)}
    if isinstance(config, tuple | list):
        return [as_plain(v) for v in config]
    return config


def _read(config: Any, values: Any, where: str, note: Note) -> Any:
    """The values of a dataclass as plain values of its fields, converted by each `read_plain`."""
    if not dataclasses.is_dataclass(config) or not isinstance(values, dict):
        return values
    if hasattr(config, "read_plain"):
        values = config.read_plain(values, where, note)
    return {n: _read(getattr(config, str(n), None), v, f"{where}: {n}", note) for n, v in values.items()}


def _merged(plain: Any, values: Any) -> Any:
    if not isinstance(plain, dict) or not isinstance(values, dict):
        return values
    return {**plain, **{n: _merged(plain.get(n), v) for n, v in values.items()}}


def _unknown(kind: Any, values: Any, path: str = "") -> Iterator[tuple[str, list[str]]]:
    """Dotted names in `values` that a type does not have, each with the names known there."""
    if dataclasses.is_dataclass(kind) and isinstance(values, dict):
        hints = get_type_hints(kind)
        for name, value in values.items():
            if name in hints:
                yield from _unknown(hints[name], value, f"{path}{name}.")
            else:
                yield f"{path}{name}", list(hints)
    elif get_origin(kind) is tuple and isinstance(values, list | tuple):
        for index, value in enumerate(values):
            yield from _unknown(get_args(kind)[0], value, f"{path[:-1]}[{index}].")
    else:
        for inner in get_args(kind):
            if isinstance(inner, type) or get_origin(inner) is not None:
                yield from _unknown(inner, values, path)


def _not_known(name: str, known: list[str]) -> str:
    near = difflib.get_close_matches(name.rpartition(".")[2], known, 1)
    guess = f" (did you mean {near[0]}?)" if near else ""
    return f"setting {name} is not known{guess}; known are {', '.join(known)}"


def _in_words(message: str, kind: Any, values: Any) -> str:
    """A msgspec error, rephrased with the setting's name, its value, and the expected values."""
    problem, _, path = message.partition(" - at `$")
    path = path.rstrip("`").lstrip(".")
    if problem.startswith("Object missing required field"):
        return f"setting {path} lacks {problem.split('`')[1]}"
    value = values
    for name, index in re.findall(r"(\w+)|\[(\d+)\]", path):
        value = value[name] if name else value[int(index)]
        kind = get_type_hints(kind)[name] if name else get_args(_tuple_in(kind))[0]
    count = re.match(r"Expected .array. of length (\d+), got (\d+)", problem)
    if count:
        return f"setting {path} has {count[2]} values: expected {count[1]}"
    choices = _choices(kind)
    if choices:
        return f"setting {path} is {shown(value)}: choose {', '.join(choices)}"
    expected = re.match(r"Expected `([^`]*)`", problem)
    words = " or ".join(_WORDS.get(t, t) for t in expected[1].split(" | ")) if expected else problem.lower()
    return f"setting {path} is {shown(value)}: expected {words}"


def _tuple_in(kind: Any) -> Any:
    """The tuple type in a type that is a tuple or an optional one."""
    return kind if get_origin(kind) is tuple else next(a for a in get_args(kind) if get_origin(a) is tuple)


def _choices(kind: Any) -> list[str]:
    """The choices of a type with a Literal in it; empty for others."""
    if get_origin(kind) is Literal:
        return [str(choice) for choice in get_args(kind)]
    if get_origin(kind) is tuple:
        return []
    found = [choice for inner in get_args(kind) for choice in _choices(inner)]
    return [*found, "null"] if found and type(None) in get_args(kind) else found
