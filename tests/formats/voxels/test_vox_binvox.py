"""binvox grids: read as voxels without colours, painted into new MagicaVoxel files."""

from __future__ import annotations

import numpy as np
import pytest
from vox_samples import binvox

from nst3d.errors import InputError
from nst3d.formats.mesh_files import load_mesh, save_mesh
from nst3d.formats.voxels.binvox import load_binvox
from nst3d.formats.voxels.vox import load_vox
from nst3d.representations.appearance import is_bare
from nst3d.representations.subdivide import paint_vertices


def noise(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).random(shape) < 0.3


def test_cells_stand_where_binvox_has_them(tmp_path):
    filled = np.zeros((4, 4, 4), bool)
    filled[1, 2, 3] = True  # x, z, y
    (tmp_path / "a.binvox").write_bytes(binvox(filled, "10 20 30", "8"))
    mesh = load_mesh(tmp_path / "a.binvox")
    (instance,) = mesh.instances
    world = mesh.parts[0].vertices @ instance.transform[:3, :3].T + instance.transform[:3, 3]
    assert world.min(0).tolist() == [12, 26, 34]
    assert world.max(0).tolist() == [14, 28, 36]
    assert mesh.up == (0, 1, 0)
    assert is_bare(mesh)
    assert np.linalg.det(instance.transform[:3, :3]) > 0


def test_all_cells_are_read(tmp_path):
    filled = noise(5, 6, 7)
    (tmp_path / "a.binvox").write_bytes(binvox(filled))
    mesh = load_binvox(tmp_path / "a.binvox")
    x, y, z = mesh.document.cells.T
    assert np.array_equal(np.sort(np.ravel_multi_index((x, 5 - y, z), (5, 6, 7))), np.flatnonzero(filled))


def test_painted_cells_become_a_magicavoxel_file(tmp_path):
    (tmp_path / "a.binvox").write_bytes(binvox(noise(6, 6, 6)))
    mesh = load_mesh(tmp_path / "a.binvox")
    paint = paint_vertices(mesh, np.inf, 0)
    colours = np.random.default_rng(1).integers(0, 256, (paint.num_colours, 3)).astype(np.float32) / 255
    save_mesh(tmp_path / "b.vox", mesh, paint, colours)
    back = load_mesh(tmp_path / "b.vox")
    assert back.num_faces == mesh.num_faces
    (model,) = back.document.models
    assert np.array_equal(model.cells, mesh.document.cells - mesh.document.cells.min(0))
    assert np.abs(back.parts[0].colours - colours[back.parts[0].cells]).max() < 1e-6


def test_a_grid_beyond_256_becomes_several_models(tmp_path):
    filled = np.zeros((300, 2, 260), bool)
    filled[::7, 0, ::5] = True
    filled[299, 1, 259] = True
    (tmp_path / "a.binvox").write_bytes(binvox(filled))
    mesh = load_mesh(tmp_path / "a.binvox")
    paint = paint_vertices(mesh, np.inf, 0)
    save_mesh(tmp_path / "b.vox", mesh, paint, np.full((paint.num_colours, 3), 0.4, np.float32))
    back = load_vox(tmp_path / "b.vox")
    assert len(back.document.models) == 3
    assert back.num_faces == mesh.num_faces
    cells = []
    for instance in back.instances:
        part = back.parts[instance.part]
        low = np.full((part.num_paint_rows, 3), np.inf)
        np.minimum.at(low, part.cells, part.vertices)
        cells.append(low @ instance.transform[:3, :3].T + instance.transform[:3, 3])
    found, expected = np.concatenate(cells), mesh.document.cells
    assert np.array_equal(found[np.lexsort(found.T)], expected[np.lexsort(expected.T)])


HEAD = b"#binvox 1\ndim 2 2 2\ntranslate 0 0 0\nscale 1\ndata\n"
ERRORS = {
    "magic": (b"#voxels 1\n", "does not start with '#binvox'"),
    "no data": (b"#binvox 1\ndim 2 2 2\n", "no 'data' line"),
    "no dim": (b"#binvox 1\ndata\n\x01\x08", "needs dim"),
    "words": (HEAD.replace(b"dim 2 2 2", b"dim a b c"), "needs dim"),
    "huge": (
        HEAD.replace(b"dim 2 2 2", b"dim 100000 100000 100000"),
        "each side must have between 1 and 512",
    ),
    "zero": (HEAD.replace(b"dim 2 2 2", b"dim 0 2 2"), "each side must have"),
    "nan": (HEAD.replace(b"scale 1", b"scale nan"), "not valid"),
    "two": (HEAD.replace(b"translate 0 0 0", b"translate 0 0"), "not valid"),
    "long runs": (HEAD + b"\x01\xff", "cover 255 of 8 cells"),
    "short": (HEAD + b"\x01\x04", "cover 4 of 8 cells"),
    "empty": (HEAD + b"\x00\x08", "holds no voxels"),
}


@pytest.mark.parametrize("case", ERRORS)
def test_a_broken_grid_gives_one_clear_line(tmp_path, case):
    data, words = ERRORS[case]
    path = tmp_path / "a.binvox"
    path.write_bytes(data)
    with pytest.raises(InputError, match=words) as caught:
        load_binvox(path)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)


def test_comments_in_the_header_are_passed_over(tmp_path):
    plain, noted = tmp_path / "a.binvox", tmp_path / "b.binvox"
    plain.write_bytes(HEAD + b"\x01\x08")
    noted.write_bytes(HEAD.replace(b"\nscale 1", b" # where\n# how large\n  scale 1") + b"\x01\x08")
    first, second = (load_binvox(path).instances[0].transform for path in (plain, noted))
    np.testing.assert_array_equal(first, second)
