"""Points in glTF are painted as a point cloud, and their document is kept; lines are kept."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from gltf_samples import Sample

from nst3d.errors import InputError
from nst3d.formats.gltf.accessors import read_rows
from nst3d.formats.gltf.container import read_document
from nst3d.formats.gltf.read import load_gltf
from nst3d.formats.point_clouds import is_cloud, load_cloud
from nst3d.formats.splats.gltf_points import is_gltf_points
from nst3d.formats.splats.registry import load_splats, save_splats
from nst3d.images.colour import srgb_encode
from nst3d.pipeline.kinds.registry import open_path

PLACES = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 1]], np.float32)
LINEAR = np.array([[0, 51, 102, 255], [255, 0, 0, 51], [0, 255, 0, 255], [9, 9, 9, 255], [90, 80, 70, 255]])


def cloud(kind: str = "uint8", **fields) -> Sample:
    """Five points of which the fourth is not shown, in twice their size, with a line between them."""
    sample = Sample()
    pbr = {"baseColorFactor": [1, 0.5, 1, 0.75]}
    sample.add("materials", name="dots", pbrMetallicRoughness=pbr, extras={"keep": 1})
    full = {"normalized": True} if kind == "uint8" else {}
    colours = sample.accessor(LINEAR if kind == "uint8" else LINEAR / 255, kind, **full)
    points = {
        "attributes": {"POSITION": sample.accessor(PLACES), "COLOR_0": colours},
        "mode": 0,
        "material": 0,
    }
    points["indices"] = sample.accessor([0, 1, 2, 4], "uint16")
    line = {"attributes": {"POSITION": points["attributes"]["POSITION"]}, "mode": 1}
    sample.show(points, line, scale=[2, 2, 2], **fields)
    return sample


def test_points_are_read_in_place_with_their_colours(tmp_path) -> None:
    path = cloud().save(tmp_path / "a.glb")
    assert open_path(path).kind.name == "points"
    splats = load_splats(path)
    np.testing.assert_array_equal(splats.positions, PLACES[[0, 1, 2, 4]] * 2)
    assert splats.up.tolist() == [0, 1, 0]
    assert splats.notes == ("lines are not painted, but kept",)
    expected = srgb_encode(LINEAR[[0, 1, 2, 4], :3] / 255 * [1, 0.5, 1])
    np.testing.assert_allclose(splats.colours, expected, atol=1e-5)
    np.testing.assert_allclose(load_cloud(path).colours, expected, atol=1e-5)


@pytest.mark.parametrize("kind", ["uint8", "float32"])
def test_only_the_colours_of_painted_points_change(tmp_path, kind) -> None:
    splats = load_splats(cloud(kind).save(tmp_path / "a.glb"))
    colours = splats.colours.copy()
    colours[[0, 3]] = [[0.25, 0.5, 2.0], [0.1, 0.2, 0.3]]
    assert save_splats(tmp_path / "b.glb", splats, colours) == [tmp_path / "b.glb"]
    before, after = read_document(tmp_path / "a.glb"), read_document(tmp_path / "b.glb")
    loose = {"buffers", "bufferViews", "materials", *(("accessors",) if kind == "uint8" else ())}
    assert {k: v for k, v in before.json.items() if k not in loose} == {
        k: v for k, v in after.json.items() if k not in loose
    }
    (material,) = after.json["materials"]
    assert material == {
        "name": "dots",
        "pbrMetallicRoughness": {"baseColorFactor": [1, 1, 1, 0.75]},
        "extras": {"keep": 1},
    }
    again = load_splats(tmp_path / "b.glb")
    np.testing.assert_allclose(again.colours[[0, 3]], np.clip(colours[[0, 3]], 0, 1), atol=2e-3)
    np.testing.assert_allclose(again.colours[1:3], splats.colours[1:3], atol=1e-4)
    rows = read_rows(after, after.json["meshes"][0]["primitives"][0]["attributes"]["COLOR_0"])
    full = 1 if kind == "float32" else 65535
    np.testing.assert_allclose(rows[:, 3] / full, LINEAR[:, 3] / 255, atol=1e-7)
    np.testing.assert_allclose(rows[3, :3] / full, np.array([9, 4.5, 9]) / 255, atol=1e-5)  # not shown


def test_points_without_colours_get_some_and_repeated_ones_the_mean(tmp_path) -> None:
    sample = Sample()
    sample.show({"attributes": {"POSITION": sample.accessor(PLACES)}, "mode": 0})
    again = sample.add("nodes", mesh=0, translation=[5, 0, 0])
    sample.json["scenes"][0]["nodes"].append(again)
    splats = load_splats(sample.save(tmp_path / "a.glb"))
    assert len(splats.positions) == 10
    assert any("no colours" in note for note in splats.notes)
    save_splats(tmp_path / "b.glb", splats, np.repeat([[0.2] * 3, [0.6] * 3], 5, axis=0).astype(np.float32))
    np.testing.assert_allclose(load_splats(tmp_path / "b.glb").colours, 0.4, atol=1e-3)
    assert "materials" not in read_document(tmp_path / "b.glb").json


def test_triangles_and_splats_are_no_point_clouds(tmp_path) -> None:
    both = cloud()
    both.show(both.quad())
    path = both.save(tmp_path / "both.glb")
    assert not is_cloud(path)
    assert load_gltf(path).notes == (
        "2 primitives are not painted, but kept: points, lines, or without triangles",
    )
    splats = cloud()
    splats.json["meshes"][0]["primitives"][0]["extensions"] = {"KHR_gaussian_splatting": {}}
    assert not is_gltf_points(splats.save(tmp_path / "splats.glb"))
    (tmp_path / "broken.glb").write_bytes(b"glTF" + bytes(40))
    assert not is_gltf_points(tmp_path / "broken.glb")


@pytest.mark.parametrize("change", [{"count": 4}, {"bufferView": 99}, {"componentType": 5130}])
def test_a_broken_cloud_is_told_in_one_line(tmp_path: Path, change) -> None:
    sample = cloud()
    sample.json["accessors"][0] |= change
    with pytest.raises(InputError) as error:
        load_splats(sample.save(tmp_path / "a.glb"))
    assert "\n" not in str(error.value)
