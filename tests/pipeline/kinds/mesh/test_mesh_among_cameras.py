"""A mesh made of a capture, seen by the capture's cameras."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from ball_field import UP, ball_field
from small_meshes import cube, mesh_of, noise

from nst3d.errors import InputError
from nst3d.formats.captures.registry import save_transforms
from nst3d.formats.fields.registry import save_field
from nst3d.formats.gltf.capture import capture_extras, scene_from_capture
from nst3d.formats.gltf.document import GltfDocument
from nst3d.formats.mesh_files import load_mesh, save_mesh
from nst3d.pipeline.jobs.export import ExportJob, SightOptions, run_export
from nst3d.pipeline.jobs.open_scene import open_scene
from nst3d.pipeline.kinds.flight import Way
from nst3d.pipeline.meshing.field_mesh import MeshingOptions
from nst3d.pipeline.meshing.texture_bake import TextureOptions
from nst3d.pipeline.settings.shown import SceneOptions
from nst3d.representations.subdivide import paint_vertices
from nst3d.representations.unwrap import TexelBudget, paint_textures
from nst3d.tensors import ImageSize

NAMES = ["ball.glb", "ball.obj", "texture.glb", "vertex.glb"]


def silent(text: str) -> None:
    """Hear nothing."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """ball.npz, a ball aside of the origin with z up; its capture; ball.glb and ball.obj, exported; repainted ones."""
    folder = tmp_path_factory.mktemp("ball")
    field = ball_field(nodes=36, views=18, pixels=64)
    save_field(folder / "ball.npz", field)
    save_transforms(folder / "capture", field.cameras, (noise(64, 64, 3) for _ in field.cameras), up=UP)
    options = (MeshingOptions(resolution=40, faces=0), TextureOptions(texture_size=128))
    for name in NAMES[:2]:
        run_export(ExportJob(folder / "ball.npz", folder / name, None, SightOptions(view_size=96), *options))
    mesh = load_mesh(folder / "ball.glb")
    for name in NAMES[2:]:
        paint = paint_textures(mesh, TexelBudget(0.1, fixed=64))
        painted = paint if name == "texture.glb" else paint_vertices(mesh, np.inf, 0)
        save_mesh(folder / name, mesh, painted, np.zeros((painted.num_colours, 3), np.float32))
    return folder


@pytest.mark.parametrize("name", NAMES)
def test_it_is_seen_where_the_field_is(folder: Path, name: str) -> None:
    look = SceneOptions("none", cameras=folder / "capture")
    field, mesh = (
        open_scene(folder / n, look, Way("cameras", size=ImageSize(64, 64)), silent)
        for n in ("ball.npz", name)
    )
    for one, other in list(zip(field.cameras, mesh.cameras))[::5]:
        here, there = field.frame(one), mesh.frame(other)
        middles = [
            (f.opacity[..., None] * np.indices(f.opacity.shape).transpose(1, 2, 0)) for f in (here, there)
        ]
        middles = [m.sum((0, 1)) / f.opacity.sum() for m, f in zip(middles, (here, there))]
        np.testing.assert_allclose(middles[0], middles[1], atol=0.3)
        assert np.abs(here.opacity - there.opacity).mean() < 0.02
        if name.startswith("ball"):  # in its own colours, which tell one side from another
            inside = (here.opacity > 0.99) & (there.opacity > 0.99)
            assert np.abs(here.colour - there.colour)[inside].mean() < 0.02
    np.testing.assert_allclose(mesh.orientation.up, [0, 0, 1] if name == "ball.obj" else [0, 1, 0], atol=1e-9)


def test_a_glb_of_unknown_origin_is_refused(folder: Path) -> None:
    mesh = mesh_of(cube())
    paint = paint_textures(mesh, TexelBudget(0.1, fixed=64))
    save_mesh(folder / "cube.glb", mesh, paint, noise(paint.num_colours, 3))
    with pytest.raises(InputError, match=r"cube\.glb: lacks the transform .* export it again"):
        open_scene(folder / "cube.glb", SceneOptions(cameras=folder / "capture"), Way("cameras"), silent)
    open_scene(folder / "cube.glb", SceneOptions(), Way(), silent)


@pytest.mark.parametrize(
    "rows",
    [
        None,
        7,
        "turn",
        [[1, 0], [0, 1]],
        np.full((4, 4), np.nan),
        np.eye(4) * 2,
        np.diag([1, 1, -1, 1]),
        {},
        [[{}]],
    ],
)
def test_what_is_no_frame_is_no_frame(rows: object) -> None:
    rows = rows.tolist() if isinstance(rows, np.ndarray) else rows
    for extras in ({"nst3d": {"scene_from_capture": rows}}, {"nst3d": rows}, rows):
        asset = json.loads(json.dumps({"version": "2.0", "extras": extras}))
        assert scene_from_capture(GltfDocument(Path("a.glb"), {"asset": asset}, (), {})) is None


def test_a_frame_reads_back() -> None:
    frame = np.array([[0, 1, 0, 3], [0, 0, 1, 0.1], [1, 0, 0, 0], [0, 0, 0, 1]])
    asset = json.loads(json.dumps({"version": "2.0", "extras": capture_extras(frame)}))
    found = scene_from_capture(GltfDocument(Path("a.glb"), {"asset": asset}, (), {}))
    np.testing.assert_array_equal(found, frame)
