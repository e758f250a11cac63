"""Vertex paint of a glTF goes into COLOR_0 of its own document."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from gltf_samples import QUAD, Sample, noise

from nst3d.formats.gltf.accessors import read_rows
from nst3d.formats.gltf.notes import painting_notes
from nst3d.formats.gltf.read import load_gltf
from nst3d.formats.gltf.write import save_gltf
from nst3d.images.levels import from_bytes
from nst3d.representations.subdivide import paint_vertices

TABLE = np.float32([[0, 0.5, 1], [0.25, 0.003, 0.999], [1, 1, 1], [0.1, 0.2, 0.3]])


def painted(sample: Sample, folder: Path, table=TABLE, **fields):
    """A sample's document before and after vertex paint, and the painted mesh."""
    mesh = load_gltf(sample.save(folder / "in.glb"))
    paint = paint_vertices(mesh, np.inf, 0)
    save_gltf(folder / "out.glb", mesh, paint.__class__(**{**vars(paint), **fields}), table)
    again = load_gltf(folder / "out.glb")
    return mesh.document.json, again.document.json, again


def same(before, after, *kinds: str) -> None:
    loose = {"buffers", "bufferViews", *kinds}
    assert {k: v for k, v in before.items() if k not in loose} == {
        k: v for k, v in after.items() if k not in loose
    }


@pytest.mark.parametrize("kind", ["float32", "uint8"])
def test_only_vertex_colours_change(tmp_path, kind) -> None:
    """Camera, extras, licence, other attributes and the alpha of the colours stay."""
    sample, full = Sample(), 1 if kind == "float32" else 255
    sample.json["asset"] |= {"copyright": "me", "extras": {"licence": "CC0"}}
    sample.add("materials", name="m", pbrMetallicRoughness={"metallicFactor": 1, "roughnessFactor": 0.5})
    quad = sample.quad(material=0)
    scale = {} if kind == "float32" else {"normalized": True}
    colours = np.array([[0, 1, 1, 1], [1, 0, 1, 1], [1, 1, 0, 1], [1, 1, 1, 0]]) * full
    quad["attributes"] |= {
        "COLOR_0": sample.accessor(colours, kind, **scale),
        "TANGENT": sample.accessor([[1, 0, 0, 1]] * 4),
    }
    sample.show(quad, extras={"id": 7})
    sample.add("nodes", camera=sample.add("cameras", type="perspective", perspective={"yfov": 1, "znear": 1}))
    before, after, mesh = painted(sample, tmp_path)
    same(before, after, *(() if kind == "float32" else ("accessors",)))
    assert np.abs(mesh.parts[0].colours - TABLE).max() < 2e-4
    rows = read_rows(mesh.document, after["meshes"][0]["primitives"][0]["attributes"]["COLOR_0"])
    assert rows[:, 3].tolist() == (np.array([1, 1, 1, 0]) * (1 if kind == "float32" else 65535)).tolist()


def test_the_former_texture_goes_and_factors_are_white(tmp_path) -> None:
    sample = Sample()
    normal = sample.texture(noise(2, 2, 1))
    base = sample.texture(noise(64, 64))
    pbr = {"baseColorTexture": {"index": base}, "baseColorFactor": [0.5, 0, 0, 0.75]}
    sample.add("materials", pbrMetallicRoughness=pbr, normalTexture={"index": normal})
    sample.show(sample.quad(material=0))
    _, after, mesh = painted(sample, tmp_path)
    (material,) = after["materials"]
    assert material == {
        "pbrMetallicRoughness": {"baseColorFactor": [1, 1, 1, 0.75]},
        "normalTexture": {"index": normal},
    }
    assert (len(after["textures"]), len(after["images"])) == (1, 1)
    assert (tmp_path / "out.glb").stat().st_size < 3000  # the picture had 12,000
    assert np.abs(mesh.parts[0].colours - TABLE).max() < 2e-4


def test_cut_outs_keep_their_shape(tmp_path) -> None:
    sample, pixels = Sample(), noise(4, 4, channels=4)
    pbr = {"baseColorTexture": {"index": sample.texture(pixels, name="leaf")}}
    sample.add("materials", alphaMode="MASK", pbrMetallicRoughness=pbr)
    sample.show(sample.quad(material=0))
    before, after, mesh = painted(sample, tmp_path)
    assert after["materials"] == before["materials"]
    (texture,) = mesh.textures
    assert (from_bytes(texture.pixels) == 1).all()
    assert (np.rint(from_bytes(texture.alpha) * 255) == pixels[..., 3]).all()


def test_parts_outside_a_region_and_other_users_of_a_material_stay(tmp_path) -> None:
    sample = Sample()
    for name in ("in", "out"):
        pbr = {"baseColorTexture": {"index": sample.texture(noise(2, 2))}}
        sample.add("materials", name=name, pbrMetallicRoughness=pbr)
    sample.show(sample.quad(material=0), sample.quad(material=1))
    sample.add("meshes", primitives=[sample.quad(material=0)])
    before, after, _ = painted(sample, tmp_path, np.tile(TABLE, (2, 1)), kept_materials=frozenset({1}))
    assert after["materials"][:2] == before["materials"]
    first, second = after["meshes"][0]["primitives"]
    assert (first["material"], "COLOR_0" in first["attributes"]) == (2, True)
    assert second == before["meshes"][0]["primitives"][1]
    assert after["meshes"][1] == before["meshes"][1]


def test_a_material_that_glows_shows_vertex_colours(tmp_path) -> None:
    sample = Sample()
    pbr = {"baseColorFactor": [0, 0, 0, 1]}
    glow = {"emissiveTexture": {"index": sample.texture(noise(2, 2))}, "emissiveFactor": [1, 1, 1]}
    sample.add("materials", pbrMetallicRoughness=pbr, **glow)
    sample.show(sample.quad(material=0))
    _, after, _ = painted(sample, tmp_path)
    assert after["materials"] == [{"pbrMetallicRoughness": {"baseColorFactor": [1, 1, 1, 1]}}]


def test_primitives_that_share_their_colours_are_painted_apart(tmp_path) -> None:
    sample = Sample()
    first = sample.quad()
    first["attributes"]["COLOR_0"] = sample.accessor([[1, 0, 0]] * 4)
    second = {**first, "attributes": dict(first["attributes"])}
    sample.show(first, second)
    _, _, mesh = painted(sample, tmp_path, np.concatenate([TABLE, 1 - TABLE]))
    assert np.abs(mesh.parts[0].colours - TABLE).max() < 1e-5
    assert np.abs(mesh.parts[1].colours - (1 - TABLE)).max() < 1e-5


def test_a_skinned_morphing_file_keeps_both(tmp_path) -> None:
    sample = Sample()
    quad = sample.quad(targets=[{"POSITION": sample.accessor(QUAD * 0.5)}])
    quad["attributes"] |= {
        "JOINTS_0": sample.accessor(np.zeros((4, 4)), "uint8"),
        "WEIGHTS_0": sample.accessor([[1, 0, 0, 0]] * 4),
    }
    sample.add("skins", joints=[sample.add("nodes", name="hip", translation=[0, 1, 0])])
    sample.show(quad, skin=0)
    before, after, mesh = painted(sample, tmp_path)
    assert json.dumps(after["skins"]) == json.dumps(before["skins"])
    attributes = after["meshes"][0]["primitives"][0]["attributes"]
    assert {**attributes, "COLOR_0": None} == {
        **before["meshes"][0]["primitives"][0]["attributes"],
        "COLOR_0": None,
    }
    assert painting_notes(mesh, paint_vertices(mesh, np.inf, 0)) == ()
