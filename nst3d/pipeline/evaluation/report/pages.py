"""Puts a report together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from nst3d.errors import MissingDependencyError
from nst3d.pipeline.evaluation.changes import Changes
from nst3d.pipeline.evaluation.records import names_of
from nst3d.pipeline.evaluation.report.page import Page
from nst3d.pipeline.evaluation.report.plots import bars, loss_plot
from nst3d.pipeline.evaluation.rows import Judged
from nst3d.pipeline.evaluation.scores import Scores
from nst3d.pipeline.runtime.loss_log import read_losses

_PLOTTED = (
    "geometric_rmse",
    "literature_rmse",
    "geometric_detail",
    "flow_detail",
    "style_",
    "colour_",
    "ssim",
    "lpips_vgg",
)
"""How names of metrics begin that are plotted; all are in the table."""


def page_of(
    judged: Sequence[Judged], scores: Scores, changes: Changes | None, command: str, about: Mapping[str, str]
) -> str:
    """The report as HTML; without matplotlib it has no plots, and says so."""
    names = [each.row.name for each in judged if each.row.sort == "run"]
    title = f"How good is {names[0]}?" if len(names) == 1 else f"{len(names)} paintings of one scene"
    try:
        plots, notes = list(_plots(judged)), []
    except MissingDependencyError as error:
        plots, notes = [], [str(error)]
    if scores.reason is not None:
        notes.append(scores.reason)
    return Page(title, judged, scores, changes, plots, command, about, notes).html()


def _plots(judged: Sequence[Judged]) -> Iterator[tuple[str, str]]:
    """Losses of the runs, and a bar chart for each metric of pictures."""
    for each in judged:
        rows = [] if each.row.run is None else read_losses(each.row.run.path)
        if rows:
            names = [name for name in rows[0] if name not in ("step", "stage")]
            losses = {name: [float(row.get(name) or "nan") for row in rows] for name in names}
            yield f"losses of {each.row.name}, by step", loss_plot(losses)
    for name, measured in names_of(judged).items():
        if not name.startswith(_PLOTTED) or measured.value is None:
            continue
        found = {each.row.name: m for each in judged for m in each.measured if m.name == name}
        yield "", bars(f"{name}: {measured.better} is better", found)
