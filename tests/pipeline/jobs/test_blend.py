from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from small_meshes import cube, mesh_of, noise

from nst3d.errors import ConfigError, InputError, OutputError
from nst3d.formats.fields.registry import load_field, save_field
from nst3d.formats.mesh_files import load_mesh, save_mesh
from nst3d.formats.picture import save_picture
from nst3d.formats.splats.registry import load_splats, save_splats
from nst3d.images.io import read_image
from nst3d.images.levels import from_bytes
from nst3d.pipeline.jobs.blend import BlendJob, alpha_weights, given_weights, run_blend
from nst3d.pipeline.kinds.blend_tables import mixed, mixed_colours
from nst3d.representations.field import Space, VoxelField
from nst3d.representations.mesh import Material, Texture
from nst3d.representations.splats import Splats
from nst3d.representations.subdivide import paint_vertices
from nst3d.representations.unwrap import TexelBudget, paint_textures


def field_file(path: Path, seed: int, degree: int = 1) -> Path:
    rng = np.random.default_rng(seed)
    links = np.full((3, 4, 5), -1, np.int32)
    links.flat[::3] = np.arange(20)
    density = np.arange(20, dtype=np.float32)
    harmonics = rng.normal(0, 0.5, (20, (degree + 1) ** 2, 3)).astype(np.float32)
    save_field(path, VoxelField(Space(np.zeros(3), np.ones(3)), links, density, harmonics))
    return path


def splat_file(path: Path, seed: int, degree: int = 1) -> Path:
    fixed, rng = np.random.default_rng(99), np.random.default_rng(seed)
    rotations = fixed.normal(size=(30, 4))
    splats = Splats(
        positions=fixed.normal(size=(30, 3)).astype(np.float32),
        scales=fixed.uniform(0.1, 0.2, (30, 3)).astype(np.float32),
        rotations=(rotations / np.linalg.norm(rotations, axis=1, keepdims=True)).astype(np.float32),
        opacities=fixed.uniform(0.2, 0.9, 30).astype(np.float32),
        harmonics=rng.normal(0, 0.5, (30, (degree + 1) ** 2, 3)).astype(np.float32),
    )
    save_splats(path, splats, splats.colours, 1.0)
    return path


def mesh_file(path: Path, seed: int) -> Path:
    mesh = mesh_of(cube(), materials=(Material("m", texture=0),), textures=(Texture("t", noise(24, 40, 3)),))
    paint = paint_textures(mesh, TexelBudget(0.1, fixed=40))
    colours = np.random.default_rng(seed).random((paint.num_colours, 3), np.float32)
    save_mesh(path, mesh, paint, colours)
    return path


def ply_file(path: Path, seed: int) -> Path:
    mesh = mesh_of(cube())
    paint = paint_vertices(mesh, np.inf, 0)
    colours = np.random.default_rng(seed).random((paint.num_colours, 3), np.float32)
    save_mesh(path, mesh, paint, colours)
    return path


def picture_file(path: Path, seed: int) -> Path:
    rng = np.random.default_rng(seed)
    save_picture(path, rng.random((6, 7, 3), np.float32), rng.random((6, 7), np.float32))
    return path


def vertex_colours(path: Path) -> np.ndarray:
    colours = load_mesh(path).parts[0].colours
    assert colours is not None
    return colours


KINDS = {
    "field": (".npz", field_file, lambda p: load_field(p).harmonics, 1e-6),
    "splats": (".ply", splat_file, lambda p: load_splats(p).harmonics, 1e-6),
    "mesh": (".glb", mesh_file, lambda p: from_bytes(load_mesh(p).textures[0].pixels), 0.6 / 255),
    "vertices": (".ply", ply_file, vertex_colours, 0.6 / 255),
    "picture": (".png", picture_file, lambda p: read_image(p).pixels, 0.6 / 255),
}


@pytest.fixture(params=KINDS, ids=KINDS)
def kind(request, tmp_path):
    suffix, write, read, precision = KINDS[request.param]

    def blend(*weights: float, seeds=(1, 2, 3)) -> np.ndarray:
        paths = [write(tmp_path / f"{seed}{suffix}", seed) for seed in seeds[: len(weights)]]
        job = BlendJob(tuple(paths), weights, tmp_path / f"out{suffix}", overwrite=True)
        assert run_blend(job) == [job.out]
        return read(job.out)

    return write, read, blend, precision, tmp_path, suffix


