"""`prepare` gives what `run_job` paints, for a loop of one's own."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from npz_samples import field_of
from small_meshes import cube, mesh_of, noise
from small_splats import ball

from nst3d import PaintConfig, Schedule, Stage, load, prepare, save
from nst3d.errors import ConfigError
from nst3d.images.io import Picture, write_image
from nst3d.pipeline.settings.surface import RigOptions
from nst3d.representations.subdivide import paint_vertices

CONFIG = PaintConfig(schedule=Schedule((Stage(64, 1, 0.05),)), rig=RigOptions(views=3, max_views=3))


@pytest.fixture
def folder(tmp_path):
    mesh = mesh_of(cube())
    paint = paint_vertices(mesh, np.inf, 0)
    save(tmp_path / "mesh.ply", mesh, noise(paint.num_colours, 3), paint=paint)
    save(tmp_path / "splats.ply", ball(60))
    save(tmp_path / "photo.png", Picture(noise(64, 80, 3), None))
    write_image(tmp_path / "style.png", noise(24, 24, 3, seed=1))
    return tmp_path


@pytest.mark.parametrize("scene", ["mesh.ply", "splats.ply", "photo.png"])
def test_any_scene_can_be_painted_by_hand(folder, scene) -> None:
    """A few steps towards black, with torch's own optimiser."""
    before = {p.name for p in folder.iterdir()}
    made = prepare(str(folder / scene), str(folder / "style.png"), CONFIG)
    assert [s.images[0].shape for s in made.coats[0].styles] == [(24, 24, 3)]
    assert made.config == CONFIG
    canvas = made.subject.canvas()
    canvas.enter(1.0)
    optimiser = torch.optim.Adam(canvas.parameters(), lr=0.05)
    losses = []
    for _ in range(8):
        optimiser.zero_grad()
        loss = canvas.render(0, torch.zeros(3)).square().mean()
        loss.backward()
        canvas.collect_()
        optimiser.step()
        canvas.project_()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.8 * losses[0]
    assert {p.name for p in folder.iterdir()} == before
    out = folder / "out"
    out.mkdir()
    paths = made.subject.save(out, made.subject.painted(canvas))
    assert load(paths[0]) is not None


def test_settings_that_do_not_fit_are_refused_as_by_a_job(folder) -> None:
    save(folder / "field.npz", field_of())
    with pytest.raises(ConfigError, match="start='noise'"):
        prepare(folder / "mesh.ply", folder / "style.png", PaintConfig(start="noise"))
    with pytest.raises(ConfigError, match="no style"):
        prepare(folder / "mesh.ply", (), CONFIG)
