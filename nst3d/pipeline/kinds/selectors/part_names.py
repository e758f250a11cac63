"""Parts of a scene that have names, and words that are compared with these."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from nst3d.tensors import Array, Colours

LIKE = 0.6
"""Least likeness of a name that words choose: below it, unlike things were as alike as like ones when tried."""
_NEAR = 0.2
"""How much less alike than the best name others may be that are chosen with it."""
_HUMP = re.compile(r"(?<=[a-z])(?=[A-Z])")
_SIGNS = re.compile(r"[\W\d_]+")


class Reads(Protocol):
    """Reads sentences."""

    def row(self, text: str) -> Array:
        """Features, of length 1, of a text."""


@dataclass(frozen=True)
class NamedPart:
    """A part of a scene that has a name."""

    region: str
    """The region that chooses it, "material:roof"."""
    name: str
    share: float
    """Share of the scene, 0 to 1."""
    column: Callable[[], Colours]
    """Gives weights (n, 1), 0 or 1; what else it chooses is noted."""
    silent: Callable[[], Colours]
    """Gives the same, without notes."""

    @property
    def selector(self) -> str:
        """The selector that chooses it."""
        return self.region.partition(":")[0]


Named = Callable[[], Sequence[NamedPart]]
"""Gives the parts of a scene that have names and show."""


def nameless() -> Sequence[NamedPart]:
    """No parts."""
    return ()


def words_in(name: str) -> str:
    """The words of a name, lower case: "RoofTiles_02.001" has "roof tiles". Empty if it has none."""
    return _SIGNS.sub(" ", _HUMP.sub(" ", name)).strip().lower()


def name_likenesses(reader: Reads, phrase: str, names: Sequence[str]) -> Array:
    """How alike names are to a phrase, (n,), -1 to 1; -1 for one without words.

    The mean of two cosines of features: with the whole name, and with that of its words which is most alike, so that
    "roof_metal" is a roof, but "rock" more of a rock than "rock_islet". ConfigError for a phrase without words.
    """
    row = reader.row(phrase)
    told: dict[str, float] = {"": -1.0}
    for words in map(words_in, names):
        if words not in told:
            single = max(float(row @ reader.row(word)) for word in words.split())
            told[words] = (float(row @ reader.row(words)) + single) / 2
    return np.array([told[words_in(name)] for name in names])


def near_names(likenesses: Array) -> list[int]:
    """The names that are chosen, the most alike first: those within 0.2 of the best and above `LIKE`; perhaps none."""
    order = np.argsort(-likenesses, kind="stable")
    least = max(LIKE, float(likenesses[order[0]]) - _NEAR) if len(order) else LIKE
    return [int(number) for number in order if likenesses[number] >= least]
