"""Gathers frames of a video to train a network on, each with the one before if pairs are asked for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

import numpy as np
import torch

from nst3d.errors import InputError, MissingDependencyError
from nst3d.flow.dis import DenseInverseSearch
from nst3d.flow.method import FlowMethod
from nst3d.flow.warp import trusted
from nst3d.images.levels import from_bytes
from nst3d.images.resize import fitted_size
from nst3d.pipeline.runtime.events import Events
from nst3d.tensors import Array, Image, ImageSize, Mask, to_planes
from nst3d.training.patches import LEAST
from nst3d.training.shot import Before, Shot
from nst3d.video.clip import Clip, describe_changes, read_clip
from nst3d.video.decode import read_clip_frames
from nst3d.video.shots import find_shots

_MOST = 100
"""Number of frames above which a video is thinned out evenly."""


def gather_frames(source: Path, long_side: int, paired: bool, events: Events) -> list[Shot]:
    """Frames of a video, evenly spread, with `long_side` pixels on their long side.

    With `paired`, each has the frame before it, and none is the first of its shot: what a cut changes has not moved.
    Raises InputError for a file that is no video, for frames that are too narrow, and without two consecutive frames of
    a shot if pairs are asked for; MissingDependencyError without ffmpeg, or, for pairs, without OpenCV.
    """
    flow = _flow() if paired else None
    clip = read_clip(source)
    for text in describe_changes(clip):
        events.note(text)
    size = _size(clip, long_side)
    with closing(read_clip_frames(clip, size=size)) as frames:
        numbers = _following(frames) if paired else range(sum(1 for _ in frames))
    if not numbers:
        raise InputError(
            f"{source}: has no two consecutive frames of one shot that differ, of which `video` needs pairs; give a"
            " longer video, or leave out `video`"
        )
    chosen = _thinned(numbers, _MOST)
    if len(chosen) < len(numbers):
        events.note(f"{source}: training on {len(chosen)} of {len(numbers)} frames, evenly chosen")
    with closing(read_clip_frames(clip, size=size)) as frames:
        return [_shot(frame, before, flow) for frame, before in _picked(frames, set(chosen))]


def _flow() -> FlowMethod:
    try:
        return DenseInverseSearch()
    except MissingDependencyError:
        raise MissingDependencyError(
            "pairs of frames need OpenCV, which finds motion: pip install 'nst3d[video]', or leave out `video`"
        ) from None


def _size(clip: Clip, long_side: int) -> ImageSize:
    with closing(read_clip_frames(clip)) as frames:
        height, width = next(frames).shape[:2]
    size = fitted_size((height, width), long_side)
    if min(size) < LEAST:
        raise InputError(
            f"{clip.path}: its frames would have {size.width} x {size.height} pixels; expected {LEAST} or more on the"
            " short side, give a larger `size`"
        )
    return size


def _following(frames: Iterator[Array]) -> Sequence[int]:
    """The numbers of all frames that follow another one in their shot, without those that only repeat it."""
    repeated: set[int] = set()

    def noted() -> Iterator[Array]:
        before: Array | None = None
        for number, frame in enumerate(frames):
            if before is not None and np.array_equal(frame, before):
                repeated.add(number)
            before = frame
            yield frame

    shots = list(find_shots(noted()))
    return [n for shot in shots for n in range(shot.start + 1, shot.end) if n not in repeated]


def _thinned(numbers: Sequence[int], most: int) -> Sequence[int]:
    """At most so many of the numbers, evenly spread."""
    return numbers if len(numbers) <= most else [numbers[i * len(numbers) // most] for i in range(most)]


def _picked(frames: Iterator[Array], numbers: set[int]) -> Iterator[tuple[Array, Array]]:
    """The frames of these numbers, each with the one before; the first is before itself."""
    before: Array | None = None
    for number, frame in enumerate(frames):
        if number in numbers:
            yield frame, frame if before is None else before
        before = frame


def _shot(frame: Array, before: Array, flow: FlowMethod | None) -> Shot:
    planes = [to_planes(Image(torch.from_numpy(from_bytes(f)))) for f in (frame, before)]
    everywhere = Mask(torch.ones(frame.shape[:2]))
    if flow is None:
        return Shot(planes[0], everywhere)
    back, forth = flow.between(frame, before), flow.between(before, frame)
    return Shot(planes[0], everywhere, Before(planes[1], back, trusted(back, forth)))