def test_alpha_0_is_the_first_and_alpha_1_the_second(kind) -> None:
    write, read, blend, precision, folder, suffix = kind
    first, second = (read(write(folder / f"x{seed}{suffix}", seed)) for seed in (1, 2))
    assert np.array_equal(blend(1.0, 0.0), first)
    assert np.allclose(blend(0.0, 1.0), second, atol=precision)
    assert np.allclose(blend(0.5, 0.5), (first + second) / 2, atol=precision)


def test_a_scene_with_itself_is_itself(kind) -> None:
    write, read, blend, _, folder, suffix = kind
    first = read(write(folder / f"x{suffix}", 1))
    assert np.array_equal(blend(0.3, 0.7, seeds=(1, 1)), first)
    assert np.array_equal(blend(-0.4, 1.4, seeds=(1, 1)), first)


def test_three_scenes_have_their_shares(kind) -> None:
    write, read, blend, precision, folder, suffix = kind
    tables = [read(write(folder / f"x{seed}{suffix}", seed)) for seed in (1, 2, 3)]
    expected = 0.2 * tables[0] + 0.5 * tables[1] + 0.3 * tables[2]
    assert np.allclose(blend(0.2, 0.5, 0.3), expected, atol=precision)


@pytest.mark.parametrize("name", ["field", "splats"])
def test_alpha_0_gives_the_very_file(name, tmp_path) -> None:
    suffix, write, _, _ = KINDS[name]
    a, b = (write(tmp_path / f"{seed}{suffix}", seed) for seed in (1, 2))
    run_blend(BlendJob((a, b), (1.0, 0.0), tmp_path / f"out{suffix}"))
    assert (tmp_path / f"out{suffix}").read_bytes() == a.read_bytes()


def test_blending_in_steps_is_blending_at_once() -> None:
    a, b, c = np.random.default_rng(0).random((3, 50, 3))
    at_once = mixed([a, b, c], (0.2, 0.3, 0.5))
    stepwise = mixed([mixed([a, b], (0.4, 0.6)), c], (0.5, 0.5))
    assert np.allclose(at_once, stepwise, atol=1e-15)
    swapped = mixed([c, a, b], (0.5, 0.2, 0.3))
    assert np.allclose(at_once, swapped, atol=1e-15)


def test_exaggeration_stays_among_colours_and_keeps_what_lay_outside() -> None:
    a, b = np.array([[0.9, 0.2, 1.3]]), np.array([[0.5, 0.6, 1.1]])
    assert np.allclose(mixed_colours([a, b], (1.5, -0.5)), [[1.0, 0.0, 1.3]])
    assert np.allclose(mixed_colours([a, b], (0.5, 0.5)), [[0.7, 0.4, 1.2]])


def test_splats_of_which_only_the_constant_differs_keep_all_other_bytes(tmp_path) -> None:
    a = splat_file(tmp_path / "a.ply", 1)
    splats = load_splats(a)
    other = np.random.default_rng(5).random((30, 3)).astype(np.float32)
    save_splats(tmp_path / "b.ply", splats, other, 0.0)  # painted, without view-dependence
    notes: list[str] = []
    run_blend(BlendJob((a, tmp_path / "b.ply"), (0.5, 0.5), tmp_path / "out.ply"), notes.append)
    after = load_splats(tmp_path / "out.ply")
    assert not notes
    assert np.allclose(after.harmonics[:, 1:], splats.harmonics[:, 1:] / 2, atol=1e-7)
    assert np.allclose(after.colours, (splats.colours + other) / 2, atol=1e-6)
    for name in ("positions", "scales", "rotations", "opacities"):
        assert np.array_equal(getattr(after, name), getattr(splats, name))


def test_harmonics_of_another_degree_count_as_zero(tmp_path) -> None:
    a, b = field_file(tmp_path / "a.npz", 1, degree=0), field_file(tmp_path / "b.npz", 2, degree=2)
    run_blend(BlendJob((a, b), (0.25, 0.75), tmp_path / "out.npz"))
    after = load_field(tmp_path / "out.npz")
    assert after.degree == 2
    assert np.allclose(after.harmonics[:, 1:], 0.75 * load_field(b).harmonics[:, 1:], atol=1e-6)


