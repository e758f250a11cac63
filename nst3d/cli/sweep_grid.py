"""The grid of nst3d sweep: which options take which values, and all their combinations."""

from __future__ import annotations

import dataclasses
import difflib
import itertools
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from nst3d.cli.paint_arguments import PaintArguments
from nst3d.errors import ConfigError
from nst3d.pipeline.settings.names import setting_names, term_names

_NOT_SWEPT = {
    "scene", "out", "term", "teacher_option", "clean", "clean_faces", "clean_depth", "data", "dataparser", "quiet",
    "overwrite", "resume", "report", "tensorboard",
}  # fmt: skip
"""Options of nst3d paint that say where to, change what the scene is, or take no value."""
_SETTINGS = "--settings."
_EXAMPLE = "such as stroke=0.7,1.2,2"


MOST = 1000
"""Combinations that may be asked for: each takes seconds at least, and all are drawn on one sheet."""


@dataclass(frozen=True)
class Axis:
    """What is varied, by its name in the grid, and the values that it takes."""

    name: str
    values: tuple[str, ...]
    flag: str
    """The option of nst3d paint that it is."""
    is_switch: bool = False
    """Whether its values are true and false."""

    def words(self, value: str) -> list[str]:
        """The words of nst3d paint's command line for a value."""
        if self.flag == "--term":
            return [self.flag, f"{self.name}={value}"]
        if not self.is_switch:
            return [self.flag, value]
        if value not in ("true", "false"):
            raise ConfigError(f"--grid {self.name}={value}: expected true or false")
        group, _, name = self.flag.rpartition(".")
        return [self.flag if value == "true" else f"{group}.no-{name}"]

    def is_in(self, arguments: Sequence[str]) -> bool:
        """Whether arguments of nst3d paint already say what it is."""
        if self.flag == "--term":
            joined = " ".join(arguments).replace("--term=", "--term ")
            return re.search(rf"(?:^| )--term {re.escape(self.name)}(?:\.weight)?=", joined) is not None
        given = {a.partition("=")[0].replace("_", "-").replace(".no-", ".") for a in arguments}
        return self.flag in given


def read_grid(texts: Sequence[str]) -> list[Axis]:
    """The axes of a grid, from NAME=VALUE,VALUE,… each. ConfigError for what cannot be.

    A name is an option of nst3d paint without its dashes, a term, a term's option (nnfm.agree), or a setting with dots
    (recipe.style_scale). Values that have commas themselves are separated by |.
    """
    if not texts:
        raise ConfigError(f"no grid: give --grid NAME=VALUE,VALUE,…, {_EXAMPLE}")
    axes = [_axis(text) for text in texts]
    for axis in axes:
        if sum(other.name == axis.name for other in axes) > 1:
            raise ConfigError(f"--grid has {axis.name} twice: give all its values at once, {_EXAMPLE}")
    return axes


def combinations(axes: Sequence[Axis], most: int) -> list[dict[str, str]]:
    """A value for each axis by its name, in all combinations. ConfigError if they are more than `most`."""
    count = math.prod(len(axis.values) for axis in axes)
    if count > most:
        sizes = " × ".join(str(len(axis.values)) for axis in axes)
        more = f", or give --most {count}" if count <= MOST else ""
        raise ConfigError(
            f"--grid has {sizes} = {count} combinations, more than --most {most}: leave out values{more}"
        )
    names = [axis.name for axis in axes]
    return [dict(zip(names, values)) for values in itertools.product(*(axis.values for axis in axes))]


def words_for(axes: Sequence[Axis], values: Mapping[str, str]) -> list[str]:
    """The words of nst3d paint's command line for a combination."""
    return [word for axis in axes for word in axis.words(values[axis.name])]


def _axis(text: str) -> Axis:
    name, equals, given = text.partition("=")
    values = tuple(value.strip() for value in given.split("|" if "|" in given else ","))
    if not (name and equals and all(values)):
        raise ConfigError(f"--grid {text}: expected NAME=VALUE,VALUE,…, {_EXAMPLE}")
    if len(set(values)) < len(values):
        twice = next(value for value in values if values.count(value) > 1)
        raise ConfigError(f"--grid {text}: {twice} is given twice")
    return _known(name, values)


def _known(name: str, values: tuple[str, ...]) -> Axis:
    """The axis of a name. ConfigError, with the nearest known name, if there is none."""
    own, terms, settings = name.replace("-", "_"), term_names(), setting_names()
    options = [f.name for f in dataclasses.fields(PaintArguments) if f.name not in _NOT_SWEPT]
    if own in options:
        return Axis(own, values, f"--{own.replace('_', '-')}")
    if own in settings:
        return Axis(own, values, f"{_SETTINGS}{own.replace('_', '-')}", settings[own])
    if name.partition(".")[0] in terms:
        return Axis(name, values, "--term")
    near = next(_nearest(own, [*options, *terms, *settings]), None)
    if near is not None:
        raise ConfigError(f"--grid {name} is not known (did you mean {near}?)")
    raise ConfigError(
        f"--grid {name} is not known: give an option of nst3d paint ({', '.join(options)}), a term"
        f" ({', '.join(terms)}), or a setting with dots, such as recipe.style_scale"
    )


def _nearest(name: str, known: Sequence[str]) -> Iterator[str]:
    """Names like a mistyped one, nearest first; those with dots also by their last part."""
    yield from difflib.get_close_matches(name, known, 1)
    last = {each.rpartition(".")[2]: each for each in known if "." in each}
    for near in difflib.get_close_matches(name.rpartition(".")[2], list(last), 1):
        yield last[near]
