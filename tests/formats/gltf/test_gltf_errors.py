from __future__ import annotations

import json
import random
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gltf_samples import QUAD, Sample, noise, texture_paint

from nst3d.errors import InputError
from nst3d.formats.gltf.read import load_gltf
from nst3d.formats.gltf.write import save_gltf


def textured() -> Sample:
    sample = Sample()
    sample.add("materials", pbrMetallicRoughness={"baseColorTexture": {"index": sample.texture(noise(2, 2))}})
    sample.show(sample.quad(material=0))
    return sample


def fault(path: Path) -> str:
    """The one line that loading says."""
    with pytest.raises(InputError) as caught:
        load_gltf(path)
    text = str(caught.value)
    assert str(path) in text
    assert "\n" not in text
    assert len(text) < 300 + len(str(path))
    return text


def test_missing_file_and_folder(tmp_path: Path) -> None:
    assert "no such file" in fault(tmp_path / "nothing.glb")
    assert "cannot be read" in fault(tmp_path)


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"", "not a glTF file"),
        (b"solid cube", "not a glTF file"),
        (b"[" * 100000, "not a glTF file"),
        (b'{"a": NaN}', "not a glTF file"),
        (b"\xff\xfe{}", "not a glTF file"),
        (b"[1, 2]", "no 'asset'"),
        (b'{"meshes": []}', "no 'asset'"),
        (b'{"asset": {"version": "1.0"}}', "expected 2.0"),
        (b'{"asset": {"version": "2.0"}}', "no triangles"),
        (b"glTF", "too few"),
        (struct.pack("<4sII", b"glTF", 1, 20) + bytes(8), "version 1"),
        (struct.pack("<4sII", b"glTF", 2, 20) + bytes(8), "without a JSON chunk"),
    ],
)
def test_not_gltf(tmp_path: Path, data: bytes, text: str) -> None:
    path = tmp_path / "x.glb"
    path.write_bytes(data)
    assert text in fault(path)


def test_every_truncation_is_noticed(tmp_path: Path) -> None:
    whole, path = textured().glb(), tmp_path / "x.glb"
    for length in range(4, len(whole), 7):
        path.write_bytes(whole[:length])
        assert "download or export it again" in fault(path)


def test_lengths_that_the_file_does_not_have(tmp_path: Path) -> None:
    whole, path = textured().glb(), tmp_path / "x.glb"
    header = bytearray(whole)
    header[8:12] = struct.pack("<I", 2**32 - 1)
    path.write_bytes(header)
    assert "header claims 4294967295" in fault(path)
    chunk = bytearray(whole)
    chunk[12:16] = struct.pack("<I", 2**31)
    path.write_bytes(chunk)
    assert "chunk claims 2147483648" in fault(path)


def put(*keys: Any) -> Callable[[dict[str, Any]], None]:
    """A change: sets the value that comes last at the path of keys before it."""

    def change(content: dict[str, Any]) -> None:
        holder: Any = content
        for key in keys[:-2]:
            holder = holder[key]
        holder[keys[-2]] = keys[-1]

    return change


PRIMITIVE = ("meshes", 0, "primitives", 0)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (put("bufferViews", 1, "byteLength", 10**9), "bufferViews[1] ends at byte"),
        (put("bufferViews", 1, "byteOffset", 10**9), "bufferViews[1] ends at byte"),
        (put("bufferViews", 1, "byteLength", -4), "not a count"),
        (put("bufferViews", 1, "buffer", 3), "buffers[3]"),
        (put("bufferViews", 1, "byteStride", 4), "more than its buffer view"),
        (put("accessors", 0, "count", 10**12), "claims 1000000000000 rows"),
        (put("accessors", 0, "count", 10**400), "not a count"),
        (put("accessors", 0, "count", "many"), "not a count"),
        (put("accessors", 0, "byteOffset", 4), "more than its buffer view"),
        (put("accessors", 0, "bufferView", 99), "bufferViews[99]"),
        (put("accessors", 0, "componentType", 1), "not allowed for geometry"),
        (put("accessors", 0, "type", "VEC2"), "expected 3"),
        (put("accessors", 1, "count", 3), "3 rows of TEXCOORD_0 for 4 vertices"),
        (put("accessors", 2, "componentType", 5122), "not unsigned"),
        (put("accessors", 0, {"count": 10**8, "componentType": 5126, "type": "VEC3"}), "without any data"),
        (put(*PRIMITIVE, "attributes", "POSITION", -1), "accessors[-1]"),
        (put(*PRIMITIVE, "material", 7), "materials[7]"),
        (put(*PRIMITIVE, "attributes", []), "malformed"),
        (put("meshes", 0, "primitives", None), "malformed"),
        (put("meshes", [3]), "not a list of objects"),
        (put("nodes", 0, "children", [0]), "loop"),
        (put("nodes", 0, "mesh", 5), "meshes[5]"),
        (put("nodes", 0, "matrix", [1, 2]), "16 finite numbers"),
        (put("nodes", 0, "scale", [1e38, 1, 1]), "a transform beyond"),
        (put("scenes", 0, "nodes", [0, 0]), "twice"),
        (put("scene", 9), "scenes[9]"),
        (put("textures", 0, {"extensions": {"MSFT_texture_dds": {"source": 0}}}), "PNG or JPEG"),
        (put("textures", 0, {"source": 4}), "images[4]"),
        (put(*PRIMITIVE, "mode", 0), "no triangles"),
    ],
)
def test_claims_that_do_not_hold(tmp_path: Path, change: Any, text: str) -> None:
    sample = textured()
    # The image is view 0; accessors 0, 1, 2 and views 1, 2, 3 are positions, UVs and indices.
    change(sample.json)
    assert text in fault(sample.save(tmp_path / "x.glb"))


