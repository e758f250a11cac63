"""The shape part of a paint job: what Ctrl-C keeps, what goes on, what is cut."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from small_meshes import cube, mesh_of, noise, sphere
from small_recipe import shallow
from tiny_jobs import SHAPE, Listener

from nst3d.errors import InputError
from nst3d.formats.mesh_files import load_mesh, save_mesh
from nst3d.pipeline.kinds.mesh.displace import displace_mesh
from nst3d.pipeline.kinds.mesh.scene import choose_mode
from nst3d.pipeline.runtime.checkpoints import Keeper
from nst3d.pipeline.runtime.events import Events
from nst3d.pipeline.settings.config import PaintConfig
from nst3d.pipeline.settings.surface import RigOptions
from nst3d.representations.mesh import Mesh
from nst3d.representations.unwrap import TexelBudget, paint_textures
from nst3d.stylize.checkpoint import load_checkpoint
from nst3d.stylize.engine import RunState
from nst3d.stylize.schedule import Stage
from nst3d.stylize.style import Style

CONFIG = PaintConfig(
    recipe=shallow(),
    rig=RigOptions(views=4, max_views=4),
    displace=SHAPE,
    precision="float32",
)
STYLE = [Style((torch.from_numpy(noise(48, 48, 3)),))]


def keeper(folder: Path, resume: bool = False, fingerprint: str = "this") -> Keeper:
    return Keeper(folder / "checkpoint.pt", fingerprint, 0, resume)


def heard(listener: Listener, keeper: Keeper) -> tuple[Events, Keeper]:
    """Events that both hear, as in a job."""
    return Events([listener, keeper]), keeper


@pytest.fixture(scope="module")
def unbroken() -> tuple[Mesh, Mesh, dict]:
    mesh = mesh_of(sphere(8))
    return mesh, *displace_mesh(mesh, STYLE, CONFIG, Events())


@pytest.mark.parametrize("steps", [2, 5, 7, 11])
def test_a_stopped_displacement_goes_on_bit_for_bit(unbroken, tmp_path, steps) -> None:
    """Within a stage, at the end of one, between two casts, and at the very end."""
    mesh, whole, facts = unbroken
    stops = Listener(steps)
    with pytest.raises(KeyboardInterrupt):
        displace_mesh(mesh, STYLE, CONFIG, *heard(stops, keeper(tmp_path)))
    assert stops.notes == ["the shape so far is kept: run the same job with `resume` to continue"]
    assert [p.name for p in tmp_path.iterdir()] == ["checkpoint.pt"]
    goes_on = Listener()
    moved, again = displace_mesh(mesh, STYLE, CONFIG, *heard(goes_on, keeper(tmp_path, resume=True)))
    assert goes_on.steps == 11 - steps
    assert all(np.array_equal(a.vertices, b.vertices) for a, b in zip(moved.parts, whole.parts))
    times = {"seconds": 0.0}
    assert again["displace"] | times == facts["displace"] | times
    assert facts["displace"]["steps"] == 11


def test_a_finished_shape_is_not_made_again_and_stays_with_the_painting_s_checkpoints(
    unbroken, tmp_path
) -> None:
    mesh, whole, _ = unbroken
    first = keeper(tmp_path)
    displace_mesh(mesh, STYLE, CONFIG, *heard(Listener(), first))

    first.keep(RunState(done=3))
    second, listener = keeper(tmp_path, resume=True), Listener()
    moved, _ = displace_mesh(mesh, STYLE, CONFIG, *heard(listener, second))
    assert listener.steps == 0
    assert np.array_equal(moved.parts[0].vertices, whole.parts[0].vertices)
    found = second.resumed()
    assert found is not None
    assert found.done == 3
    second.keep(RunState(done=3))
    assert load_checkpoint(tmp_path / "checkpoint.pt", "this").shape is not None


def test_a_stop_before_the_first_step_keeps_nothing(unbroken, tmp_path) -> None:
    class Stops(Listener):
        def phase(self, name: str) -> None:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        displace_mesh(unbroken[0], STYLE, CONFIG, *heard(Stops(), keeper(tmp_path)))
    assert list(tmp_path.iterdir()) == []


def test_checkpoints_are_kept_on_the_way(unbroken, tmp_path) -> None:
    class Looks(Listener):
        kept = False

        def step(self, event) -> None:
            super().step(event)
            self.kept = self.kept or (tmp_path / "checkpoint.pt").exists()

    looks = Looks()
    often = Keeper(tmp_path / "checkpoint.pt", "this", 1e-6, False)
    displace_mesh(unbroken[0], STYLE, CONFIG, *heard(looks, often))
    assert looks.kept


def test_only_the_same_run_and_the_same_mesh_go_on(unbroken, tmp_path) -> None:
    displace_mesh(unbroken[0], STYLE, CONFIG, Events(), keeper(tmp_path))
    with pytest.raises(InputError, match="another scene, style or settings"):
        displace_mesh(unbroken[0], STYLE, CONFIG, Events(), keeper(tmp_path, True, "that"))
    with pytest.raises(InputError, match="shape belongs to another mesh"):
        displace_mesh(mesh_of(sphere(7)), STYLE, CONFIG, Events(), keeper(tmp_path, True))


def test_a_coarse_gltf_is_cut_and_keeps_its_document(tmp_path) -> None:
    """What its corners show at a place stays; the document goes on with the new vertices."""
    mesh = mesh_of(cube())
    paint = paint_textures(mesh, TexelBudget(0.1, fixed=32))
    save_mesh(tmp_path / "cube.glb", mesh, paint, noise(paint.num_colours, 3))
    source = load_mesh(tmp_path / "cube.glb")
    short = replace(SHAPE, subdivide="auto", stages=(Stage(48, 1, 1.0),), fraction=1e-5)
    moved, _ = displace_mesh(source, STYLE, replace(CONFIG, displace=short), Events())
    assert len(moved.parts[0].faces) > 1000
    kept = ("materials", "textures", "images", "nodes")
    assert all(moved.document.json[k] == source.document.json[k] for k in kept if k in source.document.json)

    # A cube's sides are flat: UVs are linear in place on each, so that those of any point are known.
    before, after = source.parts[0], moved.parts[0]
    corners = before.vertices[before.faces]
    for face, uvs in zip(corners, before.uvs):
        edges, slopes = np.diff(face, axis=0), np.diff(uvs, axis=0)
        normal = np.cross(*edges)
        points = after.vertices[after.faces].reshape(-1, 3) - face[0]
        local = np.linalg.lstsq(np.column_stack([edges[0], edges[1], normal]), points.T, rcond=None)[0]
        u, v, height = local
        inside = (np.abs(height) < 1e-3) & (v >= 1e-3) & (u >= v + 1e-3) & (u <= 1 - 1e-3)
        assert inside.sum() > 100
        expected = uvs[0] + np.outer(u, slopes[0]) + np.outer(v, slopes[1])
        assert np.abs(after.uvs.reshape(-1, 2) - expected)[inside].max() < 1e-3


def test_a_posed_gltf_stays_as_it_is_unless_it_must_be_cut(data_dir) -> None:
    fox = load_mesh(data_dir / "meshes" / "gltf" / "Fox.glb")
    faces = len(fox.parts[0].faces)
    one = replace(SHAPE, stages=(Stage(48, 1, 1.0),))
    for choice, cut in (("auto", False), ("always", True), ("never", False)):
        config = replace(CONFIG, displace=replace(one, subdivide=choice))
        moved, _ = displace_mesh(fox, STYLE, config, Events())
        assert (len(moved.parts[0].faces) > faces) == cut


def test_a_gltf_is_cut_as_finely_as_views_show(data_dir) -> None:
    """The truck's UVs overlap: it is painted in its own document, however dense."""
    truck = load_mesh(data_dir / "meshes" / "gltf" / "CesiumMilkTruck.glb")
    auto = replace(CONFIG, displace=replace(SHAPE, subdivide="auto", stages=(Stage(48, 1, 1.0),)))
    moved, _ = displace_mesh(truck, STYLE, auto, Events())
    assert sum(len(p.faces) for p in moved.parts) > 20_000
    assert moved.document.json["animations"] == truck.document.json["animations"]
    assert choose_mode(moved, auto.surface) == "texture"
