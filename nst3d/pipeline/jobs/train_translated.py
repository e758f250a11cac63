"""Shows and measures what translators do to pictures that they have not seen, and how their training went."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from nst3d.errors import MissingDependencyError
from nst3d.files import write_bytes
from nst3d.images.io import write_image
from nst3d.metrics.colour import colour_distance
from nst3d.networks.translator import Translator
from nst3d.pipeline.evaluation.report.plots import loss_plot
from nst3d.pipeline.runtime.events import Events
from nst3d.tensors import Array, Planes, to_image
from nst3d.training.cycle import PARTS

_SHOWN = 6
"""Number of pictures of each set in a sheet."""
_POINTS = 200
"""Points of a curve in a plot, each the mean of steps around it."""
Domains = tuple[Sequence[Planes], Sequence[Planes]]


@torch.no_grad()
def distances(translators: Sequence[Translator], held: Domains) -> dict[str, dict[str, float]]:
    """What translating pictures that were held out changes, by direction: "there" and "back".

    "untouched" and "painted" are the distances of the colours, before and after, from the other set's; "returned" is
    the mean absolute difference of a picture that was translated and translated back, in [0, 1].
    """
    found = {}
    for number, name in enumerate(("there", "back")):
        own, other = held[number], held[1 - number]
        painted = [_painted(translators[number], picture) for picture in own]
        returned = [_painted(translators[1 - number], picture) for picture in painted]
        lost = sum(float((r - p).abs().mean()) for r, p in zip(returned, own)) / len(own)
        found[name] = {
            "untouched": round(colour_distance(_pixels(own), _pixels(other)), 4),
            "painted": round(colour_distance(_pixels(painted), _pixels(other)), 4),
            "returned": round(lost, 4),
        }
    return found


@torch.no_grad()
def write_sheet(path: Path, translators: Sequence[Translator], held: Domains) -> None:
    """Write pictures of both sets, each before, translated, and translated back: a row for each pair of pictures."""
    rows = []
    for pair in list(zip(*held))[:_SHOWN]:
        row = []
        for number, picture in enumerate(pair):
            painted = _painted(translators[number], picture)
            row += [picture, painted, _painted(translators[1 - number], painted)]
        tall = max(p.shape[1] for p in row)
        rows.append(np.concatenate([_padded(to_image(p).numpy(), tall, 0) for p in row], axis=1))
    wide = max(row.shape[1] for row in rows)
    write_image(path, np.concatenate([_padded(row, 0, wide) for row in rows]))


def write_curves(table: Path, plot: Path, losses: Sequence[torch.Tensor], events: Events) -> list[Path]:
    """Write the losses of all steps as CSV and, if matplotlib is installed, their smoothed curves as SVG."""
    if not losses:
        return []
    values = torch.stack(list(losses)).double()
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(["step", *PARTS])
    writer.writerows([k, *(f"{v:.6g}" for v in row)] for k, row in enumerate(values.tolist(), start=1))
    write_bytes(table, stream.getvalue().encode())
    means = torch.stack([part.mean(0) for part in values.tensor_split(min(_POINTS, len(values)))])
    try:
        drawn = loss_plot({name: means[:, k].tolist() for k, name in enumerate(PARTS)})
    except MissingDependencyError as error:
        events.note(f"{plot}: is left out, as {error}")
        return [table]
    write_bytes(plot, drawn.encode())
    return [table, plot]


def _painted(network: Translator, picture: Planes) -> Planes:
    return Planes(network(picture[None])[0])


def _pixels(pictures: Sequence[Planes]) -> Array:
    """(n, 1, 3): all pixels of pictures."""
    rows: Array = torch.cat([to_image(picture).reshape(-1, 1, 3) for picture in pictures]).numpy()
    return rows


def _padded(picture: Array, height: int, width: int) -> Array:
    missing = [(0, max(0, height - picture.shape[0])), (0, max(0, width - picture.shape[1])), (0, 0)]
    return np.pad(picture, missing, constant_values=1)
