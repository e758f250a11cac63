"""Builds a model from matches with COLMAP's incremental mapper, sets it upright, and writes it."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from nst3d.cameras.bounds import scene_frame
from nst3d.cameras.pinhole import Camera
from nst3d.errors import InputError, OutputError
from nst3d.formats.captures.common import find_up
from nst3d.integrations.pycolmap.features import DATABASE
from nst3d.pipeline.captures.poses import Count, PosesFound, PoseTask
from nst3d.tensors import Array, ImageSize

_SMALLEST = 3
"""Number of photographs from which a set that fits together is a model."""
_CURVED = 1e4
"""Largest coefficient of a lens. COLMAP's own limit, 1, is passed by long lenses, as coefficients go with powers of the
tangent from the axis. As all photographs share the lens, all of them were then dropped, and the search began anew."""


def map_stills(
    package: Any, task: PoseTask, threads: int, count: Count, stopped: Callable[[], bool]
) -> PosesFound | None:
    """Find the cameras and points of the matched stills and write the largest model; None if stopped.

    Raises InputError if no stills fit together, OutputError if the model cannot be written.
    """
    with tempfile.TemporaryDirectory(dir=task.work) as scratch:
        models = _models(package, task, threads, count, stopped, Path(scratch))
        if models is None:
            return None
        models.sort(key=lambda model: (-model.num_reg_images(), model.compute_mean_reprojection_error()))
        if not models or models[0].num_reg_images() < _SMALLEST:
            raise InputError(
                f"none of the {len(task.stills)} photographs fit together: neighbours must overlap by more than half"
                " and be taken from different places, sharp, of something with texture that stands still; take more,"
                " or give a larger `size`"
            )
        best = models[0]
        _set_upright(package, best)
        _write(best, Path(scratch) / "written", task.model)
    names = sorted(best.image(number).name for number in best.reg_image_ids())
    return PosesFound(
        tuple(names),
        best.num_points3D(),
        best.compute_mean_reprojection_error(),
        tuple(model.num_reg_images() for model in models[1:]),
    )


def _models(
    package: Any, task: PoseTask, threads: int, count: Count, stopped: Callable[[], bool], scratch: Path
) -> list[Any] | None:
    """All models that COLMAP finds; None if stopped."""
    options = package.IncrementalPipelineOptions(
        num_threads=threads,
        random_seed=task.options.seed,
        extract_colors=True,
        min_model_size=_SMALLEST,
        max_extra_param=_CURVED,
    )
    token, total, placed = package.CancellationToken(), len(task.stills), 0

    def began() -> None:
        nonlocal placed
        placed = 1
        another()

    def another() -> None:
        nonlocal placed
        placed += 1
        count("placing cameras", min(placed, total), total)
        if stopped():
            token.cancel()

    count("placing cameras", 0, total)
    try:
        found = package.incremental_mapping(
            task.work / DATABASE,
            task.images,
            scratch,
            options,
            initial_image_pair_callback=began,
            next_image_callback=another,
            cancellation_token=token,
        )
    except InterruptedError:  # by the token
        return None
    return list(found.values())


def _set_upright(package: Any, model: Any) -> None:
    """Turn the model so that up is +z, and move and scale the ball that its cameras look at to the unit ball."""
    cameras = [_camera(model, number) for number in sorted(model.reg_image_ids())]
    ball = scene_frame(cameras)
    turn = _turn_to_z(find_up(cameras))
    scale = 1 / ball.radius
    moved = package.Sim3d(scale, package.Rotation3d(turn), -scale * turn @ ball.centre)
    model.transform(moved)


def _camera(model: Any, number: int) -> Camera:
    image = model.image(number)
    pose = np.eye(4)
    pose[:3] = image.cam_from_world().inverse().matrix()
    kind = model.camera(image.camera_id)
    centre = (kind.principal_point_x, kind.principal_point_y)
    return Camera(pose, kind.mean_focal_length(), centre, ImageSize(kind.height, kind.width))


def _turn_to_z(up: Array) -> Array:
    """The rotation (3, 3) that turns a unit vector up to +z by the shortest way."""
    z = np.array([0.0, 0.0, 1.0])
    if up @ z < -0.999999:
        return np.diag([1.0, -1.0, -1.0])
    axis = np.cross(up, z)
    cross = np.array([[0, -axis[2], axis[1]], [axis[2], 0, -axis[0]], [-axis[1], axis[0], 0]])
    return np.eye(3) + cross + cross @ cross / (1 + up @ z)


def _write(model: Any, scratch: Path, folder: Path) -> None:
    """Write a model in COLMAP's binary format; an earlier one is replaced once the new one is complete."""
    try:
        scratch.mkdir()
        model.write(scratch)
        folder.parent.mkdir(parents=True, exist_ok=True)
        if folder.exists():
            shutil.rmtree(folder)
        os.replace(scratch, folder)
    except OSError as error:
        raise OutputError(f"{folder}: cannot be written ({error.strerror or error})") from None
