"""The depth that pictures of radiance scenes come with."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from nst3d.cameras.pinhole import Camera
from nst3d.renderers.radiance import RadianceRenderer
from nst3d.renderers.splats import SplatRenderer
from nst3d.renderers.voxels import VoxelRenderer
from nst3d.representations.field import Space, VoxelField
from nst3d.representations.splats import Splats
from nst3d.tensors import Array, ImageSize

CAMERA = Camera(np.eye(4), 40.0, (16.0, 16.0), ImageSize(32, 32))


def sheets(*layers: tuple[float, float]) -> SplatRenderer:
    """Sheets of splats across the view at (depth, opacity), the left half of the image only."""
    grid = np.stack(np.meshgrid(np.linspace(-1.2, -0.1, 24), np.linspace(-1.2, 1.2, 48)), axis=-1).reshape(
        -1, 2
    )
    positions = np.concatenate([np.c_[grid * z / 2, np.full(len(grid), z)] for z, _ in layers])
    count = len(positions)
    return SplatRenderer(
        Splats(
            positions.astype(np.float32),
            np.tile(np.array([0.05, 0.05, 0.001], np.float32), (count, 1)),
            np.tile(np.array([1, 0, 0, 0], np.float32), (count, 1)),
            np.repeat([o for _, o in layers], len(grid)).astype(np.float32),
            np.zeros((count, 1, 3), np.float32),
        )
    )


def depth_of(renderer: RadianceRenderer, camera: Camera = CAMERA) -> Array:
    return renderer.draw(camera, np.zeros((renderer.num_colours, 3), np.float32)).depth


def test_a_sheet_lies_where_it_is() -> None:
    depth = depth_of(sheets((2.0, 0.9), (6.0, 0.9)))
    assert np.allclose(depth[8:24, 4:12], 2.0)
    assert np.isinf(depth[:, 20:]).all()


def test_light_from_behind_does_not_move_the_surface() -> None:
    assert np.allclose(depth_of(sheets((2.0, 0.35), (6.0, 0.9)))[8:24, 4:12], 2.0)


@pytest.mark.parametrize("contracted", [False, True])
def test_the_depth_of_a_field_is_where_half_of_the_light_is_stopped(contracted) -> None:
    nodes = 80 if contracted else 40
    links = np.full((nodes, nodes, nodes), -1, np.int32)
    space = Space(np.zeros(3), np.full(3, 2.0), contracted)
    grid = np.stack(np.meshgrid(*[np.arange(nodes)] * 3, indexing="ij"), axis=-1)
    inside = np.abs(space.to_world(grid, links.shape)).max(-1) < 1
    links[inside] = np.arange(inside.sum())
    count = int(inside.sum())
    # A fog of density 3: half of the light is left after log 2 / 3.
    field = VoxelField(space, links, np.full(count, 3.0, np.float32), np.zeros((count, 1, 3), np.float32))
    pose = np.eye(4)
    pose[2, 3] = -1.8
    camera = replace(CAMERA, camera_to_world=pose)
    depth = depth_of(VoxelRenderer(field), camera)
    assert np.abs(depth[12:20, 12:20] - 0.8 - np.log(2) / 3).max() < 0.06
    away = replace(camera, camera_to_world=pose @ np.diag([-1.0, 1, -1, 1]))
    assert (depth_of(VoxelRenderer(field), away) > 20).all()
