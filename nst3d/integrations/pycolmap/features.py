"""Finds the features of stills and keeps them in COLMAP's database."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import groupby
from typing import Any

from nst3d.pipeline.captures.poses import Count, PoseTask, Still
from nst3d.tensors import ImageSize

DATABASE = "database.db"
LENS = "RADIAL"
"""COLMAP's lens model with one focal length and two radial coefficients. Tangential ones, which phones hardly need,
trade against the cameras' places where there are few points: errors of rotation were four times as large."""
_FEW_LENS, _FEW = "SIMPLE_RADIAL", 8
"""Lens model where fewer stills than this share a camera: they could not hold a lens with more numbers."""
_WIDE = 1.2
"""Focal length that is assumed where none is noted, as a share of the long side: COLMAP's own guess."""
_BATCH = 4
"""Number of stills between two counts, for each thread."""


def find_features(
    package: Any, task: PoseTask, threads: int, count: Count, stopped: Callable[[], bool]
) -> bool:
    """Find the features of all stills that have none yet, with COLMAP's SIFT; False if stopped before the end."""
    path = task.work / DATABASE
    with package.Database.open(path) as database:
        known = {image.name: image.image_id for image in database.read_all_images()}
        done = [name for name, number in known.items() if database.exists_descriptors(number)]
        new = [still for still in task.stills if still.name not in known]
        cameras = _write_cameras(package, database, new)
    for camera, names in cameras.items():
        package.import_images(
            path,
            task.images,
            image_names=names,
            options=package.ImageReaderOptions(existing_camera_id=camera),
        )
    left = sorted({still.name for still in task.stills} - set(done))
    options = package.FeatureExtractionOptions(
        max_image_size=task.options.size, num_threads=threads, use_gpu=False
    )
    options.sift.max_num_features = task.options.features
    for start, names in batches(left, _BATCH * threads):
        count("features", len(done) + start, len(task.stills))
        if stopped():
            return False
        package.extract_features(
            path, task.images, image_names=names, extraction_options=options, device=package.Device.cpu
        )
    count("features", len(task.stills), len(task.stills))
    return True


def batches(items: Sequence[Any], size: int) -> Iterable[tuple[int, list[Any]]]:
    """The items, at most `size` at a time, each time with the number of those before."""
    return ((start, list(items[start : start + size])) for start in range(0, len(items), size))


def _write_cameras(package: Any, database: Any, stills: Sequence[Still]) -> dict[int, list[str]]:
    """A camera for all stills of one size and camera: its number in the database and their names."""
    written = {}
    for _, group in groupby(sorted(stills, key=_camera_of), _camera_of):
        members = list(group)
        height, width = members[0].size
        lens = LENS if len(members) >= _FEW else _FEW_LENS
        focal = members[0].focal or _WIDE * max(height, width)
        camera = package.Camera.create_from_model_name(0, lens, focal, width, height)
        camera.has_prior_focal_length = members[0].focal is not None
        written[database.write_camera(camera)] = [still.name for still in members]
    return written


def _camera_of(still: Still) -> tuple[ImageSize, str, float]:
    return still.size, still.camera, still.focal or 0.0
