"""Choosing among captioned styles by words: how alike captions and words are in meaning, and what is mixed of it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from nst3d.pipeline.choosing.library import Captioned
from nst3d.tensors import Array

MOST = 3
"""Styles that are mixed for a text, at most."""
LIKE = 0.35
"""Least likeness of a style that is like the words: below it words and captions had little in common when tried."""
_NEAR = 0.1
"""How much less alike than the best one a style may be that is mixed in."""
_SHARP = 0.05
"""Difference in likeness that makes the share of a style e times smaller."""
_SENTENCES = re.compile(r"[.;!?\n]+")


class Reads(Protocol):
    """Reads sentences."""

    def row(self, text: str) -> Array:
        """Features, of length 1, of a text."""


@dataclass(frozen=True)
class Chosen:
    """A style that was chosen."""

    style: Captioned
    likeness: float
    """-1 to 1."""
    share: float
    """Of the mixture; all add up to 1."""


def likenesses(reader: Reads, text: str, styles: Sequence[Captioned]) -> Array:
    """How alike a text is to each style's caption (n,), -1 to 1.

    The mean of two cosines of features: with the whole caption, and with that of its sentences which is most alike, so
    that a word for a colour or a mood alone is found, too.
    """
    row = reader.row(text)
    found = []
    for style in styles:
        whole = float(row @ reader.row(style.caption))
        sentences = [part for part in _SENTENCES.split(style.caption) if re.search(r"[^\W_]", part)]
        found.append((whole + max(float(row @ reader.row(part)) for part in sentences)) / 2)
    return np.array(found)


def choose(reader: Reads, text: str, avoid: Sequence[str], styles: Sequence[Captioned]) -> list[Chosen]:
    """The styles that are most like a text, the best first, with their shares of a mixture.

    Whatever likeness a style has to a text to `avoid` is taken off. ConfigError for texts without words.
    """
    scores = likenesses(reader, text, styles)
    for other in avoid:
        scores = scores - np.maximum(0, likenesses(reader, other, styles))
    order = np.argsort(-scores, kind="stable")[:MOST]
    near = [int(number) for number in order if scores[number] > scores[order[0]] - _NEAR]
    weights = np.exp((scores[near] - scores[near[0]]) / _SHARP)
    return [
        Chosen(styles[number], float(scores[number]), float(weight))
        for number, weight in zip(near, weights / weights.sum())
    ]


def told(text: str, chosen: Sequence[Chosen], what: str, why: str) -> str:
    """A note on what was chosen for a text, `why`, and how well it fits; `what` are all among which it was chosen."""
    mix = ", ".join(f"{each.style.name} {each.share:.0%} (alike {each.likeness:.2f})" for each in chosen)
    doubt = "" if chosen[0].likeness >= LIKE else f"; none is much like them: {LIKE} would be a sign of it"
    return f"the words {text!r} chose {what} by their captions, as {why}: {mix}{doubt}"
