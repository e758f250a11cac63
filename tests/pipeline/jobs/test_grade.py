"""Colours changed after painting, everywhere or in a region, and blends in a region."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from npz_samples import field_of
from small_meshes import cube, mesh_of, noise
from small_splats import ball

from nst3d.errors import ConfigError, InputError, OutputError
from nst3d.formats.fields.registry import load_field, save_field
from nst3d.formats.mesh_files import load_mesh, save_mesh
from nst3d.formats.picture import save_picture
from nst3d.formats.splats.registry import load_splats, save_splats
from nst3d.images.grade import Grade
from nst3d.images.io import read_image, write_image
from nst3d.images.levels import from_bytes
from nst3d.pipeline.jobs.blend import BlendJob, run_blend
from nst3d.pipeline.jobs.grade import GradeJob, run_grade
from nst3d.pipeline.kinds.blend_tables import Mix, within
from nst3d.representations.harmonics import to_colours
from nst3d.representations.mesh import Material, Texture
from nst3d.representations.subdivide import paint_vertices
from nst3d.representations.unwrap import TexelBudget, paint_textures

CHANGE = Grade(saturation=0.6, contrast=0.9, brightness=0.04, hue=0.2)


def field_file(path: Path, seed: int) -> Path:
    made = field_of(degree=1)
    rng = np.random.default_rng(seed)
    save_field(path, replace(made, harmonics=rng.normal(0, 0.3, made.harmonics.shape).astype(np.float32)))
    return path


def splat_file(path: Path, seed: int) -> Path:
    splats = ball(60, degree=0)
    save_splats(path, splats, np.random.default_rng(seed).uniform(0.2, 0.8, (60, 3)).astype(np.float32), 0.0)
    return path


def mesh_file(path: Path, seed: int) -> Path:
    first, second = cube(), cube(material=1)
    second = replace(second, vertices=second.vertices + np.array([3, 0, 0], np.float32))
    textures = tuple(Texture(name, noise(24, 40, 3)) for name in "tu")
    materials = (Material("wall", texture=0), Material("roof", texture=1))
    mesh = mesh_of(first, second, materials=materials, textures=textures)
    paint = paint_textures(mesh, TexelBudget(0.1, fixed=40))
    save_mesh(path, mesh, paint, np.random.default_rng(seed).random((paint.num_colours, 3), np.float32))
    return path


def ply_file(path: Path, seed: int) -> Path:
    mesh = mesh_of(cube())
    paint = paint_vertices(mesh, np.inf, 0)
    save_mesh(path, mesh, paint, np.random.default_rng(seed).random((paint.num_colours, 3), np.float32))
    return path


def picture_file(path: Path, seed: int) -> Path:
    save_picture(path, np.random.default_rng(seed).random((6, 8, 3), np.float32), None)
    mask = np.zeros((6, 8, 3), np.float32)
    mask[:, :3], mask[:, 3] = 1, 0.5
    write_image(path.parent / "mask.png", mask)
    return path


def texels(path: Path) -> np.ndarray:
    return np.concatenate([from_bytes(t.pixels).reshape(-1, 3) for t in load_mesh(path).textures])


def vertices(path: Path) -> np.ndarray:
    colours = load_mesh(path).parts[0].colours
    assert colours is not None
    return colours


def half_of(positions: np.ndarray) -> tuple[str, np.ndarray]:
    """A box around about half of the positions, and which are in it."""
    middle = round(float(np.median(positions[:, 0])), 3)
    return f"box:{middle},-50,-50,50,50,50", positions[:, :1] >= middle


KINDS = {
    "field": (".npz", field_file, lambda p: to_colours(load_field(p).harmonics[:, 0]), 1e-5),
    "splats": (".ply", splat_file, lambda p: load_splats(p).colours, 1e-5),
    "mesh": (".glb", mesh_file, texels, 0.6 / 255),
    "vertices": (".ply", ply_file, vertices, 0.6 / 255),
    "picture": (".png", picture_file, lambda p: read_image(p).pixels.reshape(-1, 3), 0.6 / 255),
}


def region_of(kind: str, path: Path) -> tuple[str, np.ndarray]:
    """A region of the file, and its weights (n, 1) by another way."""
    if kind == "field":
        made = load_field(path)
        nodes = np.argwhere(made.links >= 0)
        places = np.empty((len(nodes), 3))
        places[made.links[made.links >= 0]] = made.space.to_world(nodes.astype(float), made.links.shape)
        return half_of(places)
    if kind == "splats":
        return half_of(load_splats(path).positions)
    if kind == "mesh":
        first, second = (t.pixels.shape[0] * t.pixels.shape[1] for t in load_mesh(path).textures)
        return "material:roof", np.repeat([[False], [True]], [first, second], axis=0)
    mask = np.zeros((6, 8, 1))
    mask[:, :3], mask[:, 3] = 1, 128 / 255
    return f"mask:{path.parent / 'mask.png'}", mask.reshape(-1, 1)


@pytest.fixture(params=KINDS, ids=KINDS)
def kind(request, tmp_path):
    suffix, write, read, precision = KINDS[request.param]
    paths = [write(tmp_path / f"{seed}{suffix}", seed) for seed in (1, 2)]
    return request.param, paths, tmp_path / f"out{suffix}", read, precision


def test_a_grade_changes_all_colours_alike(kind) -> None:
    _, (path, _), out, read, precision = kind
    assert run_grade(GradeJob(path, out, CHANGE)) == [out]
    np.testing.assert_allclose(read(out), CHANGE.apply(read(path)), atol=precision)


def test_a_neutral_grade_keeps_every_bit(kind) -> None:
    _, (path, _), out, read, _ = kind
    run_grade(GradeJob(path, out))
    assert np.array_equal(read(out), read(path))


def test_there_and_back_is_near_the_identity(kind) -> None:
    _, (path, _), out, read, precision = kind
    back = out.with_name(f"back{out.suffix}")
    run_grade(GradeJob(path, out, Grade(contrast=0.8)))
    run_grade(GradeJob(out, back, Grade(contrast=1.25)))
    np.testing.assert_allclose(read(back), read(path), atol=3 * precision)


def test_outside_a_region_no_bit_changes(kind) -> None:
    name, (path, other), out, read, precision = kind
    if name == "vertices":  # whose PLY file has no material
        return
    region, weights = region_of(name, path)
    before = read(path)
    assert 0.1 < weights.mean() < 0.9
    run_grade(GradeJob(path, out, CHANGE, region))
    after = read(out)
    outside = weights[:, 0] == 0
    assert np.array_equal(after[outside], before[outside])
    expected = before + weights * (CHANGE.apply(before) - before)
    np.testing.assert_allclose(after, expected, atol=2 * precision)

    run_blend(BlendJob((path, other), (0.4, 0.6), out, overwrite=True, region=region))
    after = read(out)
    assert np.array_equal(after[outside], before[outside])
    np.testing.assert_allclose(after, before + weights * 0.6 * (read(other) - before), atol=2 * precision)


def test_a_blend_is_graded(kind) -> None:
    _, (path, other), out, read, precision = kind
    run_blend(BlendJob((path, other), (0.5, 0.5), out, grade=CHANGE))
    expected = CHANGE.apply((read(path) + read(other)) / 2)
    np.testing.assert_allclose(read(out), expected, atol=2 * precision)


def test_higher_harmonics_follow_without_the_offset(tmp_path) -> None:
    path, out = field_file(tmp_path / "a.npz", 1), tmp_path / "b.npz"
    run_grade(GradeJob(path, out, CHANGE))
    before, after = (load_field(p).harmonics[:, 1:] for p in (path, out))
    np.testing.assert_allclose(after, before @ CHANGE.matrix.T.astype(np.float32), atol=1e-6)


def test_a_soft_border_mixes_by_hand() -> None:
    column = np.array([[0.0], [0.25], [1.0]], np.float32)
    inside, outside = np.full((3, 3), 0.8), np.full((3, 3), 0.4)
    np.testing.assert_allclose(within(column, inside, outside)[:, 0], [0.4, 0.5, 0.8])
    assert within(None, inside, outside) is inside
    assert Mix().column({}) is None


def test_what_cannot_be_graded_is_refused_in_one_line(tmp_path) -> None:
    path = picture_file(tmp_path / "a.png", 1)
    out = tmp_path / "b.png"
    with pytest.raises(ConfigError, match=r"region 'material:roof': material: is not known .*: mask:"):
        run_grade(GradeJob(path, out, CHANGE, "material:roof"))
    with pytest.raises(OutputError, match=r"a\.png: exists; give `overwrite`"):
        run_grade(GradeJob(path, path, CHANGE))
    with pytest.raises(InputError, match="gone"):
        run_grade(GradeJob(tmp_path / "gone.png", out, CHANGE))
    assert not out.exists()
    assert math.isclose(CHANGE.matrix.sum(), 3 * 0.9)
