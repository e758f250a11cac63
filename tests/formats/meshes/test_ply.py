"""PLY: every way to write the same square, and that vertex colours and coordinates survive."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
import trimesh

from nst3d.errors import ConfigError, InputError
from nst3d.formats.meshes.ply import load_ply, save_ply
from nst3d.formats.meshes.textures import MID_GREY
from nst3d.images.io import write_image
from nst3d.representations.mesh import Instance, Mesh
from nst3d.representations.paint import TexturePaint, TextureSlot, VertexPaint
from nst3d.tensors import ImageSize

CORNERS = [(0.0, 0.0, 0.0), (1.0, 0.0, 0.0), (1.0, 1.0, 0.0), (0.0, 1.0, 0.0)]
XYZ = "element vertex 4\nproperty float x\nproperty float y\nproperty float z\n"
FACE = "element face {n}\nproperty list uchar int vertex_indices\n"
ROWS = "0 0 0\n1 0 0\n1 1 0\n0 1 0\n"


def written(folder: Path, data: bytes | str) -> Path:
    path = folder / "a.ply"
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return path


def header(kind: str, *blocks: str) -> str:
    return f"ply\nformat {kind} 1.0\n{''.join(blocks)}end_header\n"


def area(mesh: Mesh) -> float:
    part = mesh.parts[0]
    a, b, c = (part.vertices[part.faces[:, k]] for k in range(3))
    return float(np.cross(b - a, c - a)[:, 2].sum() / 2)


@pytest.mark.parametrize("order", ["<", ">"])
def test_binary_with_mixed_polygons(tmp_path: Path, order: str) -> None:
    kind = "binary_little_endian" if order == "<" else "binary_big_endian"
    body = b"".join(struct.pack(order + "3f", *c) for c in CORNERS)
    body += struct.pack(order + "B3i", 3, 0, 1, 2) + struct.pack(order + "B4i", 4, 0, 1, 2, 3)
    mesh = load_ply(written(tmp_path, header(kind, XYZ, FACE.format(n=2)).encode() + body))
    np.testing.assert_array_equal(mesh.parts[0].vertices, CORNERS)
    assert mesh.num_faces == 2
    assert mesh.notes == ("dropped duplicate faces: 1",)


def test_ascii_with_crlf_and_another_element(tmp_path: Path) -> None:
    extra = "element note 1\nproperty list uchar float x\nproperty int y\nproperty bool z\n"
    text = header("ascii", XYZ, extra, FACE.format(n=1)) + ROWS + "2 0.5 0.5 7 1\n4 0 1 2 3"
    path = written(tmp_path, text.replace("\n", "\r\n"))
    assert area(load_ply(path)) == 1.0


def test_triangle_strips(tmp_path: Path) -> None:
    strips = "element tristrips 1\nproperty list int int vertex_indices\n"
    mesh = load_ply(written(tmp_path, header("ascii", XYZ, strips) + ROWS + "8 0 1 3 2 -1 0 1 2\n"))
    np.testing.assert_array_equal(mesh.parts[0].faces, [[0, 1, 3], [2, 3, 1], [0, 1, 2]])


@pytest.mark.parametrize(
    ("kind", "row"), [("uchar", "255 51 0"), ("float", "1 0.2 0"), ("float", "255 51 0")]
)
def test_colours_of_any_type(tmp_path: Path, kind: str, row: str) -> None:
    names = "".join(f"property {kind} {c}\n" for c in ("red", "green", "blue"))
    rows = "".join(f"{line} {row}\n" for line in ROWS.splitlines())
    mesh = load_ply(written(tmp_path, header("ascii", XYZ, names, FACE.format(n=1)) + rows + "4 0 1 2 3\n"))
    np.testing.assert_allclose(mesh.parts[0].colours, [[1, 0.2, 0]] * 4, atol=1e-7)
    assert mesh.materials[0].factor == (1, 1, 1)


def test_face_colours_are_averaged(tmp_path: Path) -> None:
    names = "".join(f"property uchar {c}\n" for c in ("red", "green", "blue"))
    body = ROWS + "3 0 1 2 255 0 0\n3 0 2 3 0 255 0\n"
    mesh = load_ply(written(tmp_path, header("ascii", XYZ, FACE.format(n=2), names) + body))
    np.testing.assert_array_equal(mesh.parts[0].colours, [[0.5, 0.5, 0], [1, 0, 0], [0.5, 0.5, 0], [0, 1, 0]])


@pytest.mark.parametrize(
    ("names", "texture"),
    [("st", "the skin"), ("uv", "the skin"), ("faces", "the skin"), ("faces", "<this>_0")],
)
def test_uvs_and_texture(tmp_path: Path, names: str, texture: str) -> None:
    own = written(tmp_path, b"").stem
    texture_name = texture.replace("<this>", own)
    write_image(tmp_path / f"{texture_name}.png", np.ones((1, 1, 3), np.float32))
    comment = f"comment TextureFile   {texture}.png \n"
    rows, face, vertex_uvs = ROWS, "4 0 1 2 3", ""
    if names == "faces":
        face += " 8 0 0 1 0 1 1 0 1"
        blocks = [comment, XYZ, FACE.format(n=1), "property list uchar float texcoord\n"]
    else:
        vertex_uvs = "".join(f"property float {n}\n" for n in names)
        rows = "".join(f"{line} {line[:3]}\n" for line in ROWS.splitlines())
        blocks = [comment, XYZ, vertex_uvs, FACE.format(n=1)]
    mesh = load_ply(written(tmp_path, header("ascii", *blocks) + rows + face + "\n"))
    part = mesh.parts[0]
    assert mesh.textures[0].name == texture_name
    np.testing.assert_array_equal(part.uvs, part.vertices[part.faces][..., :2])


TWO_SKINS = (
    "comment TextureFile a.png\ncomment TextureFile b.png\n",
    XYZ,
    FACE.format(n=3),
    "property list uchar float texcoord\nproperty int texnumber\n",
)


def with_skins(folder: Path, numbers: tuple[int, int, int], blocks: tuple[str, ...] = TWO_SKINS) -> Mesh:
    for name, level in (("a", 0.2), ("b", 0.8)):
        write_image(folder / f"{name}.png", np.full((2, 2, 3), level, np.float32))
    corners = ("0 1 2", "0 2 3", "1 2 3")
    faces = "".join(f"3 {c} 6 0 0 {k} 0 1 1 {n}\n" for k, (c, n) in enumerate(zip(corners, numbers)))
    return load_ply(written(folder, header("ascii", *blocks) + ROWS + faces))


def test_each_face_has_its_own_of_several_textures(tmp_path: Path) -> None:
    mesh = with_skins(tmp_path, (1, 0, 1))
    assert [t.name for t in mesh.textures] == ["a", "b"]
    assert [mesh.materials[p.material].texture for p in mesh.parts] == [0, 1]
    assert [p.vertices[p.faces][:, :, 0].tolist() for p in mesh.parts] == [
        [[0, 1, 0]],
        [[0, 1, 1], [1, 1, 0]],
    ]
    assert [p.uvs[:, 1, 0].tolist() for p in mesh.parts] == [[1], [0, 2]]
    assert mesh.notes == ()


def test_a_texture_that_no_face_uses_is_left_alone(tmp_path: Path) -> None:
    mesh = with_skins(tmp_path, (1, 1, 1))
    assert [t.name for t in mesh.textures] == ["b"]
    assert len(mesh.parts) == 1


def test_faces_without_one_of_several_textures_are_grey(tmp_path: Path) -> None:
    mesh = with_skins(tmp_path, (0, -1, 7))
    assert [(m.texture, m.factor) for m in mesh.materials] == [(None, MID_GREY), (0, (1, 1, 1))]
    assert [len(p.faces) for p in mesh.parts] == [2, 1]
    assert mesh.notes == ("some faces have no texture; using mid grey",)


def test_the_first_of_several_textures_is_used_if_faces_do_not_say(tmp_path: Path) -> None:
    mesh = with_skins(tmp_path, (0, 0, 0), (*TWO_SKINS[:3], TWO_SKINS[3].replace("texnumber", "other")))
    assert [t.name for t in mesh.textures] == ["a"]
    assert mesh.notes == ("several textures, and its faces do not say which; using the first",)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ("plx", "not a PLY"),
        ("ply\nformat ascii 1.0\n", "header is truncated"),
        (header("ascii", "element\n"), "cannot be read: 'element'"),
        (header("utf8", XYZ), "format 'utf8'"),
        (header("ascii", XYZ.replace("4", "-5")), "declares -5 vertex entries"),
        (header("ascii", XYZ) + ROWS, "point cloud of 4 points without faces; mesh it first"),
        (header("ascii", XYZ, FACE.format(n=0)) + ROWS, "point cloud"),
        (header("ascii", FACE.format(n=1)) + "3 0 1 2\n", "no vertices"),
        (header("ascii", XYZ, FACE.format(n=1)) + ROWS + "3 0 1 9\n", "missing vertex"),
        (header("ascii", XYZ, FACE.format(n=1)) + ROWS + "3 0 1\n", "truncated"),
        (header("ascii", XYZ, FACE.format(n=1)) + ROWS[:-3], "truncated"),
        (header("ascii", XYZ, FACE.format(n=1)) + ROWS + "3 0 one 2\n", "'3 0 one 2'"),
        (header("ascii", XYZ, FACE.format(n=1)) + ROWS + "-1 0 1 2\n", "truncated"),
        (header("binary_little_endian", XYZ.replace("4", "4000000000")), "4000000000 vertex entries"),
    ],
)
def test_broken_files_give_one_line(tmp_path: Path, data: str, expected: str) -> None:
    with pytest.raises(InputError) as error:
        load_ply(written(tmp_path, data))
    assert expected in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("share", [0.02, 0.3, 0.6, 0.99])
def test_every_truncation_of_a_real_file_is_an_error(data_dir: Path, tmp_path: Path, share: float) -> None:
    data = (data_dir / "meshes/vertexcolor/reference.ply").read_bytes()
    with pytest.raises(InputError, match=r"truncated"):
        load_ply(written(tmp_path, data[: int(len(data) * share)]))


@pytest.mark.parametrize(("shift", "kind"), [(0.0, b"float"), (0.1, b"double")])
def test_round_trip_of_vertex_paint(tmp_path: Path, shift: float, kind: bytes) -> None:
    """Coordinates read back equal; colours are exact to 8 bits."""
    mesh = load_ply(
        written(
            tmp_path,
            header("ascii", XYZ.replace("float", "double"), FACE.format(n=1))
            + ROWS.replace("0 0 0", f"{shift} 0 0")
            + "4 0 1 2 3\n",
        )
    )
    moved = np.eye(4)
    moved[0, 3] = 4
    mesh = Mesh(mesh.parts, (Instance(0), Instance(0, moved)), mesh.materials, (), mesh.frame)
    levels = np.random.default_rng(0).integers(0, 256, (4, 3))
    files = save_ply(
        tmp_path / "b.ply", mesh, VertexPaint(mesh.parts, (0,)), (levels / 255).astype(np.float32)
    )
    assert files == [tmp_path / "b.ply"]
    assert b"property " + kind + b" x\n" in files[0].read_bytes()
    part = load_ply(files[0]).parts[0]
    own = mesh.parts[0].vertices
    np.testing.assert_array_equal(part.vertices, np.concatenate([own, own + np.asarray([4, 0, 0])]))
    np.testing.assert_array_equal(part.faces, np.concatenate([mesh.parts[0].faces, mesh.parts[0].faces + 4]))
    np.testing.assert_array_equal(np.round(part.colours * 255), np.concatenate([levels, levels]))


def test_textures_are_refused(tmp_path: Path) -> None:
    mesh = load_ply(written(tmp_path, header("ascii", XYZ, FACE.format(n=1)) + ROWS + "4 0 1 2 3\n"))
    slot = TextureSlot("a", ImageSize(1, 1), 0, ("repeat", "repeat"), (0,), None)
    paint = TexturePaint((slot,), (0,), (np.zeros((2, 3, 2)),), (True,))
    with pytest.raises(ConfigError, match=r"`surface\.paint='vertex'`"):
        save_ply(tmp_path / "b.ply", mesh, paint, np.zeros((1, 3), np.float32))


def test_real_colours_round_trip(data_dir: Path, tmp_path: Path) -> None:
    mesh = load_ply(data_dir / "meshes/derived/cat_statue_vertexcolor.ply")
    part = mesh.parts[0]
    save_ply(tmp_path / "b.ply", mesh, VertexPaint(mesh.parts, (0,)), part.colours)
    back = load_ply(tmp_path / "b.ply").parts[0]
    for name in ("vertices", "faces", "colours"):
        np.testing.assert_array_equal(getattr(back, name), getattr(part, name))


def test_real_texture_coordinates(data_dir: Path) -> None:
    wuson = load_ply(data_dir / "meshes/ugly/assimp/Wuson.ply").parts[0]
    assert wuson.uvs is not None
    assert wuson.uvs.shape == (3732, 3, 2)
    np.testing.assert_allclose(wuson.uvs[0, 0], [0.681180, 0.275678], atol=1e-6)
    fuze = load_ply(data_dir / "meshes/vertexcolor/fuze.ply")
    assert len(fuze.parts[0].vertices) == 502
    assert fuze.parts[0].colours is not None
    assert any("'fuze uv.jpg' was not found" in n and "vertex colours" in n for n in fuze.notes)


def test_another_library_reads_the_same(data_dir: Path, tmp_path: Path) -> None:
    mesh = load_ply(data_dir / "meshes/vertexcolor/reference.ply")
    part = mesh.parts[0]
    save_ply(tmp_path / "b.ply", mesh, VertexPaint(mesh.parts, (0,)), part.colours)
    other = trimesh.load_mesh(tmp_path / "b.ply", process=False)
    np.testing.assert_array_equal(other.vertices, part.vertices)
    np.testing.assert_array_equal(other.faces, part.faces)
    np.testing.assert_array_equal(other.visual.vertex_colors[:, :3], np.round(part.colours * 255))