def test_weights_are_checked_and_scaled() -> None:
    notes: list[str] = []
    assert alpha_weights(0.25, 2) == (0.75, 0.25)
    assert alpha_weights(-0.5, 2) == (1.5, -0.5)
    assert given_weights("0.2,0.5,0.3", 3, notes.append) == (0.2, 0.5, 0.3)
    assert not notes
    assert given_weights("1, 3", 2, notes.append) == (0.25, 0.75)
    assert len(notes) == 1
    for text in ("a,b", "1", "1,-1", "nan,1", "3,-2", ""):
        with pytest.raises(ConfigError):
            given_weights(text, 2, notes.append)
    for alpha, count in ((0.5, 3), (1.6, 2), (float("nan"), 2)):
        with pytest.raises(ConfigError, match="`alpha`"):
            alpha_weights(alpha, count)


def test_vertices_that_share_their_places_are_blended_too(tmp_path) -> None:
    one = cube()
    places = one.vertices[one.faces.ravel()]
    faces = np.arange(len(places), dtype=np.int32).reshape(-1, 3)
    split = replace(one, vertices=places, faces=faces, normals=None, uvs=None)
    for number, shade in enumerate((0.2, 0.6)):
        mesh = mesh_of(replace(split, colours=np.full((len(places), 3), shade, np.float32)))
        paint = paint_vertices(mesh, np.inf, 0)
        save_mesh(tmp_path / f"{number}.ply", mesh, paint, np.full((len(places), 3), shade, np.float32))
    paths = (tmp_path / "0.ply", tmp_path / "1.ply")
    run_blend(BlendJob(paths, alpha_weights(0.5, 2), tmp_path / "out.ply"))
    assert np.abs(vertex_colours(tmp_path / "out.ply") - 0.4).max() < 0.01


def test_what_does_not_match_is_told_with_both_names(tmp_path) -> None:
    first = field_file(tmp_path / "a.npz", 1)
    field = load_field(first)
    save_field(tmp_path / "nodes.npz", replace(field, links=np.ascontiguousarray(field.links[:, ::-1])))
    save_field(tmp_path / "dense.npz", replace(field, density=field.density + 1))
    save_field(tmp_path / "moved.npz", replace(field, space=Space(np.ones(3), np.ones(3))))
    splats = splat_file(tmp_path / "s.ply", 1)
    loaded = load_splats(splats)
    moved = replace(loaded, positions=loaded.positions + 1, document=None)
    save_splats(tmp_path / "other.ply", moved, moved.colours, 1.0)
    small, large = picture_file(tmp_path / "p.png", 1), tmp_path / "q.png"
    save_picture(large, np.zeros((3, 3, 3), np.float32))
    glb, ply = mesh_file(tmp_path / "m.glb", 1), ply_file(tmp_path / "m.ply", 1)
    pairs = [(first, tmp_path / f"{n}.npz", n) for n in ("nodes", "dense", "moved")]
    pairs += [(splats, tmp_path / "other.ply", ""), (small, large, ""), (first, splats, ""), (glb, ply, "")]
    for a, b, _ in pairs:
        with pytest.raises(InputError) as caught:
            run_blend(BlendJob((a, b), (0.5, 0.5), tmp_path / f"out{a.suffix}"))
        assert a.name in str(caught.value)
        assert b.name in str(caught.value)
    assert not list(tmp_path.glob("out*"))


def test_results_are_not_overwritten_unasked(tmp_path) -> None:
    a, b = (field_file(tmp_path / f"{seed}.npz", seed) for seed in (1, 2))
    before = b.read_bytes()
    with pytest.raises(OutputError, match=r"2\.npz"):
        run_blend(BlendJob((a, b), (0.5, 0.5), b))
    with pytest.raises(ConfigError, match=r"\.npz"):
        run_blend(BlendJob((a, b), (0.5, 0.5), tmp_path / "out.ply"))
    with pytest.raises(InputError, match="missing"):
        run_blend(BlendJob((a, tmp_path / "missing.npz"), (0.5, 0.5), tmp_path / "out.npz"))
    assert b.read_bytes() == before
