"""3DGS PLY: every layout that programs write, and that nothing but colours changes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from splat_samples import (
    differences,
    other_colours,
    ply_bytes,
    ply_columns,
    same_geometry,
    some_splats,
    written,
)

from nst3d.errors import InputError
from nst3d.formats.splats.registry import is_splats, load_splats, save_splats, suffix_of
from nst3d.representations.harmonics import from_colours

FLOAT = {"positions": 0, "scales": 2e-6, "rotations": 1e-6, "opacities": 1e-6, "colours": 0, "harmonics": 0}
"""Absolute: float32 rounding of logarithm, logit and normalisation."""


def layouts():
    columns = ply_columns(some_splats())
    count = len(columns["x"])
    plain = {n: c for n, c in columns.items() if not n.startswith("n")}
    supersplat = sorted(plain, key=lambda n: ("xyz".find(n), n.startswith("f_rest"), n))
    extra = {"state": np.arange(count).astype(np.uint8), "id": np.arange(count).astype(np.int32)}
    camera = "element image_size 2\nproperty uint value\n"
    colours = {n: np.full(count, 7, np.uint8) for n in ("red", "green", "blue")}
    fields = {n if n in "xyz" else f"scalar_{n}": c for n, c in plain.items()}
    return {
        "CloudCompare": ply_bytes(fields | {"scalar_state": np.zeros(count, np.float32)}),
        "CloudCompare with colours": ply_bytes(colours | fields),
        "reference code": ply_bytes(columns),
        "without normals": ply_bytes(plain),
        "another order": ply_bytes({n: plain[n] for n in supersplat}),
        "extra properties": ply_bytes(extra | columns),
        "doubles": ply_bytes({n: c.astype(np.float64) if n in "xyz" else c for n, c in columns.items()}),
        "big endian": ply_bytes(columns, order=">"),
        "another element behind": ply_bytes(columns, camera, tail=np.uint32([7, 9]).tobytes()),
        "a list behind": ply_bytes(columns, "element a 1\nproperty list uchar int b\n", tail=b"\0"),
        "carriage returns": ply_bytes(columns).replace(b"comment made", b"comment a\rmade"),
    }


LAYOUTS = layouts()


@pytest.mark.parametrize("data", LAYOUTS.values(), ids=LAYOUTS)
class TestLayouts:
    def test_is_read(self, data, tmp_path) -> None:
        splats = load_splats(written(tmp_path, data))
        assert suffix_of(splats) == ".ply"
        assert splats.degree == 2
        for name, difference in differences(splats, some_splats()).items():
            assert difference <= FLOAT[name], name

    def test_unpainted_comes_back_bit_for_bit(self, data, tmp_path) -> None:
        splats = load_splats(written(tmp_path, data))
        save_splats(tmp_path / "b.ply", splats, splats.colours, specular=1)
        assert (tmp_path / "b.ply").read_bytes() == data

    def test_painting_changes_colours_alone(self, data, tmp_path) -> None:
        splats = load_splats(written(tmp_path, data))
        colours = other_colours(splats)
        assert save_splats(tmp_path / "b.ply", splats, colours, 1) == [tmp_path / "b.ply"]
        again = load_splats(tmp_path / "b.ply")
        np.testing.assert_allclose(again.colours, colours, rtol=0, atol=2e-7)
        assert same_geometry(splats, again)
        # Put the old colours back: the whole file, with all that is not read, must be as before.
        vertex = again.document.content.tables["vertex"]
        restored = vertex.copy()
        for name in vertex.dtype.names:
            if "f_dc_" in name or name in ("red", "green", "blue"):
                restored[name] = splats.document.content.tables["vertex"][name]
        assert (tmp_path / "b.ply").read_bytes().replace(vertex.tobytes(), restored.tobytes()) == data


@pytest.mark.parametrize("degree", [0, 1, 2, 3])
def test_specular_scales_the_higher_harmonics(degree, tmp_path) -> None:
    splats = load_splats(written(tmp_path, ply_bytes(ply_columns(some_splats(degree=degree)))))
    for specular in (0.0, 0.25, 1.0):
        save_splats(tmp_path / "b.ply", splats, other_colours(splats), specular)
        again = load_splats(tmp_path / "b.ply")
        assert again.degree == degree
        np.testing.assert_array_equal(again.harmonics[:, 1:], splats.harmonics[:, 1:] * np.float32(specular))


def test_values_of_one_splat(tmp_path) -> None:
    columns = {n: np.zeros(1, np.float32) for n in ply_columns(some_splats(1, degree=1))}
    columns |= {"f_dc_1": np.float32([1 / 0.28209479177387814]), "scale_2": np.float32([np.log(2)])}
    columns |= {"rot_3": np.float32([-5]), "f_rest_0": np.float32([1]), "f_rest_5": np.float32([2])}
    splats = load_splats(written(tmp_path, ply_bytes(columns)))
    np.testing.assert_allclose(splats.colours, [[0.5, 1.5, 0.5]], rtol=1e-6)
    np.testing.assert_allclose(splats.scales, [[1, 1, 2]], rtol=1e-6)
    np.testing.assert_array_equal(splats.rotations, [[0, 0, 0, -1]])
    assert splats.opacities[0] == 0.5
    # Three coefficients of red, then three of green, then three of blue.
    np.testing.assert_array_equal(splats.harmonics[0, 1:], [[1, 0, 0], [0, 0, 0], [0, 2, 0]])
    np.testing.assert_array_equal(splats.up, [0, -1, 0])


def test_infinite_logits_are_opaque_and_clear(tmp_path) -> None:
    columns = ply_columns(some_splats(3))
    columns["opacity"] = np.float32([np.inf, -np.inf, 0])
    splats = load_splats(written(tmp_path, ply_bytes(columns)))
    np.testing.assert_array_equal(splats.opacities, [1, 0, 0.5])
    assert not splats.notes


def test_only_painted_rows_change(tmp_path) -> None:
    splats = load_splats(written(tmp_path, LAYOUTS["reference code"]))
    colours = splats.colours.copy()
    colours[7] = (0.1, 0.2, 0.3)
    save_splats(tmp_path / "b.ply", splats, colours, 1)
    before, after = (s.document.content.tables["vertex"] for s in (splats, load_splats(tmp_path / "b.ply")))
    assert np.flatnonzero(before != after).tolist() == [7]


def test_broken_splats_are_hidden_and_kept(tmp_path) -> None:
    columns = ply_columns(some_splats(8))
    for row, name, value in [(1, "x", np.nan), (2, "scale_0", np.inf), (3, "rot_1", np.nan)]:
        columns[name][row] = value
    for row, name, value in [(4, "f_rest_3", np.inf), (5, "opacity", np.nan), (6, "y", 1e30)]:
        columns[name][row] = value
    splats = load_splats(written(tmp_path, ply_bytes(columns)))
    assert len(splats) == 8
    assert np.flatnonzero(splats.opacities == 0).tolist() == [1, 2, 3, 4, 5, 6]
    assert all(np.isfinite(v).all() for v in (splats.positions, splats.scales, splats.harmonics))
    np.testing.assert_array_equal(splats.positions[1:7], np.tile(splats.positions[0], (6, 1)))
    assert len(splats.notes) == 1
    assert "6 of 8 splats are broken" in splats.notes[0]
    save_splats(tmp_path / "b.ply", splats, other_colours(splats), 0)
    before, after = (s.document.content.tables["vertex"] for s in (splats, load_splats(tmp_path / "b.ply")))
    assert [k for k in range(8) if before[k].tobytes() != after[k].tobytes()] == [0, 7]


def test_rotation_of_no_length_is_none(tmp_path) -> None:
    columns = ply_columns(some_splats(2)) | {f"rot_{k}": np.zeros(2, np.float32) for k in range(4)}
    splats = load_splats(written(tmp_path, ply_bytes(columns)))
    np.testing.assert_array_equal(splats.rotations, [[1, 0, 0, 0]] * 2)


def test_flat_splats_have_two_scales(tmp_path) -> None:
    columns = ply_columns(some_splats(5))
    del columns["scale_2"]
    splats = load_splats(written(tmp_path, ply_bytes(columns)))
    assert (splats.scales[:, 2] < 1e-11).all()
    assert "flat" in splats.notes[0]


def test_colours_may_be_bytes(tmp_path) -> None:
    columns = {n: c for n, c in ply_columns(some_splats(4, degree=0)).items() if not n.startswith("f_")}
    columns |= {n: np.uint8([0, 51, 102, 255]) for n in ("red", "green", "blue")}
    splats = load_splats(written(tmp_path, ply_bytes(columns)))
    np.testing.assert_allclose(splats.colours, np.array([[0, 0.2, 0.4, 1]] * 3).T, atol=1e-7)
    save_splats(tmp_path / "b.ply", splats, splats.colours[::-1], 1)
    np.testing.assert_array_equal(
        load_splats(tmp_path / "b.ply").document.content.tables["vertex"]["red"], [255, 102, 51, 0]
    )


def test_bytes_beside_coefficients_are_painted_too(tmp_path) -> None:
    columns = ply_columns(some_splats(4)) | {n: np.zeros(4, np.uint8) for n in ("red", "green", "blue")}
    splats = load_splats(written(tmp_path, ply_bytes(columns)))
    save_splats(tmp_path / "b.ply", splats, np.full((4, 3), 0.4, np.float32))
    vertex = load_splats(tmp_path / "b.ply").document.content.tables["vertex"]
    assert set(vertex["green"]) == {102}
    np.testing.assert_array_equal(vertex["f_dc_1"], np.float32(from_colours(np.float32(0.4))))


def test_text_is_read_and_becomes_binary(tmp_path) -> None:
    columns = ply_columns(some_splats(20))
    head = ply_bytes(columns).split(b"end_header\n")[0].replace(b"binary_little_endian", b"ascii")
    rows = np.stack(list(columns.values()), axis=1)
    text = "\n".join(" ".join(repr(float(v)) for v in row) for row in rows)
    splats = load_splats(written(tmp_path, head + b"end_header\n" + text.encode()))
    save_splats(tmp_path / "b.ply", splats, splats.colours, 1)
    assert (tmp_path / "b.ply").read_bytes() == ply_bytes(columns)


def without(name: str) -> bytes:
    return ply_bytes({n: c for n, c in ply_columns(some_splats(5)).items() if n != name})


GOOD = ply_bytes(ply_columns(some_splats(5)))
BAD = {
    "no opacity": (without("opacity"), "has no opacity"),
    "no rotation": (without("rot_2"), "has no rot_2"),
    "no y": (without("y"), "has no y"),
    "a gap in f_rest": (without("f_rest_3"), "23 f_rest properties"),
    "truncated": (GOOD[:-1], "truncated: its header declares 5 vertex entries"),
    "cut header": (GOOD[:100], "header is broken or truncated"),
    "absurd count": (GOOD.replace(b"vertex 5", b"vertex 99999999999999999"), "truncated"),
    "negative count": (GOOD.replace(b"vertex 5", b"vertex -5"), "header has a line"),
    "unknown type": (GOOD.replace(b"float x", b"quad x"), "header has a line"),
    "twice the same": (GOOD.replace(b"float y", b"float x"), "header has a line"),
    "unknown format": (GOOD.replace(b"binary_little", b"binary_middle"), "not a PLY"),
    "no splats": (ply_bytes({n: c[:0] for n, c in ply_columns(some_splats(1)).items()}), "no splats"),
    "integers": (
        ply_bytes({n: c.astype(np.int32) if n == "x" else c for n, c in ply_columns(some_splats(2)).items()}),
        "x are integers",
    ),
    "all broken": (ply_bytes(ply_columns(some_splats(2)) | {"x": np.float32([np.nan, np.inf])}), "none of its 2"),
    "short text": (GOOD.replace(b"binary_little_endian", b"ascii").split(b"end_")[0] + b"end_header\n1 2", "truncated"),
    "no PLY": (b"solid cube", "not a PLY"),
}  # fmt: skip


@pytest.mark.parametrize(("data", "message"), BAD.values(), ids=BAD)
def test_bad_files_give_one_clear_line(data, message, tmp_path) -> None:
    path = written(tmp_path, data)
    with pytest.raises(InputError, match=message) as caught:
        load_splats(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["opacity", "scale_0", "rot_0", "f_dc_0"])
def test_a_splat_file_without_one_property_is_no_point_cloud(name, tmp_path) -> None:
    assert is_splats(written(tmp_path, without(name)))


@pytest.mark.parametrize(
    ("comment", "up"),
    [("Vertical Axis: z", (0, 0, 1)), ("vertical axis: Y", (0, 1, 0)), ("up x", (1, 0, 0)),
     ("up is z", (0, -1, 0)), ("Vertical Axis: zenith", (0, -1, 0))],
)  # fmt: skip
def test_the_axis_that_a_comment_names_is_up(comment, up, tmp_path) -> None:
    data = ply_bytes(ply_columns(some_splats())).replace(b"made by hand", comment.encode())
    splats = load_splats(written(tmp_path, data))
    np.testing.assert_array_equal(splats.up, up)
    save_splats(tmp_path / "b.spz", splats, splats.colours)
    again = replace(load_splats(tmp_path / "b.spz"), up=splats.up)
    save_splats(tmp_path / "c.ply", again, again.colours)  # a new file says so, too
    np.testing.assert_array_equal(load_splats(tmp_path / "c.ply").up, up)
