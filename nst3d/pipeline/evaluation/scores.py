"""The score of each row, with an interval by bootstrap over views."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from nst3d.metrics.measured import Measured
from nst3d.metrics.ranking import Ranked, ranking
from nst3d.metrics.ranking import Row as Distances
from nst3d.pipeline.evaluation.rows import Judged
from nst3d.tensors import Array

STYLE = "style_gram"
CONTENTS = ("lpips_vgg", "lpips_alex")
"""What says how far a row is from the scene: the first that was measured."""
_DRAWS = 1000
_BOUNDS = (0.025, 0.975)

Choose = Callable[[str, int], Array]
"""The numbers of the values that count, of a metric's name and how many values it has."""


@dataclass(frozen=True)
class Score:
    """A row's score, from 0 to 1, and the interval in which it is for other views of the same kind."""

    name: str
    value: float
    low: float
    high: float
    style: float
    """How close it is to the style, from 0 to 1: the three of these multiply to the score."""
    content: float
    """How much is left of the scene, from 0 to 1."""
    steadiness: float
    """How little of its detail flickers or is missing, from 0 to 1; in a single picture nothing flickers."""


@dataclass(frozen=True)
class Scores:
    """The scores, best first, or the reason why there are none."""

    scores: Sequence[Score] = ()
    made_of: Sequence[str] = ()
    """The metrics that they are made of."""
    reason: str | None = None


def scores_of(judged: Sequence[Judged]) -> Scores:
    """The rows by `metrics.ranking`: style, content and steadiness at once, in which decoys come last by their numbers.

    Of a single picture the detail alone counts, as nothing flickers.
    """
    content = next((name for name in CONTENTS if all(each.value(name) is not None for each in judged)), None)
    if content is None or any(each.value(STYLE) is None for each in judged):
        missing = STYLE if content is not None else " or ".join(CONTENTS)
        return Scores(reason=f"a score needs {missing}, which was not measured")
    losses = [m.name for m in judged[0].measured if "detail_loss" in m.name]
    losses = [name for name in losses if all(each.value(name) is not None for each in judged)]
    names = (STYLE, content, *losses)
    values = _scored(judged, names, lambda name, count: np.arange(count))
    generator = np.random.default_rng(0)
    drawn = [[ranked.score for ranked in _scored(judged, names, _draw(generator))] for _ in range(_DRAWS)]
    found = []
    for place, each in enumerate(judged):
        low, high = np.quantile([draw[place] for draw in drawn], _BOUNDS)
        own = values[place]
        qualities = own.style, own.content, own.steadiness
        found.append(Score(each.row.name, own.score, float(low), float(high), *qualities))
    return Scores(sorted(found, key=lambda score: -score.value), names)


def _draw(generator: np.random.Generator) -> Choose:
    """Views drawn with replacement: the same for all rows, and for all metrics of views."""
    kept: dict[tuple[str, int], Array] = {}

    def choose(name: str, count: int) -> Array:
        key = (name if "detail_loss" in name else "", count)
        if key not in kept:
            kept[key] = generator.integers(count, size=count)
        return kept[key]

    return choose


def _scored(judged: Sequence[Judged], names: Sequence[str], choose: Choose) -> list[Ranked]:
    """Each row with its score, from the means of the values that are chosen."""
    style, content, *losses = names
    rows = [
        Distances(
            each.row.name,
            _mean(each, style, choose),
            _mean(each, content, choose),
            float(np.mean([_mean(each, name, choose) for name in losses])) if losses else 0.0,
        )
        for each in judged
    ]
    unpainted = rows[next(k for k, each in enumerate(judged) if each.row.sort == "unpainted")]
    bare = next(each for each in judged if each.row.sort == "unpainted")
    stranger = _mean(bare, f"{content}_of_style", choose)
    by_name = {ranked.row.name: ranked for ranked in ranking(rows, unpainted, stranger)}
    return [by_name[each.row.name] for each in judged]


def _mean(each: Judged, name: str, choose: Choose) -> float:
    measured: Measured = next(m for m in each.measured if m.name == name)
    values = np.array([np.nan if value is None else value for value in measured.values])
    chosen = values[choose(name, len(values))]
    known = chosen[np.isfinite(chosen)]
    return float(known.mean()) if len(known) else float(measured.value or 0)
