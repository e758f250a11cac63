"""nst3d paint --displace."""

from __future__ import annotations

import json

import numpy as np
import pytest
import yaml
from small_meshes import mesh_of, noise, sphere

from nst3d.formats.mesh_files import load_mesh, save_mesh
from nst3d.representations.triangles import face_normals, unit
from nst3d.representations.unwrap import TexelBudget, paint_textures

_SMALL = (
    "--size", "48", "--iterations", "2", "--settings.rig.views", "4", "--settings.rig.max-views", "4",
    "--settings.output.no-turntable", "--settings.output.size", "48", "--quiet",
)  # fmt: skip
_STAGES = """schedule: {stages: [{size: 48, iterations: 2, learning_rate: 0.03}]}
displace: {subdivide: never, stages: [{size: 48, iterations: 3, learning_rate: 1.0}]}
"""


def test_the_painted_asset_has_the_new_shape_and_its_normals(nst3d, inputs, tmp_path) -> None:
    mesh = mesh_of(sphere(10))
    source, out = tmp_path / "ball.glb", tmp_path / "out"
    paint = paint_textures(mesh, TexelBudget(0.1, fixed=64))
    save_mesh(source, mesh, paint, noise(paint.num_colours, 3))
    (tmp_path / "small.yaml").write_text(_STAGES)
    given = ("paint", source, "--style", inputs / "style.png", "--out", out, "--displace", "0.03")
    done = nst3d(*given, "--preset", tmp_path / "small.yaml", *_SMALL)
    assert done.returncode == 0, done.stderr
    metrics = json.loads((out / "metrics.json").read_text())
    facts = metrics["displace"]
    assert 0 < facts["largest"] <= 0.03 + 1e-6
    assert facts["steps"] == 3
    assert facts["flipped_faces"] + facts["crossing_faces"] <= facts["allowed_faults"]
    assert yaml.safe_load((out / "config.yaml").read_text())["settings"]["displace"]["fraction"] == 0.03

    before, after = load_mesh(source), load_mesh(out / "painted.glb")
    old, new = (m.parts[0].vertices[m.parts[0].faces] for m in (before, after))
    assert new.shape == old.shape
    moved = np.linalg.norm(new - old, axis=-1)
    diagonal = 2 / before.frame.scale
    assert 0 < moved.max() <= 0.0301 * diagonal
    corners = after.parts[0].normals[after.parts[0].faces]
    flat = face_normals(new)
    own = unit(corners.sum(1))
    assert (flat * own).sum(1).min() > 0.8
    # Seams stay closed: corners that met still meet.
    _, group = np.unique(np.round(old.reshape(-1, 3) * 1e5), axis=0, return_inverse=True)
    for axis in range(3):
        low, high = np.full(group.max() + 1, np.inf), np.full(group.max() + 1, -np.inf)
        np.minimum.at(low, group.ravel(), new.reshape(-1, 3)[:, axis])
        np.maximum.at(high, group.ravel(), new.reshape(-1, 3)[:, axis])
        assert (high - low).max() < 1e-5 * diagonal


@pytest.mark.parametrize(
    ("scene", "options", "says"),
    [
        ("style.png", ("--displace", "0.03"), "--displace is for meshes"),
        ("cube.glb", ("--displace", "0.5"), "displace.fraction is 0.5: expected a number from 0 to 0.2"),
    ],
)
def test_what_cannot_be_displaced_is_told_in_a_line(nst3d, inputs, tmp_path, scene, options, says) -> None:
    done = nst3d(
        "paint", inputs / scene, "--style", inputs / "style.png", "--out", tmp_path / "out", *options
    )
    assert done.returncode == 1
    assert says in done.stderr
    assert not (tmp_path / "out").exists()
