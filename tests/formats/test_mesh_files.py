"""Which reader a path gets, and that every real file loads or fails with one line."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from gltf_samples import Sample
from small_meshes import cube, mesh_of

from nst3d.errors import ConfigError, InputError
from nst3d.formats.mesh_files import load_mesh, save_mesh
from nst3d.formats.picture import is_picture
from nst3d.representations.diagnose import contents
from nst3d.representations.paint import VertexPaint

TRIANGLE = "v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n"


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("a.obj", b"glTF\x02\0\0\0", "is a GLB; rename it to end in .glb"),
        ("a.glb", b"ply\nformat ascii 1.0\n", "is a PLY; rename"),
        ("a.obj", b"\x89PNG\r\n\x1a\n", "is a PNG picture"),
        ("a.stl", b"PK\x03\x04rest", "ZIP archive, which must be unpacked"),
        ("a.npz", b"PK\x03\x04rest", "is a NumPy archive; supported are .glb"),
        ("a.sog", b"PK\x03\x04rest", "is a splat scene; supported are .glb"),
        ("a.spz", b"\x1f\x8brest", "is a splat scene; supported are .glb"),
        ("a.fbx", b"Kaydara FBX Binary", "is an FBX"),
        ("a.xyz", b"1 2 3\n", "supported are .glb, .gltf, .obj, .ply, .stl"),
        ("a.las", b"LASF", "splats and points are read from "),
        ("a.obj", b"", "is empty"),
        ("a.obj", b"v 0 0 0\0\0", "binary file"),
    ],
)
def test_wrong_content_is_named(tmp_path: Path, name: str, content: bytes, expected: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError) as error:
        load_mesh(tmp_path / name)
    assert expected in str(error.value)
    assert str(tmp_path / name) in str(error.value)


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        load_mesh(tmp_path / "a.obj")


def test_a_folder_with_one_mesh(tmp_path: Path) -> None:
    folder = tmp_path / "ein Ordner für das Netz"
    folder.mkdir()
    (folder / "notes.txt").write_text("hello")
    with pytest.raises(InputError, match=r"contains no mesh .* only notes\.txt"):
        load_mesh(folder)
    (folder / "a ü.OBJ").write_text(TRIANGLE)
    assert load_mesh(folder).num_faces == 1
    (folder / "._a ü.OBJ").write_text("macOS' attributes of the file beside it")
    assert load_mesh(folder).num_faces == 1
    (folder / "b.obj").write_text(TRIANGLE)
    with pytest.raises(InputError, match="contains 2 meshes"):
        load_mesh(folder)


def test_a_folder_with_one_mesh_in_several_formats(tmp_path: Path) -> None:
    """What painting writes of an OBJ: the GLB is read, which has all that there is."""
    for name in ("painted.obj", "painted.ply"):
        (tmp_path / name).write_text(TRIANGLE)
    with pytest.raises(InputError, match="contains 2 meshes"):
        load_mesh(tmp_path)
    solid = mesh_of(cube())
    paint, colours = VertexPaint(solid.parts, (0,)), np.zeros((len(solid.parts[0].vertices), 3), np.float32)
    save_mesh(tmp_path / "painted.glb", solid, paint, colours)
    assert load_mesh(tmp_path).num_faces == 12
    save_mesh(tmp_path / "other.glb", solid, paint, colours)
    with pytest.raises(InputError, match="contains 4 meshes"):
        load_mesh(tmp_path)


def test_names_of_pictures(tmp_path: Path) -> None:
    assert is_picture(Path("a.JPEG"))
    assert not is_picture(Path("a.obj"))
    assert not is_picture(tmp_path)


def test_a_scene_shrunk_to_a_point_is_told(tmp_path: Path) -> None:
    sample = Sample()
    sample.show(sample.quad(), scale=[0, 0, 0])
    with pytest.raises(InputError, match=r"flat\.glb: its nodes scale all faces to a point"):
        load_mesh(sample.save(tmp_path / "flat.glb"))


def test_save_goes_by_the_suffix(tmp_path: Path) -> None:
    (tmp_path / "a.obj").write_text(TRIANGLE)
    mesh = load_mesh(tmp_path / "a.obj")
    paint, colours = VertexPaint(mesh.parts, (0,)), np.full((3, 3), 0.2, np.float32)
    for name in ("b.obj", "b.ply", "b.glb"):
        assert save_mesh(tmp_path / name, mesh, paint, colours) == [tmp_path / name]
        part = load_mesh(tmp_path / name).parts[0]
        np.testing.assert_allclose(part.vertices, mesh.parts[0].vertices)
        np.testing.assert_allclose(part.colours, colours, atol=1 / 255)
    with pytest.raises(ConfigError, match="STL cannot hold colours"):
        save_mesh(tmp_path / "b.stl", mesh, paint, colours)
    with pytest.raises(ConfigError, match=r"written as \.glb"):
        save_mesh(tmp_path / "b.fbx", mesh, paint, colours)


REFUSED = {
    "ugly/assimp/invalid.off",
    "ugly/assimp_gltf/BoxWithInfinites-glTF-Binary/BoxWithInfinites.glb",
    "ugly/assimp_gltf/IndexOutOfRange/IndexOutOfRange.gltf",
    "ugly/assimp_gltf/MissingBin/BoxTextured.gltf",
    "ugly/trimesh/empty.obj",
    "ugly/trimesh/points_ascii.ply",
    "untextured/ascii.stl.zip",
}
"""Real files that hold no mesh that could be painted."""


def test_every_real_file_loads_or_says_why_not(data_dir: Path) -> None:
    folder = data_dir / "meshes"
    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() not in {".obj", ".ply", ".stl", ".glb", ".gltf", ".off", ".zip"}:
            continue
        if path.relative_to(folder).as_posix() in REFUSED:
            with pytest.raises(InputError) as error:
                load_mesh(path)
            assert "\n" not in str(error.value)
            assert path.name in str(error.value)
            continue
        mesh = load_mesh(path)
        assert mesh.num_faces > 0
        assert all(np.isfinite(p.vertices).all() for p in mesh.parts)
        assert len(contents(mesh)) >= 5
