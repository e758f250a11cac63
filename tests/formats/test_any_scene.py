"""One pair of functions loads and saves every kind of scene."""

from __future__ import annotations

import numpy as np
import pytest
from capture_samples import write_transforms
from npz_samples import field_of
from small_meshes import cube, mesh_of, noise
from small_splats import ball

from nst3d import load, save
from nst3d.errors import ConfigError, InputError
from nst3d.formats.splats.registry import save_splats
from nst3d.images.io import Picture, write_image
from nst3d.representations.capture import Capture
from nst3d.representations.field import VoxelField
from nst3d.representations.mesh import Mesh
from nst3d.representations.splats import Splats
from nst3d.representations.subdivide import paint_vertices


def test_a_mesh_comes_back_with_its_paint(tmp_path) -> None:
    mesh = mesh_of(cube())
    paint = paint_vertices(mesh, np.inf, 0)
    colours = noise(paint.num_colours, 3)
    paths = save(tmp_path / "a.ply", mesh, colours, paint=paint)
    again = load(str(paths[0]))
    assert isinstance(again, Mesh)
    assert again.parts[0].colours == pytest.approx(colours, abs=1 / 255)
    for given in ({"colours": colours}, {"paint": paint}, {}):
        with pytest.raises(ConfigError, match=r"a\.ply: a mesh needs both colours and the paint"):
            save(tmp_path / "a.ply", mesh, **given)


@pytest.mark.parametrize(("suffix", "exact"), [(".ply", 1e-6), (".spz", 0.01), (".splat", 0.01)])
def test_splats(tmp_path, suffix, exact) -> None:
    splats = ball(40)
    save_splats(tmp_path / f"a{suffix}", splats, splats.colours, 1.0)
    first = load(tmp_path / f"a{suffix}")
    assert isinstance(first, Splats)
    assert save(str(tmp_path / f"b{suffix}"), first) == [tmp_path / f"b{suffix}"]
    assert (tmp_path / f"a{suffix}").read_bytes() == (tmp_path / f"b{suffix}").read_bytes()
    colours = noise(40, 3)
    save(tmp_path / f"c{suffix}", first, colours)
    painted = load(tmp_path / f"c{suffix}")
    assert painted.colours == pytest.approx(colours, abs=exact)
    assert np.array_equal(painted.harmonics[:, 1:], first.harmonics[:, 1:])
    flat = load(save(tmp_path / f"d{suffix}", first, colours, specular=0.0)[0])
    assert not flat.harmonics[:, 1:].any()


def test_a_field(tmp_path) -> None:
    save(tmp_path / "a.npz", field_of())
    field = load(tmp_path / "a.npz")
    assert isinstance(field, VoxelField)
    assert np.array_equal(field.harmonics, field_of().harmonics)
    colours = noise(len(field), 3)
    again = load(save(tmp_path / "b.npz", field, colours)[0])
    assert again.colours == pytest.approx(colours, abs=1e-6)
    assert np.array_equal(again.density, field.density)
    assert np.array_equal(again.harmonics[:, 1:], field.harmonics[:, 1:])


def test_a_picture_keeps_its_alpha(tmp_path) -> None:
    write_image(tmp_path / "a.png", noise(6, 5, 3), noise(6, 5, seed=1))
    picture = load(tmp_path / "a.png")
    assert isinstance(picture, Picture)
    colours = noise(30, 3, seed=2)
    again = load(save(tmp_path / "b.png", picture, colours)[0])
    assert again.pixels.reshape(-1, 3) == pytest.approx(colours, abs=1 / 255)
    assert np.array_equal(again.alpha, picture.alpha)
    assert np.array_equal(load(save(tmp_path / "c.png", picture)[0]).pixels, picture.pixels)


def test_a_capture_is_loaded_and_not_saved(tmp_path) -> None:
    write_transforms(tmp_path / "c")
    capture = load(tmp_path / "c")
    assert isinstance(capture, Capture)
    with pytest.raises(ConfigError, match="reconstruct a scene"):
        save(tmp_path / "d", capture)


def test_wrong_tables_and_missing_files_are_named(tmp_path) -> None:
    for scene in (ball(40), field_of(), Picture(noise(5, 8, 3), None)):
        with pytest.raises(ConfigError, match=r"a\.npz: colours of shape \(7, 3\), expected \(\d+, 3\)"):
            save(tmp_path / "a.npz", scene, noise(7, 3))
    with pytest.raises(InputError, match=r"b\.glb: no such file"):
        load(tmp_path / "b.glb")
    assert not list(tmp_path.iterdir())
