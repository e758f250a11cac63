"""One ranking of paintings, in which neither a blur, nor a flat colour, nor an untouched scene is worth much.

Consistency alone ranks the wrong thing: frames of one colour agree perfectly, blurred ones almost, and photographs
agree less than many paintings of them. Style alone rewards frames that each copy the style and have nothing to do with
each other, and content alone rewards no painting. A painting must do all three, so their qualities are multiplied, and
each is measured where its cheat pays:

- *style*, exp(−2 d), where d is the distance to the style in units of the unpainted scene's: half the way to the style
  is worth a factor of e. Untouched scenes have d = 1; blurred and flat ones are nearer where the scene's contrast is
  above the style's, which is why style cannot decide alone.
- *content*, exp(−d), where d is the distance from the unpainted scene in units of a flat colour's, in which nothing of
  it is left. Untouched scenes have d = 0.
- *steadiness*, exp(−3 d), where d is `detail_loss`: flickering and missing detail are the same loss.

The score is 1 for the style itself, seen on the unpainted scene, steadily, and about e^−2 for the unpainted scene. A
flat colour has lost all of the content and all detail, e^−4 together: even with the very statistics of the style it
would be behind a scene with as much detail as the style, and so behind any painting worth the name. The more a picture
is blurred, the closer it comes to that. A scene that has no detail itself, such as a bare wall, is a flat colour, too,
and no better than the decoys.

Decoys are rows like all others, and nothing here asks for a name. The two units come from measured rows, the unpainted
scene and a flat colour, which are the same for all runs on a scene, so that a row's score does not depend on what it is
compared with.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from nst3d.metrics.measured import Measured

STYLE, CONTENT, STEADINESS = 2.0, 1.0, 3.0
"""How much each distance counts: the score falls by e for 1 / weight."""


@dataclass(frozen=True)
class Row:
    """What is ranked: a painting, a decoy or the unpainted scene, by its distances, 0 at best."""

    name: str
    style: float
    """From the style, such as `StyleDistance.gram`, by an encoder that no row was painted with.

    Of frames over the style's mean colour (`Footage.over`): over white, the outline alone can be farther from the style
    than all that is painted within.
    """
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
        steadiness = math.exp(-STEADINESS * row.loss)
        ranked.append(Ranked(row, style * content * steadiness, style, content, steadiness))
    return sorted(ranked, key=lambda each: -each.score)
