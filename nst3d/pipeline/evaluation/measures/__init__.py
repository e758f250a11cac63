"""What is measured of each row of an evaluation, a file for each group of metrics."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from nst3d.metrics.measured import Measured
from nst3d.pipeline.evaluation.flight import FlightOptions
from nst3d.pipeline.evaluation.measures.asset import asset
from nst3d.pipeline.evaluation.measures.consistency import Consistency
from nst3d.pipeline.evaluation.measures.content import brief as brief_content
from nst3d.pipeline.evaluation.measures.content import content
from nst3d.pipeline.evaluation.measures.cost import cost
from nst3d.pipeline.evaluation.measures.meaning import Meaning
from nst3d.pipeline.evaluation.measures.style import Closeness
from nst3d.pipeline.evaluation.rows import Row
from nst3d.pipeline.evaluation.run_folder import RunFolder
from nst3d.pipeline.evaluation.tools import Tools


class Measures:
    """All metrics, with what they find once for all rows."""

    def __init__(
        self,
        tools: Tools,
        options: FlightOptions,
        runs: Sequence[RunFolder],
        as_stylos: bool = False,
        brief: bool = False,
    ) -> None:
        """`runs` are all that are evaluated; `as_stylos` adds the protocol that newer papers copy.

        `brief` leaves out what the score is not made of.
        """
        self._tools, self._closeness, self._runs, self._brief = tools, Closeness(tools), runs, brief
        self._meaning = Meaning(tools)
        self._consistency = Consistency(tools, options.gaps, as_stylos)

    def of(self, row: Row) -> Iterator[Measured]:
        """Everything that can be measured of a row, and reasons for the rest."""
        if self._brief:
            yield from self._consistency.brief(row)
            yield self._closeness.brief(row)
            yield from brief_content(row, self._tools)
            yield from cost(row)
            return
        yield from self._consistency.of(row)
        yield from self._closeness.of(row)
        yield from content(row, self._tools)
        yield from self._meaning.of(row)
        yield from asset(row, self._runs)
        yield from cost(row)
