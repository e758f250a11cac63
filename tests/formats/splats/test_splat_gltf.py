"""Splats in glTF: read, told from meshes, and written back with nothing but other colours."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from gltf_splat_samples import NAME, attributes_of, document_of, write_glb
from splat_samples import differences, other_colours, same_geometry, some_splats

from nst3d.errors import ConfigError, InputError
from nst3d.formats.gltf.accessors import read_rows
from nst3d.formats.gltf.container import read_document
from nst3d.formats.splats.registry import is_splats, load_splats, save_splats, suffix_of
from nst3d.pipeline.kinds.registry import open_path

SPLATS = some_splats(40)


@pytest.mark.parametrize("degree", [0, 1, 3])
def test_what_was_written_is_read(tmp_path: Path, degree: int) -> None:
    splats = some_splats(40, degree)
    path = write_glb(tmp_path / "a.glb", *document_of([attributes_of(splats)]))
    assert open_path(path).kind.name == "splats"
    again = load_splats(path)
    assert (again.degree, suffix_of(again), again.notes) == (degree, ".glb", ())
    np.testing.assert_array_equal(again.up, [0, 1, 0])
    assert max(differences(splats, again).values()) < 1e-6


def test_several_clouds_are_one_scene(tmp_path: Path) -> None:
    other = some_splats(7, degree=1, seed=3)
    path = write_glb(tmp_path / "a.glb", *document_of([attributes_of(SPLATS), attributes_of(other)]))
    again = load_splats(path)
    assert (len(again), again.degree) == (47, 2)
    np.testing.assert_array_equal(again.positions[40:], other.positions)
    assert not again.harmonics[40:, 4:].any()
    colours = other_colours(again)
    save_splats(tmp_path / "b.glb", again, colours, 1)
    np.testing.assert_allclose(load_splats(tmp_path / "b.glb").colours, colours, atol=1e-6)


@pytest.mark.parametrize("linear", [False, True])
def test_painting_changes_colours_alone(tmp_path: Path, linear: bool) -> None:
    path = write_glb(tmp_path / "a.glb", *document_of([attributes_of(SPLATS, linear)]))
    splats, colours = load_splats(path), other_colours(SPLATS)
    save_splats(tmp_path / "b.glb", splats, colours, 0.5)
    again = load_splats(tmp_path / "b.glb")
    assert same_geometry(splats, again)
    np.testing.assert_allclose(again.colours, colours, atol=1e-6)
    np.testing.assert_allclose(again.harmonics[:, 1:], splats.harmonics[:, 1:] / 2, atol=1e-7)
    before, after = read_document(path), read_document(tmp_path / "b.glb")
    assert after.json["meshes"] == before.json["meshes"]
    fallback = read_rows(after, after.json["meshes"][0]["primitives"][0]["attributes"]["COLOR_0"])
    expected = colours**2.2 if linear else colours
    np.testing.assert_allclose(fallback[:, :3] / 255, expected, atol=0.02)
    np.testing.assert_array_equal(fallback[:, 3], np.rint(splats.opacities * 255))


def test_unpainted_values_keep_their_bits(tmp_path: Path) -> None:
    path = write_glb(tmp_path / "a.glb", *document_of([attributes_of(SPLATS)]))
    splats = load_splats(path)
    save_splats(tmp_path / "b.glb", splats, splats.colours, 1)
    before, after = read_document(path), read_document(tmp_path / "b.glb")
    for index in range(len(before.items("accessors"))):
        np.testing.assert_array_equal(read_rows(before, index), read_rows(after, index))


def test_a_turned_node_gives_up(tmp_path: Path) -> None:
    turn = [-(0.5**0.5), 0, 0, 0.5**0.5]  # z up to y up
    path = write_glb(tmp_path / "a.glb", *document_of([attributes_of(SPLATS)], rotation=turn))
    splats = load_splats(path)
    np.testing.assert_allclose(splats.up, [0, 0, 1], atol=1e-6)
    assert "coordinates of their mesh" in splats.notes[0]


def test_triangles_are_a_mesh(tmp_path: Path) -> None:
    content, binary = document_of([attributes_of(SPLATS)])
    content["meshes"][0]["primitives"].append({"attributes": {"POSITION": 0}, "mode": 4})
    path = write_glb(tmp_path / "a.glb", content, binary)
    assert not is_splats(path)
    assert open_path(path).kind.name == "mesh"


def test_other_splats_are_not_written_so(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"\.glb can only be written from \.glb"):
        save_splats(tmp_path / "a.glb", SPLATS, SPLATS.colours)


def packed(primitive, content) -> None:
    primitive["extensions"][NAME]["extensions"] = {f"{NAME}_compression_spz_2": {"bufferView": 0}}


def linear(primitive, content) -> None:
    primitive["extensions"][NAME]["colorSpace"] = "lin_rec709_display"


def lacking(primitive, content) -> None:
    del primitive["attributes"][f"{NAME}:SCALE"]


def shorter(primitive, content) -> None:
    content["accessors"][2]["count"] = 3


def twice(primitive, content) -> None:
    content["nodes"].append({"mesh": 0, "translation": [1, 0, 0]})
    content["scenes"][0]["nodes"] = [0, 1]


def malformed(primitive, content) -> None:
    content["nodes"][0]["mesh"] = "a"


FAULTS = {
    packed: r"splats are compressed \(.*spz_2\); convert it to \.ply",
    linear: "linear colours; export them with srgb_rec709_display",
    lacking: "its splats lack .*SCALE",
    shorter: "differ in length",
    twice: "splats at several places; merge them",
    malformed: "refers to meshes",
}


@pytest.mark.parametrize(("change", "message"), FAULTS.items(), ids=[f.__name__ for f in FAULTS])
def test_what_cannot_be_read_says_what_to_do(tmp_path: Path, change, message: str) -> None:
    content, binary = document_of([attributes_of(SPLATS)])
    change(content["meshes"][0]["primitives"][0], content)
    with pytest.raises(InputError, match=message):
        load_splats(write_glb(tmp_path / "a.glb", content, binary))
