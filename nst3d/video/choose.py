"""Chooses frames of a video that are sharp and overlap: photographs for finding the camera's path."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from nst3d.tensors import Array

MEASURED = 480
"""Long side at which frames are to be measured, in pixels: motion blur shows, noise hardly does."""
_TILE = 64
_REDUCED = 192
"""Long side at which motion is measured, in pixels; it is divided into tiles."""
_FAR, _LONG = 3.0, 12
"""Motion, in pixels, and number of frames after which motion is measured against a new frame: from another place
tiles look different, and are no longer recognised."""
_STEP = 0.04
"""Motion between chosen frames, as a share of the frame's long side: neighbours share most of what they show."""
_FEWEST = 30
"""Number of frames chosen where there is little motion."""
_MIDDLE = 0.7
"""Share of each interval in which the sharpest frame is sought, so that none of the gaps is twice as wide."""


@dataclass(frozen=True)
class FrameMeasures:
    """What was measured of the frames of a video."""

    sharpness: Array
    """(n,) mean squared gradient; comparable among frames that show nearly the same."""
    travel: Array
    """(n,) length of the picture's motion up to each frame, in shares of its long side; never decreases."""


def measure_frames(frames: Iterable[Array]) -> FrameMeasures:
    """Sharpness and motion of grey frames (h, w) uint8 of one size, consumed one at a time.

    Motion is the mean shift of tiles, found by phase correlation, so that turning and zooming count as well.
    """
    sharpness: list[float] = []
    travel: list[float] = []
    base, begun, reference = 0.0, 0, None
    for number, frame in enumerate(frames):
        grey = frame.astype(np.float32)
        sharpness.append(_sharpness(grey))
        spectra = _spectra(_reduced(grey))
        reference = spectra if reference is None else reference
        shift = _shift(reference, spectra)
        travel.append(max(base + shift / _REDUCED, travel[-1] if travel else 0.0))
        if shift > _FAR or number - begun >= _LONG:
            base, begun, reference = travel[-1], number, spectra
    return FrameMeasures(np.array(sharpness), np.array(travel))


def choose_frames(measures: FrameMeasures, most: int) -> list[int]:
    """Numbers of the frames to take, ascending, at most `most`: the sharpest of each of many equal parts.

    The parts are equal in motion rather than in time: a camera that rests gives few frames. There are as many
    as make neighbours overlap by all but a 25th, or 30 if that is more.
    """
    total = len(measures.travel)
    if total <= most and total <= _FEWEST:
        return list(range(total))
    moved = float(measures.travel[-1])
    count = min(most, max(_FEWEST, math.ceil(moved / _STEP)), total)
    time = np.arange(total) / max(total - 1, 1)
    # A little time as well: where nothing moves, frames would all lie in one part.
    place = 0.9 * measures.travel / moved + 0.1 * time if moved > _STEP else time
    part = np.minimum((place * count).astype(int), count - 1)
    off_middle = np.abs(place * count - part - 0.5)
    chosen = []
    for number in np.unique(part):
        members = np.flatnonzero(part == number)
        middle = members[off_middle[members] <= _MIDDLE / 2]
        members = middle if len(middle) else members
        chosen.append(int(members[np.argmax(measures.sharpness[members])]))
    return chosen


def _sharpness(grey: Array) -> float:
    down, across = np.diff(grey, axis=0), np.diff(grey, axis=1)
    return float((down**2).mean() + (across**2).mean())


def _reduced(grey: Array) -> Array:
    """The frame with a long side of about `_REDUCED` pixels, each the mean of a block."""
    block = max(1, round(max(grey.shape) / _REDUCED))
    height, width = (side // block for side in grey.shape)
    return grey[: height * block, : width * block].reshape(height, block, width, block).mean((1, 3))


def _spectra(grey: Array) -> Array:
    """Fourier transforms (n, t, t // 2 + 1) of the windowed tiles, which cover the frame evenly."""
    side = min(_TILE, *grey.shape)
    window = np.hanning(side + 2)[1:-1]
    starts = [np.linspace(0, length - side, -(-length // _TILE)).round().astype(int) for length in grey.shape]
    tiles = np.stack([grey[y : y + side, x : x + side] for y in starts[0] for x in starts[1]])
    tiles = tiles - tiles.mean((1, 2), keepdims=True)
    return np.fft.rfft2(tiles * window[:, None] * window)


def _shift(before: Array, after: Array) -> float:
    """Mean length of the tiles' shifts, in pixels, weighted by contrast: those of flat tiles are noise."""
    cross = after * before.conj()
    side = before.shape[1]
    peaks = np.fft.irfft2(cross / np.maximum(np.abs(cross), 1e-9), s=(side, side))
    places = np.stack(np.unravel_index(peaks.reshape(len(peaks), -1).argmax(1), (side, side)), 1)
    shifts = (places + side // 2) % side - side // 2
    contrast = np.abs(before).mean((1, 2)) + 1e-9
    return float(np.average(np.linalg.norm(shifts, axis=1), weights=contrast))
