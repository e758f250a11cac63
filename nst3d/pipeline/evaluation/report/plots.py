"""Plots of an evaluation as SVG."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from nst3d.errors import MissingDependencyError
from nst3d.metrics.bootstrap import interval
from nst3d.metrics.measured import Measured

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_FAINT = 1e-4
"""The smallest part of a loss that is shown, relative to the largest."""
_INK, _PALE = "#2b3a55", "#c5ccd8"
_COLOURS = ("#2b6cb0", "#c05621", "#2f855a", "#805ad5", "#b83280", "#975a16")


def loss_plot(losses: Mapping[str, Sequence[float]]) -> str:
    """The weighted parts of the loss by step, on a logarithmic scale."""
    figure = _figure(6.4, 3.2)
    axes = figure.add_subplot()
    for number, (name, values) in enumerate(losses.items()):
        total = name == "loss"
        colour = _INK if total else _COLOURS[number % len(_COLOURS)]
        axes.plot(range(1, len(values) + 1), values, label=name, color=colour, lw=2 if total else 1)
    axes.set_yscale("log")
    largest = max((value for values in losses.values() for value in values), default=0.0)
    if largest > 0:
        axes.set_ylim(bottom=largest * _FAINT)  # parts that vanish in some steps would take most of the plot
    axes.set_xlabel("step")
    axes.legend(frameon=False, fontsize=8, ncol=2)
    return _svg(figure)


def bars(title: str, rows: Mapping[str, Measured]) -> str:
    """A metric's means by row, with 95 % intervals over views."""
    names = [name for name, measured in rows.items() if measured.value is not None]
    figure = _figure(4.0, 0.6 + 0.32 * len(names))
    axes = figure.add_subplot()
    for place, name in enumerate(reversed(names)):
        measured = rows[name]
        assert measured.value is not None
        axes.barh(place, measured.value, color=_PALE, height=0.7)
        spread = interval(measured.values)
        if spread is not None:
            axes.plot([spread.low, spread.high], [place, place], color=_INK, lw=1.5)
    axes.set_yticks(range(len(names)), list(reversed(names)))
    axes.set_title(title, fontsize=9, loc="left")
    return _svg(figure)


def _figure(width: float, height: float) -> Figure:
    """An empty figure, sizes in inches. MissingDependencyError without matplotlib."""
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise MissingDependencyError("plots need matplotlib: pip install 'nst3d[eval]'") from None
    return Figure(figsize=(width, height), layout="constrained")


def _svg(figure: Figure) -> str:
    """The figure as an SVG element, the same for the same numbers."""
    import matplotlib as mpl

    for axes in figure.axes:
        axes.spines[["top", "right"]].set_visible(False)
        axes.tick_params(labelsize=8)
    stream = io.StringIO()
    with mpl.rc_context({"svg.hashsalt": "nst3d", "svg.fonttype": "none", "font.family": "sans-serif"}):
        figure.savefig(stream, format="svg", metadata={"Date": None, "Creator": None})
    text = stream.getvalue()
    return text[text.index("<svg") :]
