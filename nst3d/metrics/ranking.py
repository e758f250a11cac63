"""One ranking of paintings, in which neither a blur, nor a flat colour, nor an untouched scene is worth anything.

Consistency alone ranks the wrong thing: frames of one colour agree perfectly, blurred ones almost, and photographs
agree less than many paintings of them. Style alone rewards frames that each copy the style and have nothing to do
with each other; content alone rewards no painting. A painting must do all three, so their qualities are multiplied,
and each is measured where its cheat pays:

- *style*, exp(−3 d), where d is the distance to the style in units of the unpainted scene's. It decides, so it has the
  largest weight: half the way to the style is worth e^1.5 = 4.5, as much as all of the content and a quarter of the
  steadiness. Untouched scenes have d = 1; blurred and flat ones are about as far away, or farther.
- *content*, exp(−d), where d is the distance from the unpainted scene in units of a flat colour's, in which nothing of
  it is left. Untouched scenes have d = 0.
- *steadiness*, exp(−2 d), where d is `detail_loss`: detail that flickers and detail that is missing are the same loss.
  It is not taken below the unpainted scene's own, which is what carrying costs: less than that is sharpness lost, not
  steadiness won. Without that a faint blur would pay.

The score is 1 for the style itself, seen on the unpainted scene, steadily. Decoys are rows like all others; nothing
here asks for a row's name. They come last because they are far from the style, far from the content and without
detail, each of which would be enough to lose to a painting. The two units come from measured rows: the unpainted
scene and a flat colour, which are the same for all runs on a scene, so that a row's score does not depend on what it
is compared with.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from nst3d.metrics.measured import Measured

STYLE, CONTENT, STEADINESS = 3.0, 1.0, 2.0
"""How much each distance counts: the score falls by e for 1 / weight."""


@dataclass(frozen=True)
class Row:
    """What is ranked: a painting, a decoy or the unpainted scene, by its distances, 0 at best."""

    name: str
    style: float
    """From the style, such as `StyleDistance.gram`, by an encoder that no row was painted with."""
    content: float
    """From the unpainted scene, such as LPIPS."""
    loss: float
    """`detail_loss`, in [0, 1]."""

    def __post_init__(self) -> None:
        """Raise ValueError unless all distances are finite and at least 0."""
        if not all(math.isfinite(each) and each >= 0 for each in (self.style, self.content, self.loss)):
            raise ValueError(f"{self.name}: distances must be finite and at least 0, not {self}")

    @staticmethod
    def of(name: str, style: Measured, content: Measured, loss: Measured) -> Row:
        """The row of three measured means. ValueError, with the reason, if one has no values."""
        for each in (style, content, loss):
            if each.value is None:
                raise ValueError(f"{name} cannot be ranked without {each.name}: {each.reason}")
        return Row(name, *(float(each.value or 0) for each in (style, content, loss)))


@dataclass(frozen=True)
class Ranked:
    """A row's place, with the qualities in (0, 1] whose product is its score."""

    row: Row
    score: float
    style: float
    content: float
    steadiness: float


def ranking(rows: Iterable[Row], unpainted: Row, flats: Sequence[Row]) -> list[Ranked]:
    """The rows by score, best first; equal scores keep their order.

    `unpainted` and `flats`, the rows of one colour (of each run, say; their mean is taken), give the units, and are
    ranked only if they are among `rows`. ValueError if a unit is 0: the unpainted scene is the style, or a flat colour.
    """
    units = unpainted.style, sum(each.content for each in flats) / max(len(flats), 1)
    if not all(units):
        raise ValueError(
            f"nothing to rank by: the unpainted scene is {units[0]} from the style, and a flat colour {units[1]} from"
            " the scene"
        )
    ranked = []
    for row in rows:
        style = math.exp(-STYLE * row.style / units[0])
        content = math.exp(-CONTENT * row.content / units[1])
        steadiness = math.exp(-STEADINESS * max(row.loss, unpainted.loss))
        ranked.append(Ranked(row, style * content * steadiness, style, content, steadiness))
    return sorted(ranked, key=lambda each: -each.score)
