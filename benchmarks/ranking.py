"""Checks the ranking of nst3d eval on painted scenes: decoys and blurred paintings must be behind the painting.

    python benchmarks/ranking.py RUN... [--size 128]

Each finished run is scored beside the unpainted scene, both decoys, and its own frames under blurs from mild to strong.
One line a run, in Markdown: the scores, and what is out of order.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from nst3d import FlightOptions
from nst3d.metrics.decoys import blurred_decoy
from nst3d.pipeline.evaluation.measures import Measures
from nst3d.pipeline.evaluation.rows import Judged, Row
from nst3d.pipeline.evaluation.run_folder import RunFolder, read_run
from nst3d.pipeline.evaluation.scores import Score, scores_of
from nst3d.pipeline.evaluation.tools import Tools
from nst3d.pipeline.jobs.evaluate import rows_of
from nst3d.pipeline.jobs.takes import takes_of_runs
from nst3d.pipeline.kinds.bridges import ALONE

SIGMAS = (0.5, 1.0, 2.0, 3.0, 6.0)
"""Blurs in pixels; the decoy's is a 32nd of the frame's height."""


def blurred_rows(rows: Sequence[Row]) -> list[Row]:
    """The run's row under each blur."""
    run = next(row for row in rows if row.sort == "run")
    return [
        Row(
            f"{sigma:g} px",
            "decoy",
            run.take.showing(partial(blurred_decoy, sigma=sigma)),
            run.unpainted,
            run.styles,
        )
        for sigma in SIGMAS
    ]


def scored(run: RunFolder, flight: FlightOptions) -> dict[str, Score]:
    """The scores by row, best first."""
    takes = takes_of_runs([run], flight, print, lambda done, total: None, ALONE)
    rows = rows_of([run], takes, [run.name])
    measures = Measures(Tools({run.encoder}), flight, [run], brief=True)
    judged = [Judged(row, list(measures.of(row))) for row in [*rows, *blurred_rows(rows)]]
    return {score.name: score for score in scores_of(judged).scores}


def faults(names: Sequence[str], run: str) -> list[str]:
    """What is out of order among rows, best first."""
    found = []
    decoys = [name for name in names if name.startswith("decoy")]
    plain = [name for name in names if name in ("unpainted", run)]
    found += [f"{d} before {p}" for d in decoys for p in plain if names.index(d) < names.index(p)]
    blurs = [run, *(f"{sigma:g} px" for sigma in SIGMAS)]
    places = [names.index(name) for name in blurs]
    found += [
        f"{blurs[k + 1]} before {blurs[k]}" for k in range(len(places) - 1) if places[k] > places[k + 1]
    ]
    return found


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("runs", nargs="+", type=Path)
    parser.add_argument("--size", type=int, default=128, help="long side of the frames, in pixels")
    given = parser.parse_args()
    columns = ["painted", "unpainted", *(f"{sigma:g} px" for sigma in SIGMAS), "blurred", "one colour"]
    print(f"| run | {' | '.join(columns)} | out of order |")
    print(f"|---|{'---:|' * len(columns)}---|")
    for folder in given.runs:
        run = read_run(folder)
        found = scored(run, FlightOptions(size=given.size, clip=10))
        names = [run.name, "unpainted", *(f"{s:g} px" for s in SIGMAS), "decoy: blurred", "decoy: one colour"]
        cells = [f"{found[name].value:.3f}" for name in names]
        print(f"| {run.name} | {' | '.join(cells)} | {'; '.join(faults(list(found), run.name)) or '–'} |")
        for name in (run.name, "unpainted", "1 px", "decoy: blurred", "decoy: one colour"):
            s = found[name]
            print(
                f"<!-- {name}: style {s.style:.3f} content {s.content:.3f} steadiness {s.steadiness:.3f} -->",
                flush=True,
            )


if __name__ == "__main__":
    main()
