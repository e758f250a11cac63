"""Paintings by a style field: of textures, vertices and splats, that they resume, and where padding lies."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from small_splats import ball
from tiny_jobs import TINY, Listener, job

from nst3d import run_job, save
from nst3d.errors import ConfigError
from nst3d.formats.splats.registry import load_splats
from nst3d.pipeline.kinds.mesh.table_places import table_places
from nst3d.representations.surface import Surface, TexelBinding
from nst3d.representations.texels import anchor_rows
from nst3d.stylize.layout import Layout
from nst3d.tensors import ImageSize

FIELD = replace(TINY, table=replace(TINY.table, field=6.0))


@pytest.mark.parametrize("scene", ["cube.obj", "ball.ply"])
def test_a_resumed_painting_is_the_unbroken_one(inputs, tmp_path, scene) -> None:
    save(inputs / "ball.ply", ball(120))
    suffix = "glb" if scene == "cube.obj" else "ply"
    whole = run_job(job(inputs, tmp_path / "whole", FIELD, scene)).paths[0].read_bytes()
    for stop in (2, 4):  # in the first stage, and in the second
        out = tmp_path / f"stopped{stop}"
        assert run_job(job(inputs, out, FIELD, scene), [Listener(stop_after=stop)]).interrupted
        run_job(job(inputs, out, FIELD, scene, resume=True))
        assert (out / f"painted.{suffix}").read_bytes() == whole
    plain = run_job(job(inputs, tmp_path / "plain", TINY, scene)).paths[0].read_bytes()
    assert plain != whole


def test_a_region_of_a_field_keeps_the_rest(inputs, tmp_path) -> None:
    save(inputs / "ball.ply", ball(120))
    here = replace(FIELD, region="box:-1,-2,-2,2,2,2")
    run_job(job(inputs, tmp_path / "out", here, "ball.ply"))
    own, found = (load_splats(p) for p in (inputs / "ball.ply", tmp_path / "out" / "painted.ply"))
    changed = np.abs(own.harmonics - found.harmonics).max((1, 2)) > 1e-3
    left = own.positions[:, 0] < 2
    assert changed[left].mean() > 0.5
    assert not changed[~left].any()


def test_padding_lies_where_the_border_of_its_island_does() -> None:
    """Two triangles far from each other, on both sides of a texture."""
    shape = np.array([[0, 0], [1, 0], [0, 1]], np.float32)
    flat = np.concatenate([shape, np.zeros((3, 1), np.float32)], 1)
    positions = np.concatenate([flat, flat + np.float32([5, 0, 0])])
    uvs = np.stack([0.05 + 0.35 * shape, [0.55, 0.05] + 0.35 * shape]).astype(np.float32)
    slots = np.array([[0, 32, 32, 1, 1]], np.int32)
    faces = np.arange(6, dtype=np.int32).reshape(2, 3)
    binding = TexelBinding(uvs, np.zeros(2, np.int32), slots)
    up = np.array([0.0, 1.0, 0.0])
    parts = np.zeros(2, np.int32)
    surface = Surface(
        positions, faces, np.zeros((2, 3, 3), np.float32), parts, parts, binding, 32 * 32, up, up
    )
    places = table_places(surface, Layout.of_images([ImageSize(32, 32)]))
    valid = anchor_rows(surface).valid
    image, inside = places.reshape(32, 32, 3), valid.reshape(32, 32)
    np.testing.assert_allclose(places[valid], anchor_rows(surface).interpolate(positions[faces]), atol=1e-6)
    beside = np.zeros_like(inside)
    beside[1:] |= inside[:-1]
    beside[:, 1:] |= inside[:, :-1]
    beside &= ~inside
    assert beside.sum() > 10
    right = np.arange(32)[None].repeat(32, 0) >= 16
    assert (image[beside & right][:, 0] >= 5).all()
    assert (image[beside & ~right][:, 0] <= 1).all()
    far = np.zeros_like(inside)
    far[:4, 13:16] = True
    assert np.ptp(image[far], axis=0).max() == 0


def test_a_picture_has_no_field(inputs, tmp_path) -> None:
    with pytest.raises(ConfigError, match=r"`table\.field` is for .*meshes; .* is a picture"):
        run_job(job(inputs, tmp_path / "out", FIELD, "photo.png"))
