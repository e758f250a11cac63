"""Writes what was measured: metrics.json for programs, and a table in Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from nst3d.metrics.measured import Measured
from nst3d.pipeline.evaluation.rows import Judged
from nst3d.pipeline.evaluation.scores import Scores

_GROUPS = ("consistency", "style", "content", "asset", "cost")
ARROWS = {"lower": "↓", "higher": "↑", "neither": ""}


def plain(judged: Iterable[Judged]) -> list[dict[str, Any]]:
    """All rows and values as JSON can hold them. A metric without a value is null and has its reason beside it."""
    return [
        {
            "name": each.row.name,
            "sort": each.row.sort,
            "metrics": {measured.name: _plain(measured) for measured in each.measured},
        }
        for each in judged
    ]


def _plain(measured: Measured) -> dict[str, Any]:
    found: dict[str, Any] = {
        "group": measured.group,
        "better": measured.better,
        "value": _rounded(measured.value),
    }
    if measured.reason is not None:
        found["reason"] = measured.reason
    if measured.note:
        found["note"] = measured.note
    if len(measured.values) > 1:
        found["values"] = [_rounded(value) for value in measured.values]
    return found


def _rounded(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.6g}")


def names_of(judged: Sequence[Judged]) -> dict[str, Measured]:
    """Every metric that a row has, by group and then in the order of the rows."""
    found: dict[str, Measured] = {}
    for each in judged:
        for measured in each.measured:
            if measured.name not in found or found[measured.name].value is None:
                found[measured.name] = measured
    return dict(sorted(found.items(), key=lambda item: _GROUPS.index(item[1].group)))


def markdown(judged: Sequence[Judged], scores: Scores | None = None) -> str:
    """A table in Markdown: a metric a line, a row of the evaluation a column; arrows say which way is better."""
    names = [each.row.name for each in judged]
    lines = [f"| metric | {' | '.join(names)} |", f"|---|{'---:|' * len(names)}"]
    if scores is not None and scores.scores:
        by_name = {
            score.name: f"{score.value:.3f} ({score.low:.3f}–{score.high:.3f})" for score in scores.scores
        }
        lines.append(f"| **score** ↑ | {' | '.join(by_name[name] for name in names)} |")
    for name, measured in names_of(judged).items():
        values = " | ".join(shown(each.value(name)) for each in judged)
        lines.append(f"| {name} {ARROWS[measured.better]} | {values} |")
    missing = {"score": scores.reason} if scores is not None and scores.reason is not None else {}
    missing |= {m.name: m.reason for each in judged for m in each.measured if m.reason is not None}
    if missing:
        lines += ["", *(f"- {name}: {reason}" for name, reason in missing.items())]
    return "\n".join(lines) + "\n"


def shown(value: float | None) -> str:
    """A value for people: four digits, or a dash."""
    return "–" if value is None else f"{value:.4g}"
