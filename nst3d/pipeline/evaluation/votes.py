"""Votes of people between the pictures of two runs, and what they say."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from nst3d.errors import InputError, cut
from nst3d.metrics.bootstrap import sign_test
from nst3d.pipeline.evaluation.json_mapping import read_mapping

FORMAT = "nst3d votes 1"
SAME = "same"
_SURE = 0.05


@dataclass(frozen=True)
class Tally:
    """What people who did not know which was which chose."""

    names: tuple[str, str]
    wins: int
    """Votes for the first."""
    losses: int
    """Votes for the second."""
    ties: int

    @property
    def p_value(self) -> float:
        """How likely votes at least as uneven are if nobody sees a difference: exact, two-sided, no ties."""
        return sign_test(self.wins, self.losses)

    @property
    def text(self) -> str:
        """The result for people."""
        first, second = self.names
        counts = f"{first}: {self.wins} wins, {self.losses} losses, {self.ties} ties against {second}"
        sign = f"p = {self.p_value:.2g} (exact sign test, two-sided; ties left out)"
        if self.p_value >= _SURE:
            return f"{counts}\n{sign}: chance alone could make these votes"
        return f"{counts}\n{sign}: {first if self.wins > self.losses else second} is preferred"


def tally(files: Sequence[Path], names: tuple[str, str], fingerprints: tuple[str, str]) -> Tally:
    """All votes of some files, each a person's own, on two runs, in either order.

    Raises InputError for a file that holds no votes, or those of other runs.
    """
    counts = Counter(choice for file in files for choice in _choices(file, fingerprints))
    return Tally(names, counts[fingerprints[0]], counts[fingerprints[1]], counts[SAME])


def _choices(file: Path, fingerprints: tuple[str, str]) -> list[str]:
    """The choices in a file: the fingerprint of a run, or "same"."""
    found = read_mapping(file, "votes saved by a page of pairs")
    if found.get("format") != FORMAT:
        raise InputError(f"{file}: holds no votes of a page of pairs")
    runs, votes = found.get("runs"), found.get("votes")
    if not isinstance(runs, list) or not isinstance(votes, list) or not votes:
        raise InputError(f"{file}: holds no votes")
    if set(map(str, runs)) != set(fingerprints):
        raise InputError(
            f"{file}: holds votes on other runs, or a run was painted again since; write a new page of pairs"
        )
    by_view: dict[int, str] = {}
    for vote in votes:
        view, choice = (vote.get("view"), vote.get("choice")) if isinstance(vote, Mapping) else (None, None)
        if type(view) is not int or choice not in (*fingerprints, SAME):
            raise InputError(f"{file}: {cut(repr(vote))} is no vote")
        if view in by_view:
            raise InputError(f"{file}: has two votes on view {view}")
        by_view[view] = choice
    return list(by_view.values())
