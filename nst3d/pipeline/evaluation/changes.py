"""How runs differ from a baseline, view by view."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from nst3d.metrics.bootstrap import Interval, paired_interval
from nst3d.metrics.measured import Measured
from nst3d.pipeline.evaluation.rows import Judged

Verdict = Literal["better", "worse", "unclear"]


@dataclass(frozen=True)
class Change:
    """A run's metric less the baseline's: mean over views, and its 95 % interval."""

    run: str
    metric: str
    interval: Interval
    verdict: Verdict
    """Unclear where the interval holds 0, or where neither way is better."""

    @property
    def text(self) -> str:
        """Mean and interval for people."""
        return f"{self.interval.mean:+.3g} ({self.interval.low:+.3g} to {self.interval.high:+.3g})"


@dataclass(frozen=True)
class Changes:
    """How all other runs differ from a baseline."""

    baseline: str
    """Its row's name."""
    found: Sequence[Change]

    @property
    def clear(self) -> list[Change]:
        """Those that are more than chance."""
        return [each for each in self.found if each.verdict != "unclear"]

    @property
    def plain(self) -> list[dict[str, Any]]:
        """All of them as JSON can hold them."""
        return [
            {"run": e.run, "metric": e.metric, "verdict": e.verdict, **e.interval._asdict()}
            for e in self.found
        ]

    @property
    def table(self) -> str:
        """Those that are more than chance, in Markdown."""
        head = f"Against {self.baseline}, in differences that are more than chance (95 %):"
        if not self.clear:
            return f"{head} none.\n"
        lines = [head, "", "| run | metric | difference | |", "|---|---|---:|---|"]
        lines += [f"| {each.run} | {each.metric} | {each.text} | {each.verdict} |" for each in self.clear]
        return "\n".join(lines) + "\n"


def changes_from(judged: Sequence[Judged], baseline: str) -> Changes:
    """The changes of all metrics of several views, from the row of that name."""
    return Changes(baseline, _differences(judged, baseline))


def _differences(judged: Sequence[Judged], baseline: str) -> list[Change]:
    base = next(each for each in judged if each.row.name == baseline)
    own = {measured.name: measured for measured in base.measured}
    found = []
    for each in judged:
        if each.row.sort != "run" or each.row.name == baseline:
            continue
        for measured in each.measured:
            spread = _between(measured, own)
            if spread is not None:
                found.append(Change(each.row.name, measured.name, spread, _verdict(measured, spread)))
    return found


def _between(measured: Measured, own: Mapping[str, Measured]) -> Interval | None:
    base = own.get(measured.name)
    if base is None or len(base.values) != len(measured.values) or not base.known or not measured.known:
        return None
    return paired_interval(measured, base)


def _verdict(measured: Measured, spread: Interval) -> Verdict:
    if spread.low <= 0 <= spread.high or measured.better == "neither":
        return "unclear"
    return "better" if (spread.high < 0) == (measured.better == "lower") else "worse"
