"""Point clouds in and out again."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from nst3d.errors import InputError
from nst3d.formats.splats.points import is_point_cloud, load_points
from nst3d.formats.splats.registry import load_splats, save_splats, suffix_of
from nst3d.pipeline.kinds.registry import open_path

ROW = np.dtype(
    [
        ("x", "<f4"),
        ("y", "<f4"),
        ("z", "<f4"),
        ("red", "u1"),
        ("green", "u1"),
        ("blue", "u1"),
        ("time", "<f8"),
    ]
)
KINDS = {"<f4": "float", "<f8": "double", "|u1": "uchar", "<i4": "int"}
COUNT = 200


def rows(kind: np.dtype = ROW) -> np.ndarray:
    rng = np.random.default_rng(3)
    made = np.zeros(COUNT, kind)
    for name in kind.names or ():
        made[name] = rng.integers(0, 256, COUNT) if kind[name].kind == "u" else rng.normal(size=COUNT)
    return made


def header(table: np.ndarray, more: str = "", form: str = "binary_little_endian") -> bytes:
    lines = ["ply", f"format {form} 1.0", "comment made by hand", f"element vertex {len(table)}"]
    lines += [f"property {KINDS[table.dtype[n].str]} {n}" for n in table.dtype.names or ()]
    return ("\n".join(lines) + f"\n{more}end_header\n").encode()


def ply(path: Path, table: np.ndarray, more: str = "", tail: bytes = b"") -> Path:
    path.write_bytes(header(table, more) + table.tobytes() + tail)
    return path


def painted(path: Path, out: Path, shade: float = 0.25) -> bytes:
    splats = load_splats(path)
    save_splats(out, splats, np.full((len(splats), 3), shade, np.float32))
    return out.read_bytes()


def test_what_is_not_painted_stays_bit_for_bit(tmp_path) -> None:
    table = rows()
    more, tail = "element edge 2\nproperty int a\nproperty int b\n", np.arange(4, dtype="<i4").tobytes()
    path = ply(tmp_path / "a.ply", table, more, tail)
    assert open_path(path).kind.name == "points"
    splats = load_splats(path)
    assert suffix_of(splats) == ".ply"
    save_splats(tmp_path / "same.ply", splats, splats.colours)
    assert (tmp_path / "same.ply").read_bytes() == path.read_bytes()
    colours = splats.colours.copy()
    colours[7] = (1.0, 0.5, -3.0)
    save_splats(tmp_path / "new.ply", splats, colours)
    expected = table.copy()
    expected[["red", "green", "blue"]][7] = (255, 128, 0)
    assert (tmp_path / "new.ply").read_bytes() == header(table, more) + expected.tobytes() + tail


def test_points_become_round_opaque_splats_of_their_colour(tmp_path) -> None:
    table = rows()
    splats = load_splats(ply(tmp_path / "a.ply", table))
    np.testing.assert_array_equal(splats.positions[:, 0], table["x"])
    np.testing.assert_allclose(splats.colours[:, 1], table["green"] / 255, atol=1e-6)
    assert (splats.opacities == 1).all()
    assert (splats.scales == splats.scales[:, :1]).all()
    assert splats.up.tolist() == [0, 1, 0]


def test_a_cloud_without_colours_is_shaded_and_gets_some(tmp_path) -> None:
    table = rows(np.dtype([(n, "<f4") for n in "xyz"]))
    sphere = np.stack([table[n] for n in "xyz"], axis=1)
    sphere /= np.linalg.norm(sphere, axis=1, keepdims=True)
    for k, name in enumerate("xyz"):
        table[name] = sphere[:, k]
    path = ply(tmp_path / "a.ply", table, "element face 0\nproperty list uchar int vertex_indices\n")
    splats = load_splats(path)
    assert "no colours" in splats.notes[0]
    assert "estimated" in splats.notes[0]
    top, bottom = splats.colours[sphere[:, 1] > 0.7], splats.colours[sphere[:, 1] < -0.7]
    assert top.min() > bottom.max()
    written = painted(path, tmp_path / "b.ply")
    assert b"property float z\nproperty uchar red\nproperty uchar green\nproperty uchar blue\n" in written
    again = load_splats(tmp_path / "b.ply")
    np.testing.assert_array_equal(again.positions, splats.positions)
    np.testing.assert_allclose(again.colours, 64 / 255, atol=1e-6)


def test_ascii_with_odd_points(tmp_path) -> None:
    path = tmp_path / "a.ply"
    lines = ["0 0 0 1 0.5 0", "nan 0 0 0 0 0", "1 0 0 0 0.25 1", "0 1 0 0 0 0"]
    kind = np.zeros(4, [(n, "<f4") for n in ("x", "y", "z", "red", "green", "blue")])
    path.write_bytes(header(kind, form="ascii") + "\n".join(lines).encode() + b"\n")
    splats = load_splats(path)
    assert splats.opacities.tolist() == [1, 0, 1, 1]
    assert "1 of 4 splats are broken" in splats.notes[0]
    assert len(load_points(path)) == 3
    np.testing.assert_allclose(load_points(path).colours[1], [0, 0.25, 1], atol=1e-6)
    again = np.frombuffer(painted(path, tmp_path / "b.ply")[-96:], "<f4").reshape(4, 6)
    assert np.isnan(again[1, 0])
    assert (again[:, 3] == [0.25, 0, 0.25, 0.25]).all()


@pytest.mark.parametrize(("kind", "stored"), [("bool", "?"), ("int64", "<i8"), ("uint64", "<u8")])
def test_properties_of_types_beyond_the_standard_are_kept(tmp_path, kind: str, stored: str) -> None:
    table = np.zeros(4, [("x", "<f4"), ("y", "<f4"), ("z", "<f4"), ("label", stored)])
    table["x"], table["y"], table["label"] = [0, 1, 2, 3], [0, 1, 0, 1], [1, 0, 1, 1]
    head = "ply\nformat binary_little_endian 1.0\nelement vertex 4\nproperty float x\nproperty float y\n"
    head += f"property float z\nproperty {kind} label\nend_header\n"
    (tmp_path / "a.ply").write_bytes(head.encode() + table.tobytes())
    splats = load_splats(tmp_path / "a.ply")
    np.testing.assert_array_equal(load_points(tmp_path / "a.ply").positions[:, 0], table["x"])
    save_splats(tmp_path / "b.ply", splats, splats.colours)
    assert f"property {kind} label" in (tmp_path / "b.ply").read_bytes().decode("latin-1")


def test_surveyed_coordinates_are_painted_near_the_origin_and_kept(tmp_path) -> None:
    table = rows(np.dtype([(n, "<f8") for n in "xyz"] + [(n, "u1") for n in ("red", "green", "blue")]))
    near = load_splats(ply(tmp_path / "near.ply", table))
    table["x"] += 500_000
    table["y"] += 5_400_000
    path = ply(tmp_path / "far.ply", table)
    far = load_splats(path)
    np.testing.assert_allclose(
        far.positions - far.positions[0], near.positions - near.positions[0], atol=1e-6
    )
    assert "far from the origin" in far.notes[0]
    painted(path, tmp_path / "b.ply")
    np.testing.assert_array_equal(load_points(tmp_path / "b.ply").positions[:, 1], table["y"])


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (header(rows())[:-12], "header"),
        (header(rows()) + rows().tobytes()[:-1], "truncated"),
        (header(np.zeros(4, ROW)).replace(b"vertex 4", b"vertex 4000000000000"), "truncated"),
        (header(np.zeros(3, ROW)) + b"\xff" * 3 * ROW.itemsize, "no finite points"),
    ],
)
def test_broken_ply(tmp_path, data, message) -> None:
    (tmp_path / "a.ply").write_bytes(data)
    with pytest.raises(InputError, match=message):
        load_splats(tmp_path / "a.ply")


def test_meshes_and_gaussians_are_no_point_clouds(data_dir) -> None:
    for name in ("meshes/vertexcolor/fuze.ply", "gaussians/derived/playbot_4_0.ply"):
        assert not is_point_cloud(data_dir / name)
    assert is_point_cloud(data_dir / "meshes/ugly/trimesh/points_ascii.ply")
    assert load_splats(data_dir / "meshes/ugly/trimesh/points_ascii.ply").opacities.all()


PCD = """# .PCD v0.7
VERSION 0.7
FIELDS x y z normal_x normal_y normal_z rgb ring
SIZE 4 4 4 4 4 4 4 2
TYPE F F F F F F {rgb} U
COUNT 1 1 1 1 1 1 1 1
WIDTH 3
HEIGHT 1
VIEWPOINT 0 0 0 1 0 0 0
POINTS 3
DATA {data}
"""
PCD_ROW = np.dtype([(n, "<f4") for n in "xyzabc"] + [("rgb", "<u4"), ("ring", "<u2")])


def pcd_rows() -> np.ndarray:
    table = np.zeros(3, PCD_ROW)
    table["x"], table["y"], table["z"], table["c"] = (1.5, 2, 3), (0, 1, 0), (-1, 0, 1), 1
    table["rgb"], table["ring"] = (0xFF8000, 0x000001, 0x102030), (7, 8, 9)
    return table


def literals(data: bytes) -> bytes:
    """LZF that only ever copies."""
    return b"".join(bytes([len(c) - 1]) + c for c in (data[i : i + 32] for i in range(0, len(data), 32)))


def pcd(kind: str) -> bytes:
    table = pcd_rows()
    if kind == "ascii":
        lines = [" ".join(str(v) for v in row.tolist()) for row in table]
        return PCD.format(data="ascii", rgb="U").encode() + "\n".join(lines).encode() + b"\n"
    if kind == "binary":
        return PCD.format(data="binary", rgb="F").encode() + table.tobytes()
    plain = b"".join(np.ascontiguousarray(table[n]).tobytes() for n in PCD_ROW.names or ())
    packed = literals(plain)
    sizes = np.array([len(packed), len(plain)], "<u4").tobytes()
    return PCD.format(data="binary_compressed", rgb="U").encode() + sizes + packed


@pytest.mark.parametrize("kind", ["ascii", "binary", "binary_compressed"])
def test_pcd_comes_back_as_ply_with_all_its_fields(tmp_path, kind) -> None:
    (tmp_path / "a.pcd").write_bytes(pcd(kind))
    assert open_path(tmp_path / "a.pcd").kind.name == "points"
    cloud = load_points(tmp_path / "a.pcd")
    np.testing.assert_array_equal(cloud.positions[:, 0], [1.5, 2, 3])
    np.testing.assert_allclose(cloud.colours * 255, [[255, 128, 0], [0, 0, 1], [16, 32, 48]], atol=1e-4)
    assert cloud.normals.tolist() == [[0, 0, 1]] * 3
    assert cloud.up == (0, 0, 1)
    written = painted(tmp_path / "a.pcd", tmp_path / "b.ply")
    again = load_points(tmp_path / "b.ply")
    np.testing.assert_array_equal(again.positions, cloud.positions)
    assert again.up == (0, 0, 1)
    assert np.frombuffer(written[-29 * 3 :], "V27,<u2")["f1"].tolist() == [7, 8, 9]


def test_lzf_references(tmp_path) -> None:
    """A run of zeros as one byte and references that overlap what they write, short and long."""
    head = PCD.format(data="binary_compressed", rgb="U").encode()
    plain = bytes(3 * PCD_ROW.itemsize)
    # A literal, then 9 + 7 + 2 bytes from one back, then 3 + 2 from 18 back; literals do the rest.
    packed = bytes([0, 0]) + bytes([7 << 5, 9, 0]) + bytes([3 << 5, 17]) + literals(plain[24:])
    sizes = np.array([len(packed), len(plain)], "<u4").tobytes()
    (tmp_path / "a.pcd").write_bytes(head + sizes + packed)
    assert not load_points(tmp_path / "a.pcd").positions.any()


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"not a cloud", "not a PCD"),
        (pcd("binary")[:-1], "truncated: its header declares 3 points"),
        (pcd("binary").replace(b"POINTS 3", b"POINTS 99999999999"), "truncated"),
        (pcd("binary").replace(b"SIZE 4", b"SIZE 5"), "header is broken"),
        (pcd("binary").replace(b"FIELDS x", b"FIELDS q"), "no x, y and z"),
        (pcd("ascii")[:-8], "truncated"),
        (pcd("binary_compressed")[:-1], "truncated"),
        (pcd("binary_compressed").replace(b"\x1f\x00\x00", b"\xff\xff\xff", 1), "compressed data is broken"),
    ],
)
def test_broken_pcd(tmp_path, data, message) -> None:
    (tmp_path / "a.pcd").write_bytes(data)
    with pytest.raises(InputError, match=message):
        load_splats(tmp_path / "a.pcd")


@pytest.mark.parametrize(
    ("text", "colour", "normal"),
    [
        ("0 0 0\n1 0 0\n0 1 0\n", None, None),
        ("# a comment\n0,0,0,255,0,128\n1,0,0,1,2,3\n\n0,1,0,0,0,0\n", (1, 0, 128 / 255), None),
        ("X Y Z R G B\n0 0 0 1 0 0.5\n1 0 0 0 0 0\n0 1 0 0 0 0\n", (1, 0, 0.5), None),
        ("3\n0 0 0 0 0 1\n1 0 0 0 0 1\n0 1 0 0 0 1\n", None, (0, 0, 1)),
        ("0 0 0 -41 9 9 9 0 1 0\n1 0 0 -3 1 1 1 0 1 0\n0 1 0 -9 0 0 0 0 1 0\n", (9 / 255,) * 3, (0, 1, 0)),
    ],
)
def test_xyz(tmp_path, text, colour, normal) -> None:
    (tmp_path / "a.xyz").write_text(text)
    cloud = load_points(tmp_path / "a.xyz")
    assert cloud.positions.tolist() == [[0, 0, 0], [1, 0, 0], [0, 1, 0]]
    assert (cloud.colours is None) == (colour is None)
    assert (cloud.normals is None) == (normal is None)
    if colour is not None:
        np.testing.assert_allclose(cloud.colours[0], colour, atol=1e-6)
    if normal is not None:
        np.testing.assert_allclose(cloud.normals[0], normal)
    painted(tmp_path / "a.xyz", tmp_path / "b.ply")
    np.testing.assert_array_equal(load_points(tmp_path / "b.ply").positions, cloud.positions)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.xyz", "", "holds no points"),
        ("a.xyz", "# nothing\n", "holds no points"),
        ("a.xyz", "1e30 0 0\n0 2e30 0\n", "coordinates are too large; expected values below 1e[+]15"),
        ("a.xyz", "0 0 nan\n", "no finite points"),
        ("a.pcd", "FIELDS x y z\nSIZE 4 4 4\nTYPE F F F\nPOINTS 0\nDATA ascii\n", "holds no points"),
    ],
)
def test_clouds_without_points_to_use(tmp_path, name, text, message) -> None:
    (tmp_path / name).write_text(text)
    for load in (load_splats, load_points):
        with pytest.raises(InputError, match=message):
            load(tmp_path / name)


def test_a_cloud_without_extent_is_near_the_origin(tmp_path) -> None:
    (tmp_path / "a.xyz").write_text("1 2 3\n")
    assert not any("far" in note for note in load_splats(tmp_path / "a.xyz").notes)


@pytest.mark.parametrize("text", ["", "1 2\n3 4\n", "1 2 3\n4 5\n", "1 2 3\n4 x 6\n"])
def test_broken_xyz(tmp_path, text) -> None:
    (tmp_path / "a.xyz").write_text(text)
    with pytest.raises(InputError, match=r"a\.xyz: "):
        load_splats(tmp_path / "a.xyz")
