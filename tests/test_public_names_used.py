"""Every public name of the package is used by a test: called, derived from, handed on or looked into, not merely found.

Examples of the documentation that tests run count, too.
"""

from __future__ import annotations

import ast
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from small_meshes import CUBE_TEXTURE, camera_at, cube, mesh_of, noise, texel_surface
from sources import PACKAGE, ROOT, source_of

import nst3d
from nst3d.images.io import read_image, write_image
from nst3d.pipeline.kinds.flight import Way
from nst3d.representations.subdivide import paint_vertices
from nst3d.stylize.schedule import Schedule, Stage
from nst3d.tensors import ImageSize

TESTS = sorted((ROOT / "tests").rglob("*.py"))
EXAMPLES = [(ROOT / "docs" / name).read_text(encoding="utf-8") for name in ("extending.md", "own_loop.md")]
"""Pages whose Python is run by tests/docs."""


def used_names(tree: ast.Module) -> set[str]:
    """The names of nst3d that a file uses, as `nst3d.name` or by `from nst3d import name`."""
    own: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module == "nst3d":
            own |= {alias.asname or alias.name: alias.name for alias in node.names}
    found = set()
    for node in ast.walk(tree):
        used: list[ast.expr] = []
        if isinstance(node, ast.Call):
            used = [node.func, *node.args, *(k.value for k in node.keywords)]
        elif isinstance(node, ast.ClassDef):
            used = node.bases
        elif isinstance(node, ast.Attribute):
            used = [node.value]
        for each in used:
            if isinstance(each, ast.Name):
                found.add(own.get(each.id, ""))
            elif (
                isinstance(each, ast.Attribute)
                and isinstance(each.value, ast.Name)
                and each.value.id == "nst3d"
            ):
                found.add(each.attr)
    return found - {""}


def test_every_public_name_is_used() -> None:
    used = set().union(*(used_names(source_of(path).tree) for path in TESTS))
    for page in EXAMPLES:
        blocks = re.findall(r"^```python\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
        used |= set().union(*(used_names(ast.parse(block)) for block in blocks))
    # What the name of a folder gives depends on what was imported before.
    folders = {name for name in nst3d.__all__ if (PACKAGE / name).is_dir()}
    unused = set(nst3d.__all__) - used - folders
    assert not unused, f"no test uses {', '.join(f'nst3d.{name}' for name in sorted(unused))}"


@pytest.mark.parametrize(
    ("text", "used"),
    [
        ("from nst3d import Job\nJob('a')", {"Job"}),
        ("from nst3d import Job as J\nf(1, key=J)", {"Job"}),
        ("import nst3d\nnst3d.BRIDGES.reader()", {"BRIDGES"}),
        ("import nst3d\nwith pytest.raises(nst3d.Nst3dError): f()", {"Nst3dError"}),
        ("from nst3d import Guide\nclass Mine(Guide): pass", {"Guide"}),
        ("from nst3d import Job", set()),
        ("from nst3d import Job\nassert Job is not None", set()),
        ("import nst3d\nnst3d.Job", set()),
        ("from nst3d.pipeline.kinds.paint_job import Job\nJob('a')", set()),
        ("assert 'Job' in nst3d.__all__", set()),
    ],
)
def test_uses_are_told_from_mentions(text, used) -> None:
    assert used_names(ast.parse(text)) == used


def test_a_mesh_is_saved_loaded_and_seen(tmp_path: Path) -> None:
    mesh, colours = mesh_of(cube()), np.linspace(0.2, 0.9, 24, dtype=np.float32).reshape(8, 3)
    (path,) = nst3d.save_mesh(tmp_path / "a.ply", mesh, paint_vertices(mesh, np.inf, 0), colours)
    loaded = nst3d.load_mesh(path)
    np.testing.assert_allclose(loaded.parts[0].vertices, mesh.parts[0].vertices)
    np.testing.assert_allclose(loaded.parts[0].colours, colours, atol=0.5 / 255 + 1e-6)

    pose = camera_at((1, 2, 3)).camera_to_world
    camera = nst3d.Camera(pose, focal=12.0, centre=(6.0, 6.0), size=ImageSize(12, 12))
    surface = texel_surface(cube(), CUBE_TEXTURE)
    view = nst3d.compile_view(surface, camera)
    assert isinstance(view, nst3d.SparseView)
    assert torch.equal(view.render(torch.ones(surface.num_colours, 3), 1.0), torch.ones(12, 12, 3))
    flat = nst3d.compile_view(ImageSize(4, 6))
    assert isinstance(flat, nst3d.IdentityView)
    picture = torch.rand(4, 6, 3)
    assert torch.equal(nst3d.IdentityView(ImageSize(4, 6)).apply(picture.view(-1, 3)), picture)
    assert torch.equal(flat.apply(picture.view(-1, 3)), picture)


def test_a_picture_is_painted(tmp_path: Path) -> None:
    write_image(tmp_path / "photo.png", noise(32, 40, 3))
    write_image(tmp_path / "style.png", np.kron(noise(8, 8, 3, seed=1), np.ones((6, 6, 1), np.float32)))
    config = nst3d.PaintConfig(schedule=Schedule((Stage(48, 1, 0.03),)), precision="float32")
    job = nst3d.Job(tmp_path / "photo.png", tmp_path / "style.png", tmp_path / "out", config)
    result = nst3d.run_job(job, bridges=nst3d.BRIDGES)
    assert tmp_path / "out" / "painted.png" in result.paths
    with pytest.raises(nst3d.Nst3dError, match=r"out: exists and is not empty"):
        nst3d.run_job(job)


def test_a_mesh_is_shown(tmp_path: Path) -> None:
    mesh = mesh_of(cube())
    nst3d.save_mesh(tmp_path / "a.ply", mesh, paint_vertices(mesh, np.inf, 0), noise(8, 3))
    job = nst3d.RenderJob(tmp_path / "a.ply", tmp_path / "a.png", Way(size=ImageSize(32, 48)))
    assert nst3d.run_render(job) == tmp_path / "a.png"
    assert read_image(tmp_path / "a.png").pixels.shape == (32, 48, 3)


def test_an_encoder_reads_a_picture() -> None:
    encoder = nst3d.load_encoder("vgg19", dtype=torch.float32)
    assert encoder(torch.rand(1, 3, 32, 48), ["relu2_1"])["relu2_1"].shape == (1, 128, 16, 24)
