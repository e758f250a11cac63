"""What finding the cameras of photographs takes and gives, whichever package does it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from nst3d.pipeline.settings.capture import PoseOptions
from nst3d.tensors import ImageSize

Count = Callable[[str, int, int], None]
"""Receives the name of a stage, and how many of its parts are done and how many there are."""


@dataclass(frozen=True)
class Still:
    """A photograph whose camera is sought: a file that is stored upright."""

    name: str
    """File name, of letters, digits, dots and dashes."""
    size: ImageSize
    focal: float | None
    """Focal length in pixels, if it is known."""
    camera: str
    """Name of the camera. Photographs of one size with the same name share focal length and lens."""


@dataclass(frozen=True)
class PoseTask:
    """Photographs whose cameras are sought."""

    images: Path
    """Folder of the stills."""
    work: Path
    """Folder for features and matches, which a later run continues from."""
    model: Path
    """Folder for the COLMAP model, replaced as a whole."""
    stills: Sequence[Still]
    ordered: bool
    """Whether the stills are frames of a video, in order."""
    options: PoseOptions


@dataclass(frozen=True)
class PosesFound:
    """What was found: the largest set of photographs that fit together, in the task's `model`."""

    names: tuple[str, ...]
    """Photographs with a camera."""
    points: int
    error: float
    """Mean reprojection error of the points, in pixels of the stills."""
    others: tuple[int, ...] = ()
    """Numbers of photographs in smaller sets, which fit together but not with the largest."""


class PoseFinder(Protocol):
    """Finds cameras."""

    def __call__(self, task: PoseTask, count: Count, stopped: Callable[[], bool]) -> PosesFound | None:
        """The cameras of a task; None if `stopped`, which is asked often, ended the search.

        Up is +z, and the ball that the cameras look at has its centre at the origin and radius 1. Raises InputError
        if no photographs fit together.
        """
