"""Writes report.html: pictures, plots and numbers in one file, which loads nothing from anywhere."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from PIL import Image

from nst3d.images.levels import to_bytes
from nst3d.metrics.measured import Measured
from nst3d.pipeline.evaluation.changes import Changes
from nst3d.pipeline.evaluation.records import ARROWS, names_of, shown
from nst3d.pipeline.evaluation.report.template import filled
from nst3d.pipeline.evaluation.rows import Judged
from nst3d.pipeline.evaluation.scores import Scores
from nst3d.tensors import Array

_QUALITY = 90
_PICTURES = 4
"""Views of each run on the page."""


@dataclass(frozen=True)
class Page:
    """What a report says."""

    title: str
    judged: Sequence[Judged]
    scores: Scores
    changes: Changes | None
    plots: Sequence[tuple[str, str]]
    """Headings and SVG."""
    command: str
    about: Mapping[str, str]
    """Version, machine and protocol, by name."""
    notes: Sequence[str] = ()

    def html(self) -> str:
        """The whole page."""
        return filled(
            "page.html",
            page=self,
            groups=self._groups(),
            pictures=self._pictures(),
            names=[each.row.name for each in self.judged],
            missing=self._missing(),
        )

    def _groups(self) -> dict[str, list[dict[str, Any]]]:
        """The lines of the table by group of metrics: name, arrow, note, and a cell for each row."""
        found: dict[str, list[dict[str, Any]]] = {}
        for name, measured in names_of(self.judged).items():
            values = [each.value(name) for each in self.judged]
            best = _best([v for v, each in zip(values, self.judged) if each.row.sort == "run"], measured)
            cells = [
                (shown(value), value is not None and value == best and each.row.sort == "run")
                for value, each in zip(values, self.judged)
            ]
            line = {"name": name, "arrow": ARROWS[measured.better], "note": measured.note, "cells": cells}
            found.setdefault(measured.group, []).append(line)
        return found

    def _pictures(self) -> list[dict[str, Any]]:
        """The pictures of each run, before and after."""
        found = []
        for each in self.judged:
            if each.row.sort != "run":
                continue
            own, bare = each.row.take.views.frames, each.row.unpainted.views.frames
            every = range(0, len(own), max(1, len(own) // _PICTURES))
            styles = [jpeg(style.images[0].numpy(), 160) for style in each.row.styles]
            pairs = [(jpeg(bare[k]), jpeg(own[k])) for k in list(every)[:_PICTURES]]
            found.append({"name": each.row.name, "pairs": pairs, "styles": styles})
        return found

    def _missing(self) -> dict[str, str]:
        return {m.name: m.reason for each in self.judged for m in each.measured if m.reason is not None}


def jpeg(picture: Array, long_side: int | None = None) -> str:
    """A picture (h, w, 3) in [0, 1] as a data URL, no larger than `long_side` pixels."""
    image = Image.fromarray(to_bytes(picture))
    if long_side is not None:
        image.thumbnail((long_side, long_side))
    stream = io.BytesIO()
    image.save(stream, "JPEG", quality=_QUALITY, subsampling=0)
    return "data:image/jpeg;base64," + base64.b64encode(stream.getvalue()).decode()


def _best(values: Sequence[float | None], measured: Measured) -> float | None:
    """The best of the runs' values, if there are several and one way is better."""
    known = [value for value in values if value is not None]
    if len(known) < 2 or measured.better == "neither":
        return None
    return min(known) if measured.better == "lower" else max(known)
