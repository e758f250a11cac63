"""How steady a painted flight is, measured on the frames that were written."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from nst3d.errors import MissingDependencyError
from nst3d.flow.dis import DenseInverseSearch
from nst3d.flow.method import FlowMethod
from nst3d.flow.temporal import temporal_loss
from nst3d.flow.warp import trusted
from nst3d.images.io import read_image
from nst3d.images.levels import to_bytes
from nst3d.tensors import Array, planes_of
from nst3d.video.clip import read_clip
from nst3d.video.decode import read_frames

_PAIRS = 12
"""Pairs of frames that are compared, spread over the flight."""


def steadiness_of(flight: Path, pictures: int = 1) -> dict[str, Any]:
    """The flow's name, the pairs of successive frames that were compared, and `warped_error`, one for each picture.

    `flight` is a video or a folder of frames; `pictures` of a width are side by side in each frame. An error is the
    root mean square difference, of 1, of frames from the ones before along the motion, where it can be trusted. The
    flow is None, with a `reason`, without OpenCV and if there are no two frames. Raises InputError for a video that
    cannot be read, MissingDependencyError without ffmpeg.
    """
    try:
        flow = DenseInverseSearch()
    except MissingDependencyError:
        return {"flow": None, "reason": "finding motion needs OpenCV: pip install 'nst3d[video]'"}
    losses = [
        [_loss(flow, *halves) for halves in zip(*(np.split(frame, pictures, axis=1) for frame in pair))]
        for pair in _pairs(flight)
    ]
    if not losses:
        return {"flow": None, "reason": "there is one picture, and nothing to compare it with"}
    errors = [round(math.sqrt(mean), 5) for mean in np.mean(losses, axis=0)]
    return {"flow": flow.name, "pairs": len(losses), "warped_error": errors}


def _pairs(flight: Path) -> Iterator[tuple[Array, Array]]:
    """Pairs of successive frames (h, w, 3) uint8."""
    files = sorted(flight.glob("frame_*.png"))
    count = len(files) if flight.is_dir() else 1 if flight.suffix == ".png" else read_clip(flight).frames
    if count < 2:
        return
    firsts = sorted({round(k) for k in np.linspace(0, count - 2, _PAIRS)})
    numbers = sorted({n for first in firsts for n in (first, first + 1)})
    pictures = (
        (to_bytes(read_image(files[n]).pixels) for n in numbers) if files else read_frames(flight, numbers)
    )
    before: tuple[int, Array] | None = None
    for number, frame in zip(numbers, pictures):
        if before is not None and before[0] == number - 1 and before[0] in firsts:
            yield before[1], frame
        before = number, frame


def _loss(flow: FlowMethod, before: Array, frame: Array) -> float:
    back, forth = flow.between(frame, before), flow.between(before, frame)
    return float(temporal_loss(planes_of(frame), planes_of(before), back, trusted(back, forth)))
