"""What a run is judged by: frames of a scene before and after painting, from the same cameras."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

import numpy as np

from nst3d.cameras.pinhole import Camera
from nst3d.errors import InputError
from nst3d.images.io import read_image
from nst3d.images.levels import from_bytes
from nst3d.images.resize import fit_long_side, resize
from nst3d.metrics.footage import Footage
from nst3d.metrics.warp import Seen
from nst3d.pipeline.evaluation.flight import FlightOptions, Numbers, cameras_of, numbers_of
from nst3d.pipeline.kinds.shown import Shown
from nst3d.tensors import Array, ImageSize
from nst3d.video.clip import Clip, read_clip
from nst3d.video.decode import read_clip_frames

Count = Callable[[int, int], None]
_NOTHING = np.zeros(3, np.float32)
"""Background of pictures and videos, which is seen nowhere."""


@dataclass(frozen=True)
class Take:
    """Frames of one state of a scene."""

    clip: Footage
    """Successive frames, whose consistency is measured."""
    views: Footage
    """Frames from all over the flight, which are compared with styles and contents."""
    background: Array
    """(3,): the colour that is seen where the scene is not."""
    frame_s: float = 0.0
    """Seconds (wall-clock) to render a frame, the median; 0 where frames were read or changed."""

    def showing(self, change: Callable[[Footage], Footage]) -> Take:
        """The same frames, changed."""
        return Take(change(self.clip), change(self.views), self.background)


def takes_of_scenes(scenes: Iterable[Shown], number: int, options: FlightOptions, count: Count) -> list[Take]:
    """The frames of a scene's states, of which there are `number`, all by the first one's cameras.

    `count` is told the frames done and in total.
    """
    cameras, background = list[Camera](), np.zeros(3, np.float32)
    found = list[Take]()
    for shown in scenes:
        if not cameras:
            cameras, background = cameras_of(shown, options), np.asarray(shown.background, np.float32)
        numbers = numbers_of(len(cameras), options)
        total = number * len(numbers.all)
        frames: dict[int, tuple[Array, Array, Seen]] = {}
        seconds = []
        for place in numbers.all:
            start = time.perf_counter()
            frame = shown.frame(cameras[place], depth=True)
            seconds.append(time.perf_counter() - start)
            depth = np.where(frame.opacity > 0.5, frame.depth, np.inf)
            frames[place] = frame.over(background), frame.opacity, Seen(cameras[place], depth)
            count(len(found) * len(numbers.all) + len(frames), total)
        found.append(replace(_take(numbers, frames, background), frame_s=median(seconds)))
    return found


def _take(
    numbers: Numbers, frames: Mapping[int, tuple[Array, Array, Seen | None]], background: Array
) -> Take:
    parts = []
    for some in numbers:
        pictures, opacities, seen = zip(*(frames[number] for number in some))
        parts.append(Footage(pictures, opacities, None if seen[0] is None else seen))
    clip, views = parts
    return Take(clip, views, background)


def takes_of_pictures(paths: Sequence[Path], options: FlightOptions) -> list[Take]:
    """A picture and its paintings, one frame each, in the size of the first painting but no larger than asked."""
    read = [read_image(path) for path in paths]
    painted = read[-1].pixels
    size = fit_long_side(painted, min(options.size, max(painted.shape[:2]))).shape[:2]
    opacity = np.ones(size, np.float32)
    frames = [resize(picture.pixels, size) for picture in read]
    return [
        Take(footage, footage, _NOTHING) for footage in (Footage((frame,), (opacity,)) for frame in frames)
    ]


def takes_of_videos(paths: Sequence[Path], options: FlightOptions, count: Count) -> list[Take]:
    """Frames of a video and of its paintings, in the size of the last one, or smaller as asked."""
    clips = [read_clip(path) for path in paths]
    numbers = numbers_of(min(clip.frames for clip in clips), options)
    total, found, size = len(clips) * len(numbers.all), list[Take](), None
    for clip in reversed(clips):
        frames: dict[int, tuple[Array, Array, None]] = {}
        for number, picture in zip(numbers.all, _frames(clip, numbers.all)):
            size = size or _size(picture, options)
            frames[number] = resize(picture, size), np.ones(size, np.float32), None
            count(len(found) * len(numbers.all) + len(frames), total)
        found.append(_take(numbers, frames, _NOTHING))
    return found[::-1]


def _size(picture: Array, options: FlightOptions) -> ImageSize:
    return ImageSize(*fit_long_side(picture, min(options.size, max(picture.shape[:2]))).shape[:2])


def _frames(clip: Clip, numbers: Sequence[int]) -> Iterator[Array]:
    """Frames (h, w, 3) in [0, 1] by their ascending numbers. InputError for a video that ends before."""
    wanted = iter(numbers)
    following = next(wanted, None)
    with closing(read_clip_frames(clip)) as frames:
        for number, frame in enumerate(frames):
            if number == following:
                yield from_bytes(frame)
                following = next(wanted, None)
            if following is None:
                return
    raise InputError(f"{clip.path}: ends before frame {following}; it is damaged, or was cut")
