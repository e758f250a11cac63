"""One ranking of paintings, in which neither a blur, nor a flat colour, nor an untouched scene is worth much.

Consistency alone ranks the wrong thing: frames of one colour agree perfectly, blurred ones almost, and photographs
agree less than many paintings of them. Style alone rewards frames that each copy the style and have nothing to do with
each other, and content alone rewards no painting. A painting must do all three, so their qualities are multiplied, and
each is measured where its cheat pays:

- *style*, exp(−2 d), where d is the distance to the style in units of the unpainted scene's: half the way to the style
  is worth a factor of e. Untouched scenes have d = 1; blurred and flat ones are nearer where the scene's contrast is
  above the style's, which is why style cannot decide alone.
- *content*, exp(−d), where d is the distance from the unpainted scene in units of that of the style's own picture laid
  in its place, in which nothing of the scene is left. Untouched scenes have d = 0. A flat colour would be no such unit:
  a scene without texture is nearly one, and every stroke on it would count as a scene destroyed.
- *steadiness*, exp(−3 d), where d is `detail_loss`: flickering and missing detail are the same loss.

The score is 1 for the style itself, seen on the unpainted scene, steadily, and about e^−2 for the unpainted scene. A
flat colour has no detail, e^−3, and not the style, about e^−2, whatever it keeps of a scene that is nearly flat itself.
The more a picture is blurred, the closer it comes to that. A scene that has no detail where the style has some, such as
a bare wall, is a flat colour, too, and hardly better than the decoys.

Decoys are rows like all others, and nothing here asks for a name. The two units come from the unpainted scene and the
style, which are the same for all runs on a scene, so that a row's score does not depend on what it is compared with.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
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


def ranking(rows: Iterable[Row], unpainted: Row, stranger: float) -> list[Ranked]:
    """The rows by score, best first; equal scores keep their order.

    `unpainted` gives the unit of style, and is ranked only if it is among `rows`. `stranger` is the unit of content:
    how far the style's own picture is from the scene in whose place it lies. ValueError if a unit is 0: the unpainted
    scene is the style.
    """
    units = unpainted.style, stranger
    if not all(units):
        raise ValueError(
            f"nothing to rank by: the unpainted scene is {units[0]} from the style, and the style's picture {units[1]}"
            " from the scene"
        )
    ranked = []
    for row in rows:
        style = math.exp(-STYLE * row.style / units[0])
        content = math.exp(-CONTENT * row.content / units[1])
        steadiness = math.exp(-STEADINESS * row.loss)
        ranked.append(Ranked(row, style * content * steadiness, style, content, steadiness))
    return sorted(ranked, key=lambda each: -each.score)
