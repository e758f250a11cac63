"""Pictures of a sweep's paintings, all alike."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from nst3d.images.io import read_image
from nst3d.images.resize import fit_long_side
from nst3d.pipeline.evaluation.flight import FlightOptions, cameras_of
from nst3d.pipeline.evaluation.run_folder import RunFolder, read_run
from nst3d.pipeline.jobs.takes import shown_by_turns
from nst3d.pipeline.kinds.bridges import Bridges
from nst3d.pipeline.kinds.registry import open_path
from nst3d.tensors import Array

_SIDE = 512
"""Long side of the frames, in pixels, before what is empty around the scene is cut off."""
_LARGEST, _SMALLEST = 384, 256
"""Long side of the pictures, in pixels; small ones are enlarged, so that there is room for words below."""
_MARGIN = 0.04
"""Space around the scene, as a share of the frame."""


def sweep_pictures(folders: Sequence[Path], flight: FlightOptions, bridges: Bridges) -> list[Array]:
    """A picture (h, w, 3) in [0, 1] of what each run painted: of scenes from the first camera of the flight.

    Frames are cut to what any of them shows.
    """
    runs = [read_run(folder) for folder in folders]
    if open_path(runs[0].scene).kind.show is None:
        return [_fitted(read_image(run.painted).pixels) for run in runs]
    return [
        _fitted(picture) for picture in _frames(runs, FlightOptions(size=_SIDE, path=flight.path), bridges)
    ]


def _frames(runs: Sequence[RunFolder], flight: FlightOptions, bridges: Bridges) -> list[Array]:
    scenes = shown_by_turns(runs, flight.path, lambda text: None, bridges)
    unpainted = next(scenes)
    camera, background = cameras_of(unpainted, flight)[0], np.asarray(unpainted.background, np.float32)
    found, seen = list[Array](), np.zeros((0, 0), bool)
    for shown in scenes:
        frame = shown.frame(camera)
        found.append(frame.over(background))
        seen = frame.opacity > 0.5 if not seen.size else seen | (frame.opacity > 0.5)
    if not seen.any():
        return found
    margin = round(_MARGIN * _SIDE)
    (top, bottom), (left, right) = (
        (max(0, int(places[0]) - margin), int(places[-1]) + margin + 1)
        for places in (np.flatnonzero(seen.any(axis)) for axis in (1, 0))
    )
    return [picture[top:bottom, left:right] for picture in found]


def _fitted(picture: Array) -> Array:
    return fit_long_side(picture, min(max(max(picture.shape[:2]), _SMALLEST), _LARGEST))
