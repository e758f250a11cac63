"""The words that choose a region: selectors, combined by `not`, `and`, `or`, parentheses and `feather`.

    region   = either [ "feather" WIDTH ]
    either   = both { "or" both }
    both     = term { "and" term }
    term     = "not" term | "(" region ")" | NAME ":" ARGUMENT

An argument ends before `and`, `or`, `feather`, a closing parenthesis that it does not open itself, or the end; in
quotes, it is whatever they enclose.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

from nst3d.errors import ConfigError

_DEEPEST = 50
"""Parentheses and `not` within each other."""
_KEYWORD = re.compile(r"(and|or|not|feather)(?![\w:])", re.IGNORECASE)
_SELECTOR = re.compile(r"([A-Za-z]+)\s*:\s*")
_QUOTED = re.compile(r"\"([^\"]*)\"|'([^']*)'")
_ENDS = re.compile(r"[()]|\s(?=(?:and|or|feather)(?![\w:]))", re.IGNORECASE)
_WIDTH = re.compile(r"(\d+\.?\d*(?:e-?\d+)?|\.\d+)\s*(px)?(?![\w.])", re.IGNORECASE)


@dataclass(frozen=True)
class Selector:
    """What one selector chooses: `material:roof`."""

    name: str
    """Lower case."""
    argument: str

    def __str__(self) -> str:
        return f"{self.name}:{self.argument}"


@dataclass(frozen=True)
class Outside:
    """Everything but a region."""

    region: Region


@dataclass(frozen=True)
class Joined:
    """Several regions together ("or"), or what they share ("and")."""

    how: Literal["and", "or"]
    parts: tuple[Region, ...]


@dataclass(frozen=True)
class Feathered:
    """A region with soft borders."""

    region: Region
    width: float
    """Width of the border from no weight to all of it, not negative."""
    in_pixels: bool
    """Whether the width is in pixels of the finest view, not in units of the scene."""


Region: TypeAlias = Selector | Outside | Joined | Feathered


def parse_region(text: str) -> Region:
    """The region in words such as "material:roof and not box:0,0,0,1,1,1 feather 8px".

    `not` binds closer than `and`, that closer than `or`, and `feather` counts for all that is before it within the same
    parentheses. Names of selectors are not checked. ConfigError, on one line, for anything else.
    """
    reader = _Reader(text)
    region = reader.region(0)
    if not reader.at_end:
        raise reader.fault(f"{reader.rest!r} is not understood; expected and, or, or feather")
    return region


def selectors_in(region: Region) -> Iterator[Selector]:
    """All selectors of a region, from left to right."""
    if isinstance(region, Selector):
        yield region
    elif isinstance(region, Joined):
        for part in region.parts:
            yield from selectors_in(part)
    else:
        yield from selectors_in(region.region)


def quoted(argument: str) -> str:
    """The argument as it is written in a region: in quotes if it would end too soon without."""
    reader = _Reader(argument)
    if argument == argument.strip() and argument[:1] not in ("", '"', "'") and reader.argument() == argument:
        return argument
    return f"'{argument}'" if '"' in argument else f'"{argument}"'


class _Reader:
    """Reads a text from left to right, by recursive descent."""

    def __init__(self, text: str) -> None:
        self._text, self._at = text, 0
        self._skip()

    @property
    def rest(self) -> str:
        """What is not read yet."""
        return self._text[self._at :]

    @property
    def at_end(self) -> bool:
        """Whether all is read."""
        return not self.rest

    def fault(self, what: str) -> ConfigError:
        """The error that names the whole text."""
        return ConfigError(f"region {self._text!r}: {what}")

    def region(self, depth: int) -> Region:
        """Either of several, perhaps feathered."""
        found = self._joined("or", depth)
        while self._took_word("feather"):
            width = self._match(_WIDTH)
            if width is None:
                raise self.fault("expected a width after feather: 8px (pixels), or 0.05 (units of the scene)")
            found = Feathered(found, float(width[1]), width[2] is not None)
        return found

    def _joined(self, how: Literal["and", "or"], depth: int) -> Region:
        def part() -> Region:
            return self._joined("and", depth) if how == "or" else self._term(depth)

        parts = [part()]
        while self._took_word(how):
            parts.append(part())
        return parts[0] if len(parts) == 1 else Joined(how, tuple(parts))

    def _term(self, depth: int) -> Region:
        if depth > _DEEPEST:
            raise self.fault(f"more than {_DEEPEST} parentheses or nots within each other")
        if self._took_word("not"):
            return Outside(self._term(depth + 1))
        if self._took("("):
            inner = self.region(depth + 1)
            if not self._took(")"):
                raise self.fault(
                    "a parenthesis is not closed" if self.at_end else f"{self.rest!r} is not understood"
                )
            return inner
        name = self._match(_SELECTOR)
        if name is None:
            found = f"not {self.rest!r}" if self.rest else "but it ends"
            raise self.fault(
                f"expected a selector such as material:roof, {found}; names with and, or: in quotes"
            )
        argument = self.argument()
        if not argument:
            raise self.fault(f"{name[1]}: is followed by nothing")
        return Selector(name[1].lower(), argument)

    def argument(self) -> str:
        """What is up to the end of a selector, or in quotes."""
        quoted = self._match(_QUOTED)
        if quoted is not None:
            return quoted[1] or quoted[2] or ""
        opened, end = 0, len(self._text)
        for mark in _ENDS.finditer(self._text, self._at):
            if mark[0] == "(":
                opened += 1
            elif mark[0] == ")" and opened:
                opened -= 1
            elif not opened:
                end = mark.start()
                break
        argument = self._text[self._at : end].strip()
        self._at = end
        self._skip()
        return argument

    def _took_word(self, word: str) -> bool:
        found = _KEYWORD.match(self._text, self._at)
        if found is None or found[1].lower() != word:
            return False
        self._match(_KEYWORD)
        return True

    def _took(self, mark: str) -> bool:
        return self._match(re.compile(re.escape(mark))) is not None

    def _match(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        found = pattern.match(self._text, self._at)
        if found is not None:
            self._at = found.end()
            self._skip()
        return found

    def _skip(self) -> None:
        while self._at < len(self._text) and self._text[self._at].isspace():
            self._at += 1
