"""What a sweep writes for people: a table, a page with all commands, and the contact sheet."""

from __future__ import annotations

import math
from collections.abc import Sequence

from nst3d.pipeline.evaluation.contact_sheet import Axes, Cell, contact_sheet
from nst3d.pipeline.evaluation.scores import Score, Scores
from nst3d.pipeline.jobs.trials import Tried, ranked
from nst3d.tensors import Array

_WIDEST = 6
"""Columns of a sheet without axes."""
_LONGEST_ROW = 8
"""Pictures of a single row."""


def sweep_table(tried: Sequence[Tried], scores: Scores) -> str:
    """All paintings in Markdown, best first, with the interval of each score; failed ones are left out."""
    names = list(tried[0].trial.values)
    qualities = _qualities(scores)
    lines = [
        f"| {' | '.join(map(_cell, names))} | score | 95 % | {' | '.join(qualities)} |",
        f"|{'---|' * len(names)}{'---:|' * (2 + len(qualities))}",
    ]
    for each in ranked(tried):
        if each.error is None:
            values = [*map(_cell, each.trial.values.values()), *_numbers(each.score, qualities)]
            lines.append(f"| {' | '.join(values)} |")
    if scores.reason is not None:
        lines += ["", f"No scores: {scores.reason}."]
    return "\n".join(lines) + "\n"


def sweep_page(tried: Sequence[Tried], scores: Scores, command: str, scene: str) -> str:
    """The page in Markdown: sheet, table, failures, and the command of every combination that was painted."""
    parts = [
        f"# Sweep of {scene}",
        "![all paintings, from one camera](sweep.png)",
        sweep_table(tried, scores),
    ]
    if scores.reason is None:
        parts.append(
            "score = "
            + " × ".join(_qualities(scores))
            + ", each from 0 to 1, higher is better; all paintings are"
            " small, and seen by cameras that painting did not use. [The report](report/report.html) has their parts."
        )
    failed = [each for each in tried if each.error is not None]
    if failed:
        parts += ["## Failed", "\n".join(f"- {each.trial.label}: {each.error}" for each in failed)]
    parts.append("## Commands\n\nTo paint a combination in full, the best first:")
    for each in ranked(tried):
        if each.error is None:
            parts.append(f"{each.trial.label}\n\n    {each.trial.command}")
    parts.append(f"To measure everything of the small paintings:\n\n    {command}")
    return "\n\n".join(part.rstrip("\n") for part in parts) + "\n"


def sweep_sheet(tried: Sequence[Tried], scores: Scores) -> Array:
    """The contact sheet (h, w, 3): a grid of one or two settings as such, others by score."""
    qualities = _qualities(scores)
    caption = (
        f"score: the product of {', '.join(qualities[:-1])} and {qualities[-1]}, each from 0 to 1; higher is better"
        if scores.reason is None
        else f"No scores: {scores.reason}."
    )
    best = ranked(tried)[0]
    names = list(tried[0].trial.values)
    values = {name: list(dict.fromkeys(t.trial.values[name] for t in tried)) for name in names}
    wide = len(names) == 1 and len(tried) > _LONGEST_ROW
    if len(names) > 2 or wide:
        shown = list(tried) if wide else ranked(tried)
        columns = min(_WIDEST, math.ceil(math.sqrt(len(tried))))
        cells = [_cell_of(each, qualities, each is best) for each in shown]
        return contact_sheet(cells, columns, None, caption)
    across = max(names, key=lambda name: len(values[name]))
    down = next((name for name in names if name != across), across)
    shown = sorted(tried, key=lambda t: [values[name].index(t.trial.values[name]) for name in (down, across)])
    cells = [_cell_of(each, qualities, each is best) for each in shown]
    labels = {name: [f"{name} {value}" for value in values[name]] for name in names}
    axes = Axes(labels[across], labels[down] if down != across else ())
    return contact_sheet(cells, len(values[across]), axes, caption)


def _cell_of(each: Tried, qualities: Sequence[str], best: bool) -> Cell:
    score, label = each.score, each.trial.label
    if each.error is not None:
        return Cell(label, note=f"failed: {each.error}")
    if score is None:
        return Cell(label, each.picture)
    bars = {name: float(getattr(score, name)) for name in qualities}
    return Cell(label, each.picture, f"score {score.value:.3f}{'  best' if best else ''}", bars, is_best=best)


def _qualities(scores: Scores) -> list[str]:
    """The parts of a score; a single picture has no steadiness."""
    steady = ["steadiness"] if len(scores.made_of) > 2 or scores.reason is not None else []
    return ["style", "content", *steady]


def _numbers(score: Score | None, qualities: Sequence[str]) -> list[str]:
    if score is None:
        return ["–"] * (2 + len(qualities))
    parts = [f"{getattr(score, name):.2f}" for name in qualities]
    return [f"{score.value:.3f}", f"{score.low:.3f}–{score.high:.3f}", *parts]


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
