"""A resumed run ends with the bytes of an unbroken one: the default recipe and presets, every kind of scene."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ball_field import ball_field
from small_meshes import cube, mesh_of, noise, sphere, textured
from small_splats import ball
from tiny_jobs import Listener

from nst3d import Job, run_job, save
from nst3d.images.io import Picture, write_image
from nst3d.pipeline.settings.config import PaintConfig, load_preset
from nst3d.representations.subdivide import paint_vertices
from nst3d.representations.unwrap import TexelBudget, paint_textures

SCENES = {
    "mesh.ply": ("default", "painted.ply"),
    "splats.ply": ("capture", "painted.ply"),
    "field.npz": ("capture", "painted.npz"),
    "photo.png": ("picture", "painted.png"),
    "gatys.png": ("gatys", "painted.png"),
    "textured.glb": ("default", "painted.glb"),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("scenes")
    mesh = mesh_of(sphere(5))
    paint = paint_vertices(mesh, float("inf"), 0)
    save(folder / "mesh.ply", mesh, noise(paint.num_colours, 3), paint=paint)
    skin = textured(cube(), noise(16, 24, 3))
    table = paint_textures(skin, TexelBudget(0.2, None), "keep")
    save(folder / "textured.glb", skin, noise(table.num_colours, 3), paint=table)
    save(folder / "splats.ply", ball(200))
    save(folder / "field.npz", ball_field(nodes=24, views=6, pixels=48))
    for name in ("photo.png", "gatys.png"):
        save(folder / name, Picture(noise(40, 48, 3), None))
    write_image(folder / "style.png", noise(48, 48, 3, seed=1))
    return folder


def settings(preset: str) -> PaintConfig:
    """The preset at a size and a length that tests can pay for; its recipe untouched."""
    config = load_preset(preset).with_size(48).with_iterations(9)
    rig = replace(config.rig, views=4, max_views=4)
    output = replace(config.output, turntable=False, size=16)
    return replace(config, rig=rig, output=output, threads=1)


@pytest.mark.parametrize("scene", SCENES)
def test_a_resumed_job_is_the_unbroken_one_bit_for_bit(folder, tmp_path, scene) -> None:
    preset, asset = SCENES[scene]
    config = settings(preset)

    def job(out: str, resume: bool = False) -> Job:
        return Job(folder / scene, folder / "style.png", tmp_path / out, config, resume=resume)

    whole = run_job(job("whole"))
    steps = whole.metrics["iterations"]
    for stop in (2, steps // 2, steps - 1):
        assert run_job(job(f"stopped {stop}"), Listener(stop)).interrupted
        again = run_job(job(f"stopped {stop}", resume=True))
        assert again.metrics["losses"] == whole.metrics["losses"]
        stopped = tmp_path / f"stopped {stop}" / asset
        assert stopped.read_bytes() == (tmp_path / "whole" / asset).read_bytes(), f"stopped after {stop}"