def test_two_parents_and_far_indices(tmp_path: Path) -> None:
    sample = textured()
    sample.json["nodes"] = [{"children": [2]}, {"children": [2]}, {"mesh": 0}]
    assert "two parents" in fault(sample.save(tmp_path / "x.glb"))
    sample = Sample()
    primitive = sample.quad()
    primitive["indices"] = sample.accessor([0, 1, 4], "uint16")
    sample.show(primitive)
    assert "vertex 4, but its part has 4" in fault(sample.save(tmp_path / "x.glb"))
    sample = Sample()
    bad = {"count": 1, "indices": {"bufferView": 0, "componentType": 5121}, "values": {"bufferView": 1}}
    sample.view(b"\x09")
    sample.view(bytes(12))
    primitive = sample.quad()
    sample.json["accessors"][0]["sparse"] = bad
    sample.show(primitive)
    assert "beyond its 4 rows" in fault(sample.save(tmp_path / "x.glb"))


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_vertices_that_are_no_numbers(tmp_path: Path, value: float) -> None:
    sample = Sample()
    vertices = QUAD.copy()
    vertices[2, 1] = value
    sample.show({"attributes": {"POSITION": sample.accessor(vertices)}})
    assert "NaN or infinite" in fault(sample.save(tmp_path / "x.glb"))


def test_a_joint_that_the_skin_does_not_have(tmp_path: Path) -> None:
    sample = Sample()
    primitive = sample.quad()
    primitive["attributes"] |= {
        "JOINTS_0": sample.accessor([[7, 0, 0, 0]] * 4, "uint8"),
        "WEIGHTS_0": sample.accessor([[1, 0, 0, 0]] * 4),
    }
    sample.add("skins", joints=[0])
    sample.show(primitive, skin=0)
    assert "joint 7" in fault(sample.save(tmp_path / "x.glb"))


def test_missing_buffer_file(tmp_path: Path) -> None:
    sample = textured()
    for uri in ("gone.bin", "http://example.com/a.bin", "data:nothing", "x" * 5000, "a\0b"):
        sample.json["buffers"] = [{"byteLength": len(sample.binary), "uri": uri}]
        (tmp_path / "x.gltf").write_text(json.dumps(sample.json))
        assert "put the file beside it" in fault(tmp_path / "x.gltf")
    (tmp_path / "gone.bin").write_bytes(b"short")
    sample.json["buffers"] = [{"byteLength": len(sample.binary), "uri": "gone.bin"}]
    (tmp_path / "x.gltf").write_text(json.dumps(sample.json))
    assert "'gone.bin' has 5" in fault(tmp_path / "x.gltf")


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("ugly/assimp_gltf/BoxWithInfinites-glTF-Binary/BoxWithInfinites.glb", "NaN or infinite"),
        ("ugly/assimp_gltf/IndexOutOfRange/IndexOutOfRange.gltf", "vertex 255"),
        ("ugly/assimp_gltf/MissingBin/BoxTextured.gltf", "BoxTextured0.bin"),
    ],
)
def test_real_broken_files(data_dir: Path, path: str, text: str) -> None:
    assert text in fault(data_dir / "meshes" / path)


def _spots(node: Any, trail: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    return [spot for key, value in items for spot in [(*trail, key), *_spots(value, (*trail, key))]]


def test_random_damage_to_the_json_is_an_input_error_or_harmless(tmp_path: Path) -> None:
    chance = random.Random(0)
    values = [None, -1, 0, 3, 2**63, 1.5, "x", [], {}, [1], [{}], True, 1e308, 5123]
    outcomes = {"loaded": 0, "refused": 0}
    for _ in range(300):
        sample = textured()
        spot = chance.choice(_spots(sample.json))
        put(*spot, chance.choice(values))(sample.json)
        try:
            mesh = load_gltf(sample.save(tmp_path / "x.glb"))
        except InputError:
            outcomes["refused"] += 1
        else:
            outcomes["loaded"] += 1
            save_gltf(tmp_path / "y.glb", mesh, *texture_paint(mesh, fresh=chance.random() < 0.5))
    assert min(outcomes.values()) > 10
