"""Game voxels through the pipeline: one colour a voxel, painted back into their own file."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from small_meshes import cube, mesh_of, noise
from small_recipe import shallow
from vox_samples import binvox, model, rgba, vox

from nst3d.errors import ConfigError
from nst3d.formats.mesh_files import load_mesh
from nst3d.formats.registry import Format, forget_format, register_format
from nst3d.images.io import write_image
from nst3d.pipeline.jobs.inspect import inspect_file
from nst3d.pipeline.jobs.paint import run_job
from nst3d.pipeline.kinds.mesh.scene import prepare_mesh
from nst3d.pipeline.kinds.mesh.subject import MeshSubject
from nst3d.pipeline.kinds.paint_job import Job
from nst3d.pipeline.settings.config import OutputOptions, PaintConfig
from nst3d.pipeline.settings.surface import RigOptions, SurfaceOptions
from nst3d.representations.surface import VertexBinding
from nst3d.stylize.coat import Coat
from nst3d.stylize.schedule import Schedule, Stage
from nst3d.stylize.style import Style

TINY = PaintConfig(
    recipe=shallow(gram=("relu1_1",), consistency=0),
    schedule=Schedule((Stage(48, 3, 0.05),)),
    rig=RigOptions(views=6, max_views=6),
    output=OutputOptions(frames=2, size=32),
    precision="float32",
)


def ball(side: int) -> np.ndarray:
    middle = (side - 1) / 2
    return np.argwhere(sum((np.indices((side,) * 3) - middle) ** 2) <= (side / 2) ** 2)


@pytest.fixture(scope="module")
def inputs(tmp_path_factory) -> Path:
    """A ball as .vox and as .binvox, and a style."""
    folder = tmp_path_factory.mktemp("voxels")
    cells = ball(9)
    voxels = np.concatenate([cells, 1 + np.arange(len(cells))[:, None] % 5], axis=1)
    colours = rgba({k: tuple(int(v) for v in noise(5, 3)[k - 1] * 255) for k in range(1, 6)})
    (folder / "ball.vox").write_bytes(vox(model((9, 9, 9), voxels), colours))
    filled = np.zeros((9, 9, 9), bool)
    filled[tuple(cells.T)] = True
    (folder / "ball.binvox").write_bytes(binvox(filled))
    write_image(folder / "style.png", np.kron(noise(8, 8, 3, seed=1), np.ones((6, 6, 1), np.float32)))
    return folder


def subject_of(inputs: Path, config: PaintConfig = TINY) -> MeshSubject:
    path = inputs / "ball.vox"
    scene = prepare_mesh(load_mesh(path), config.surface, config.rig, config.schedule.finest)
    return MeshSubject(scene, path, [Coat([Style((torch.from_numpy(noise(12, 16, 3)),))])], config)


def test_voxels_are_painted_whole(inputs) -> None:
    subject = subject_of(inputs)
    scene = subject.scene
    assert isinstance(scene.surface.binding, VertexBinding)
    assert scene.paint.num_colours == scene.mesh.parts[0].num_paint_rows == len(scene.initial)
    part = scene.mesh.parts[0]
    own = np.zeros((part.num_paint_rows, 3), np.float32)
    own[part.cells] = part.colours
    torch.testing.assert_close(scene.initial, torch.from_numpy(own), atol=1e-5, rtol=0)


def test_a_view_shows_a_flat_colour_for_each_voxel_and_no_cracks(inputs) -> None:
    scene = subject_of(inputs).scene
    camera = scene.rig.cameras[0]
    view = scene.renderer.compile(camera)
    white = torch.ones(scene.paint.num_colours, 3)
    torch.testing.assert_close(
        view.render(white, torch.ones(3)), torch.ones(*camera.size, 3), atol=1e-6, rtol=0
    )
    # The ball has no hole: opacity in a row of pixels rises once and falls once.
    covered = view.coverage[..., 0] > 0.5
    assert covered.any()
    assert (covered.int().diff(dim=1).abs().sum(1) <= 2).all()
    # Close by, most pixels see one voxel, and just its colour.
    table = torch.from_numpy(noise(scene.paint.num_colours, 3))
    close = scene.renderer.compile(camera.scaled(4))
    inside = close.coverage[..., 0] == 1
    shown = close.render(table, torch.zeros(3))[inside]
    flat = (shown[:, None] - table).abs().amax(2).amin(1) < 1e-5
    assert flat.float().mean() > 0.6


def test_a_job_paints_a_magicavoxel_file_back(inputs, tmp_path) -> None:
    result = run_job(Job(inputs / "ball.vox", (inputs / "style.png",), tmp_path / "out", TINY))
    names = {p.name for p in result.paths}
    assert {"painted.glb", "painted.vox", "sheet.png", "turntable.mp4"} <= names
    before, after = load_mesh(inputs / "ball.vox"), load_mesh(tmp_path / "out" / "painted.vox")
    old, new = before.document.models[0], after.document.models[0]
    assert np.array_equal(old.cells, new.cells)
    assert old.size == new.size
    glb = load_mesh(tmp_path / "out" / "painted.glb")
    assert np.abs(glb.parts[0].colours - after.parts[0].colours).max() < 0.05
    assert np.abs(before.parts[0].colours - after.parts[0].colours).max() > 0.1


def test_a_job_paints_a_binvox_grid_into_a_magicavoxel_file(inputs, tmp_path) -> None:
    config = replace(TINY, output=replace(TINY.output, turntable=False))
    result = run_job(Job(inputs / "ball.binvox", (inputs / "style.png",), tmp_path / "out", config))
    assert {"painted.glb", "painted.vox"} <= {p.name for p in result.paths}
    painted = load_mesh(tmp_path / "out" / "painted.vox")
    assert painted.num_faces == load_mesh(inputs / "ball.binvox").num_faces
    assert len(np.unique(painted.parts[0].colours, axis=0)) > 20


def test_formats_are_told_before_painting(inputs) -> None:
    config = replace(TINY, output=replace(TINY.output, formats=("vox",)))
    assert subject_of(inputs, config)._suffixes() == ["vox"]
    mesh = mesh_of(cube(colours=noise(8, 3)))
    scene = prepare_mesh(mesh, SurfaceOptions(), TINY.rig, 32)
    with pytest.raises(ConfigError, match="format vox can only store painted voxels"):
        MeshSubject(scene, Path("cube.ply"), [Coat([Style((torch.from_numpy(noise(12, 16, 3)),))])], config)


@pytest.mark.parametrize("source", ["ball.vox", "ball.binvox", "a folder"])
def test_voxels_come_back_as_glb_and_vox(inputs, source) -> None:
    scene = subject_of(inputs).scene
    subject = MeshSubject(scene, Path(source), [Coat([Style((torch.from_numpy(noise(12, 16, 3)),))])], TINY)
    assert subject._suffixes() == ["glb", "vox"]


@pytest.mark.parametrize(
    ("source", "vertex", "textures"),
    [
        ("a.glb", ["glb"], ["glb"]),
        ("a.gltf", ["glb"], ["glb"]),
        ("a.obj", ["glb", "obj"], ["glb", "obj"]),
        ("a.PLY", ["glb", "ply"], ["glb"]),
        ("a.stl", ["glb"], ["glb"]),
        ("a.tri", ["glb", "tri"], ["glb"]),
        ("a folder", ["glb"], ["glb"]),
    ],
)
def test_what_a_mesh_comes_back_as(source, vertex, textures) -> None:
    """The last but one is of another package, with a name that is not its suffix."""
    register_format(
        Format("triangles", (".tri",), "mesh", "a", load_mesh, lambda *a: [], holds=frozenset({"vertices"}))
    )
    try:
        mesh = mesh_of(cube(colours=noise(8, 3)))
        for paint, expected in (("vertex", vertex), ("texture", textures)):
            scene = prepare_mesh(mesh, SurfaceOptions(paint=paint), TINY.rig, 32)
            subject = MeshSubject(
                scene, Path(source), [Coat([Style((torch.from_numpy(noise(12, 16, 3)),))])], TINY
            )
            assert subject._suffixes() == expected
    finally:
        forget_format("triangles")


def test_inspection_counts_voxels_and_finds_nothing_wrong(inputs) -> None:
    report = inspect_file(inputs / "ball.vox", TINY)
    assert any(line.startswith("voxels: ") for line in report.contents)
    assert report.problems == ()


def test_voxels_without_colours_start_brighter_the_more_they_look_up(inputs) -> None:
    scene = prepare_mesh(load_mesh(inputs / "ball.binvox"), TINY.surface, TINY.rig, 48)
    grey = torch.linspace(0, 1, 64)[:, None, None].expand(64, 4, 3)
    subject = MeshSubject(scene, inputs / "ball.binvox", [Coat([Style((grey,))])], TINY)
    assert subject.bare
    rows = scene.surface.binding.rows[:, 0]
    height = np.zeros(len(subject.start))
    height[rows] = scene.surface.positions[scene.surface.faces].mean(1)[:, 1]
    assert np.corrcoef(height, subject.start[:, 0])[0, 1] > 0.9
