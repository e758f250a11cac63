"""Faults that painted assets are known for: shimmer, dark rims, and seams in small textures."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from small_meshes import CUBE_TEXTURE, cube, mesh_of, sphere, texture_paint
from small_splats import ball
from tiny_jobs import TINY, job

from nst3d import Handler, Schedule, Stage, load, prepare, run_job, save
from nst3d.formats.mesh_files import load_mesh
from nst3d.images.io import write_image
from nst3d.pipeline.settings.surface import SurfaceOptions
from nst3d.tensors import Array, ImageSize

BRIGHT = 0.85


@pytest.fixture(scope="module")
def scenes(tmp_path_factory) -> Path:
    """A bright globe and a bright ball, and a bright style."""
    folder = tmp_path_factory.mktemp("scenes")
    rng = np.random.default_rng(0)
    write_image(folder / "style.png", np.clip(BRIGHT + 0.08 * rng.standard_normal((48, 48, 3)), 0, 1))
    write_image(folder / "many.png", rng.random((8, 8, 3)).repeat(6, 0).repeat(6, 1))
    for name, part, size in (("globe", sphere(8), ImageSize(48, 96)), ("cube", cube(), CUBE_TEXTURE)):
        mesh = mesh_of(part)
        coarse = rng.random((size.height // 16, size.width // 16, 3), dtype=np.float32)
        colours = coarse.repeat(16, 0).repeat(16, 1).reshape(-1, 3)
        save(folder / f"{name}.glb", mesh, colours, paint=texture_paint(mesh, size))
    save(folder / "ball.ply", ball(300, degree=3))
    return folder


def directions() -> Array:
    rays = np.random.default_rng(2).standard_normal((64, 3))
    return rays / np.linalg.norm(rays, axis=1, keepdims=True)


def test_one_place_does_not_change_its_colour_more_from_view_to_view(scenes, tmp_path) -> None:
    before = load(scenes / "ball.ply")
    assert before.degree == 3
    changes = {}
    for kept in (0.0, 1.0):
        config = replace(TINY, keep_specular=kept)
        run_job(job(scenes, tmp_path / f"{kept}", config, "ball.ply"))
        after = load(tmp_path / f"{kept}" / "painted.ply")
        assert not np.allclose(after.colours, before.colours)
        # Harmonics are orthonormal: this is the variance over all directions, times the sphere.
        changes[kept] = np.square(after.harmonics[:, 1:]).sum((1, 2))
    own = np.square(before.harmonics[:, 1:]).sum((1, 2))
    assert (changes[0.0] <= 1e-6 * own).all()
    assert (changes[1.0] <= own * (1 + 1e-4)).all()


class Last(Handler):
    """Keeps the last preview."""

    def step(self, event) -> None:
        self.frame = event.preview(None)


def eroded(mask: Array, pixels: int) -> Array:
    """A mask (h, w) without what is within some pixels of its outside."""
    outside = torch.from_numpy(~mask)[None].float()
    return F.max_pool2d(outside, 2 * pixels + 1, 1, pixels)[0].numpy() == 0


@pytest.mark.parametrize("scene", ["globe.glb", "ball.ply"])
def test_no_dark_rim_is_painted_where_the_scene_ends(scenes, tmp_path, scene) -> None:
    listener = Last()
    output = replace(TINY.output, lighting="none")
    config = replace(TINY, schedule=Schedule((Stage(48, 16, 0.05),)), output=output)
    run_job(job(scenes, tmp_path / "out", config, scene), listener)
    frame = listener.frame
    shown = frame.opacity > 0.3
    colours = frame.colour / np.maximum(frame.opacity, 0.3)[..., None]
    inside = eroded(shown, 6)
    rim = shown & ~eroded(shown, 2)
    assert min(inside.sum(), rim.sum()) > 50
    middle = colours[inside].mean()
    assert middle > BRIGHT - 0.1
    assert colours[rim].mean() > middle - 0.03
    assert np.quantile(colours[rim].mean(1), 0.05) > middle - 0.1


def blocks(picture: Array, side: int) -> Array:
    """The sums over blocks of a picture (h, w, c), whose sides are cut to multiples."""
    height, width = (n // side for n in picture.shape[:2])
    parts = picture[: height * side, : width * side].reshape(height, side, width, side, -1)
    return parts.sum((1, 3))


def grown(picture: Array, inside: Array) -> Array:
    """The picture (h, w, 3) with the nearest of its texels wherever `inside` (h, w, 1) is not."""
    places, others = np.argwhere(inside[..., 0]), np.argwhere(~inside[..., 0])
    away = torch.cdist(torch.from_numpy(others).float(), torch.from_numpy(places).float())
    found = picture.copy()
    found[tuple(others.T)] = picture[tuple(places[away.argmin(1).numpy()].T)]
    return found


@pytest.mark.parametrize("atlas", ["keep", "new"])
@pytest.mark.parametrize("level", [3, 4, 5])
def test_small_textures_do_not_show_what_is_between_charts(scenes, tmp_path, atlas, level) -> None:
    config = replace(TINY, surface=SurfaceOptions(atlas=atlas, texture_size=128))
    ready = prepare(scenes / "cube.glb", scenes / "many.png", config)
    canvas = ready.canvas()
    with torch.no_grad():
        for step in canvas.parameters():
            step += 0.1 * torch.rand(step.shape, generator=torch.Generator().manual_seed(0))
    ready.save(tmp_path / "out", canvas)
    (texture,) = load_mesh(tmp_path / "out" / "painted.glb").textures
    height, width = texture.pixels.shape[:2]
    pixels, inside = texture.pixels / 255, ready.subject.scene.anchors.valid.reshape(height, width, 1)
    side = 2**level
    count = blocks(inside.astype(float), side)
    shown = count[..., 0] > 0
    own = blocks(pixels * inside, side)[shown] / count[shown]
    error, best, bled = (
        np.abs(blocks(picture, side)[shown] / side**2 - own).mean()
        for picture in (pixels, grown(pixels, inside), pixels * inside)
    )
    assert error < 1.2 * best + 1.5 / 255
    assert bled > 4 * error  # what padding is for
