from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pygltflib
import pytest
import trimesh
from gltf_samples import QUAD, QUAD_UVS, Sample, cells, corners, encoded, noise, texture_paint
from PIL import Image

from nst3d.errors import OutputError
from nst3d.formats.gltf.accessors import read_rows
from nst3d.formats.gltf.document import GltfDocument
from nst3d.formats.gltf.notes import painting_notes
from nst3d.formats.gltf.read import load_gltf
from nst3d.formats.gltf.write import save_gltf
from nst3d.images.levels import from_bytes
from nst3d.representations.mesh import Instance, Material, Mesh, Part, Texture, unit_frame
from nst3d.representations.paint import TexturePaint, TextureSlot, VertexPaint
from nst3d.representations.subdivide import paint_vertices
from nst3d.representations.unwrap import TexelBudget, paint_textures
from nst3d.tensors import Array, ImageSize


def view_bytes(gltf: pygltflib.GLTF2, index: int) -> bytes:
    view = gltf.bufferViews[index]
    return gltf.binary_blob()[view.byteOffset : view.byteOffset + view.byteLength]


def image_pixels(gltf: pygltflib.GLTF2, index: int) -> Array:
    return np.asarray(Image.open(io.BytesIO(view_bytes(gltf, gltf.images[index].bufferView))))


def rich() -> Sample:
    """A skinned, animated, morphing, textured quad with all that painting must leave alone."""
    sample = Sample()
    rough = sample.texture(noise(2, 2, 1), name="rough")
    base = sample.texture(noise(4, 4, 2), name="base", sampler=sample.add("samplers", magFilter=9728))
    normal = sample.texture(noise(2, 2, 3))
    transform = {"KHR_texture_transform": {"scale": [0.5, 0.5]}}
    sample.add(
        "materials",
        name="cloth",
        alphaMode="BLEND",
        pbrMetallicRoughness={
            "baseColorTexture": {"index": base, "extensions": transform},
            "baseColorFactor": [0.5, 0.25, 1, 0.75],
            "metallicRoughnessTexture": {"index": rough},
        },
        normalTexture={"index": normal, "scale": 0.5},
        extras={"keep": ["me", {"x": 1.5}]},
        extensions={"VENDOR_unknown": {"glow": {"index": normal}, "bufferView": sample.view(b"secret!!")}},
    )
    targets = [{"POSITION": sample.accessor(QUAD * 0.5), "NORMAL": sample.accessor(QUAD)}]
    primitive = sample.quad(material=0, targets=targets, extras={"id": 7})
    primitive["attributes"] |= {
        "NORMAL": sample.accessor([[0, 0, 1]] * 4),
        "TANGENT": sample.accessor([[1, 0, 0, 1]] * 4),
        "COLOR_0": sample.accessor([[255, 128, 0, 255]] * 4, "uint8", normalized=True),
        "JOINTS_0": sample.accessor(np.arange(16).reshape(4, 4) % 2, "uint8"),
        "WEIGHTS_0": sample.accessor([[1, 0, 0, 0]] * 4),
        "_CUSTOM": sample.accessor([1, 2, 3, 4], "float32"),
    }
    joints = [sample.add("nodes", name="hip"), sample.add("nodes", name="knee")]
    inverse = sample.accessor(np.tile(np.eye(4).ravel(), (2, 1)))
    sample.add("skins", joints=joints, inverseBindMatrices=inverse)
    track = {"input": sample.accessor([0, 1]), "output": sample.accessor(QUAD[:2])}
    channels = [{"sampler": 0, "target": {"node": 0, "path": "translation"}}]
    sample.add("animations", name="walk", samplers=[track], channels=channels)
    sample.show(primitive, skin=0, name="körper", extras={"a": None})
    sample.json["extensionsUsed"] = ["VENDOR_unknown", "KHR_texture_transform"]
    sample.json["extras"] = {"note": "ünicode"}
    return sample


def same_but_for(before: dict[str, Any], after: dict[str, Any], *kinds: str) -> None:
    """Asserts that two documents' JSON is equal outside the kinds given and the layout of the buffer."""
    loose = {"buffers", "bufferViews", *kinds}
    assert {k: v for k, v in before.items() if k not in loose} == {
        k: v for k, v in after.items() if k not in loose
    }


def parsed(path: Path) -> dict[str, Any]:
    return load_gltf(path).document.json


def test_own_uvs_change_the_base_colour_and_nothing_else(tmp_path: Path) -> None:
    source = rich().save(tmp_path / "in.glb")
    mesh = load_gltf(source)
    paint, table = texture_paint(mesh)
    table = 1 - table
    assert save_gltf(tmp_path / "out.glb", mesh, paint, table) == [tmp_path / "out.glb"]
    before, after = parsed(source), parsed(tmp_path / "out.glb")
    same_but_for(before, after, "images", "materials", "meshes")
    expected = json.loads(json.dumps(before["materials"]))
    expected[0]["pbrMetallicRoughness"]["baseColorFactor"] = [1.0, 1.0, 1.0, 0.75]
    assert after["materials"] == expected
    del before["meshes"][0]["primitives"][0]["attributes"]["COLOR_0"]
    assert after["meshes"] == before["meshes"]
    old, new = (pygltflib.GLTF2().load(str(tmp_path / name)) for name in ("in.glb", "out.glb"))
    painted = old.images[1].bufferView
    assert len(new.bufferViews) == len(old.bufferViews)
    for index in range(len(old.bufferViews)):
        assert (view_bytes(old, index) == view_bytes(new, index)) == (index != painted)
    assert (image_pixels(new, 1) == 255 - image_pixels(old, 1)).all()
    assert new.images[1].mimeType == "image/png"
    size = len(new.binary_blob()) - len(old.binary_blob())
    assert abs(size - new.bufferViews[painted].byteLength + old.bufferViews[painted].byteLength) < 16


def test_a_second_round_gives_the_same_file(tmp_path: Path) -> None:
    mesh = load_gltf(rich().save(tmp_path / "in.glb"))
    save_gltf(tmp_path / "a.glb", mesh, *texture_paint(mesh))
    again = load_gltf(tmp_path / "a.glb")
    save_gltf(tmp_path / "b.glb", again, *texture_paint(again))
    third = load_gltf(tmp_path / "b.glb")
    save_gltf(tmp_path / "c.glb", third, *texture_paint(third))
    assert (tmp_path / "b.glb").read_bytes() == (tmp_path / "c.glb").read_bytes()


def test_fresh_uvs_split_every_attribute_and_keep_the_rest(tmp_path: Path) -> None:
    source = rich().save(tmp_path / "in.glb")
    mesh = load_gltf(source)
    paint, table = texture_paint(mesh, fresh=True)
    save_gltf(tmp_path / "out.glb", mesh, paint, table)
    before, after = parsed(source), parsed(tmp_path / "out.glb")
    same_but_for(before, after, "images", "materials", "meshes", "accessors", "extensionsUsed")
    old, new = before["meshes"][0]["primitives"][0], after["meshes"][0]["primitives"][0]
    assert new["extras"] == {"id": 7}
    assert set(new["attributes"]) == set(old["attributes"]) - {"COLOR_0"} | {"TEXCOORD_1"}
    first, second = load_gltf(source), load_gltf(tmp_path / "out.glb")
    rows = read_rows(second.document, new["indices"])[:, 0]
    old_rows = np.array([0, 1, 2, 0, 2, 3])
    pairs = [(old["attributes"][k], v) for k, v in new["attributes"].items() if k != "TEXCOORD_1"]
    pairs += [(old["targets"][0][k], v) for k, v in new["targets"][0].items()]
    assert len(pairs) == 9
    for a, b in pairs:
        stored, found = read_rows(first.document, a), read_rows(second.document, b)
        assert stored.dtype == found.dtype
        assert (found[rows] == stored[old_rows]).all()
    assert np.allclose(second.parts[0].uvs, paint.uvs[0], atol=1e-7)
    info = after["materials"][0]["pbrMetallicRoughness"]["baseColorTexture"]
    assert info == {"texCoord": 1, "index": 1}
    assert after["extensionsUsed"] == ["VENDOR_unknown"]
    assert after["accessors"][new["attributes"]["POSITION"]]["max"] == [1, 1, 0]
    view = after["bufferViews"][after["accessors"][new["attributes"]["JOINTS_0"]]["bufferView"]]
    assert (view["byteLength"], view["target"]) == (24, 34962)
    gltf = pygltflib.GLTF2().load(str(tmp_path / "out.glb"))
    original = pygltflib.GLTF2().load(str(source))
    inverse = [g.accessors[g.skins[0].inverseBindMatrices].bufferView for g in (original, gltf)]
    tracks = [g.accessors[g.animations[0].samplers[0].output].bufferView for g in (original, gltf)]
    for a, b in (inverse, tracks):
        assert view_bytes(original, a) == view_bytes(gltf, b)
    scene = trimesh.load_scene(tmp_path / "out.glb")
    assert scene.bounds.tolist() == [[0, 0, 0], [1, 1, 0]]
    assert sum(len(g.faces) for g in scene.geometry.values()) == 2


def test_narrow_attributes_are_padded_to_words(tmp_path: Path) -> None:
    sample = Sample()
    primitive = sample.quad()
    rows = np.zeros((4, 4), np.uint8)
    rows[:, :3] = np.arange(12).reshape(4, 3)
    view = sample.view(rows.tobytes(), byteStride=4)
    layout = {"bufferView": view, "count": 4, "componentType": 5121, "type": "VEC3"}
    primitive["attributes"]["_ID"] = sample.add("accessors", **layout)
    sample.show(primitive)
    mesh = load_gltf(sample.save(tmp_path / "in.glb"))
    save_gltf(tmp_path / "out.glb", mesh, *texture_paint(mesh, fresh=True))
    document = load_gltf(tmp_path / "out.glb").document
    index = document.json["meshes"][0]["primitives"][0]["attributes"]["_ID"]
    assert document.json["bufferViews"][document.json["accessors"][index]["bufferView"]]["byteStride"] == 4
    assert sorted(map(tuple, read_rows(document, index).tolist())) == sorted(
        map(tuple, rows[[0, 1, 2, 0, 2, 3], :3].tolist())
    )


def test_primitives_that_share_their_vertices_are_split_apart(tmp_path: Path) -> None:
    sample = Sample()
    first = sample.quad()
    second = {**first, "indices": sample.accessor([0, 2, 3], "uint16")}
    sample.show(first, second)
    mesh = load_gltf(sample.save(tmp_path / "in.glb"))
    save_gltf(tmp_path / "out.glb", mesh, *texture_paint(mesh, fresh=True))
    again = load_gltf(tmp_path / "out.glb")
    for before, after in zip(mesh.parts, again.parts):
        assert (corners(before) == corners(after)).all()


def test_an_image_that_another_map_uses_stays(tmp_path: Path) -> None:
    sample, pixels = Sample(), noise(2, 2)
    texture = sample.texture(pixels, name="both")
    pbr = {"baseColorTexture": {"index": texture}}
    sample.add("materials", pbrMetallicRoughness=pbr, occlusionTexture={"index": texture})
    same_image = sample.add("textures", source=0)
    sample.add("materials", pbrMetallicRoughness={}, emissiveTexture={"index": same_image})
    sample.show(sample.quad(material=0))
    mesh = load_gltf(sample.save(tmp_path / "in.glb"))
    paint, table = texture_paint(mesh)
    save_gltf(tmp_path / "out.glb", mesh, paint, 1 - table)
    gltf = pygltflib.GLTF2().load(str(tmp_path / "out.glb"))
    material = gltf.materials[0]
    old, new = material.occlusionTexture.index, material.pbrMetallicRoughness.baseColorTexture.index
    assert (old, new) == (0, 2)
    assert (image_pixels(gltf, gltf.textures[old].source) == pixels).all()
    assert (image_pixels(gltf, gltf.textures[new].source) == 255 - pixels).all()
    assert gltf.textures[new].name == "both"


def test_textures_that_share_an_image_share_the_painted_one(tmp_path: Path) -> None:
    sample = Sample()
    image = sample.image(noise(2, 2), name="shared")
    for _ in range(2):
        index = sample.add("textures", source=image)
        sample.add("materials", pbrMetallicRoughness={"baseColorTexture": {"index": index}})
    sample.show(sample.quad(material=0), sample.quad(material=1))
    mesh = load_gltf(sample.save(tmp_path / "in.glb"))
    save_gltf(tmp_path / "out.glb", mesh, *texture_paint(mesh))
    content = parsed(tmp_path / "out.glb")
    assert [t["source"] for t in content["textures"]] == [0, 0]
    assert [i["name"] for i in content["images"]] == ["shared"]


def test_one_image_under_two_slots_becomes_two(tmp_path: Path) -> None:
    sample = Sample()
    texture = sample.texture(noise(2, 2))
    for factor in (1, 0.5):
        pbr = {"baseColorTexture": {"index": texture}, "baseColorFactor": [factor, 1, 1, 1]}
        sample.add("materials", pbrMetallicRoughness=pbr)
    sample.show(sample.quad(material=0), sample.quad(material=1))
    mesh = load_gltf(sample.save(tmp_path / "in.glb"))
    size, wrap = ImageSize(1, 1), ("repeat", "repeat")
    slots = tuple(TextureSlot(f"s{i}", size, i, wrap, (i,), 0) for i in range(2))
    uvs = tuple(part.uvs for part in mesh.parts)
    paint = TexturePaint(slots, (0, 1), uvs, (False, False))
    save_gltf(tmp_path / "out.glb", mesh, paint, np.float32([[1, 0, 0], [0, 0, 1]]))
    again = load_gltf(tmp_path / "out.glb")
    shown = [
        from_bytes(again.textures[again.materials[p.material].texture].pixels).ravel().tolist()
        for p in again.parts
    ]
    assert shown == [[1, 0, 0], [0, 0, 1]]
    assert len(again.document.json["images"]) == 2


def test_materials_without_texture_or_none_at_all_get_one(tmp_path: Path) -> None:
    sample = Sample()
    sample.add("materials", name="plain", pbrMetallicRoughness={"baseColorFactor": [0, 0, 1, 1]})
    sample.show(sample.quad(material=0), sample.quad())
    mesh = load_gltf(sample.save(tmp_path / "in.glb"))
    paint, table = texture_paint(mesh)
    save_gltf(tmp_path / "out.glb", mesh, paint, table)
    again = load_gltf(tmp_path / "out.glb")
    assert [p.material for p in again.parts] == [0, 1]
    assert [again.materials[i].factor for i in range(2)] == [(1.0, 1.0, 1.0)] * 2
    assert [t.wrap for t in again.textures] == [("clamp", "clamp")] * 2
    assert np.allclose(from_bytes(again.textures[0].pixels), 0.2, atol=1 / 510)
    assert again.document.json["materials"][1]["pbrMetallicRoughness"]["metallicFactor"] == 0


def test_a_material_shared_by_fresh_and_own_uvs_is_copied(tmp_path: Path) -> None:
    sample, pixels = Sample(), noise(4, 4)
    sample.add(
        "materials", name="m", pbrMetallicRoughness={"baseColorTexture": {"index": sample.texture(pixels)}}
    )
    bare = sample.quad(material=0)
    del bare["attributes"]["TEXCOORD_0"]
    three_sets = sample.quad(material=0)
    three_sets["attributes"] |= {f"TEXCOORD_{k}": sample.accessor(QUAD_UVS * k) for k in (1, 2)}
    sample.show(sample.quad(material=0), bare, three_sets)
    mesh = load_gltf(sample.save(tmp_path / "in.glb"))
    assert mesh.parts[1].uvs is None
    paint, table = texture_paint(mesh)
    atlas = replace(paint, slot_of_part=(0, 1, 1), fresh=(False, True, True))
    atlas = replace(atlas, uvs=(paint.uvs[0], cells(2), cells(2) * 0.5))
    save_gltf(tmp_path / "out.glb", mesh, atlas, table)
    again = load_gltf(tmp_path / "out.glb")
    assert [p.material for p in again.parts] == [0, 1, 1]
    assert (from_bytes(again.textures[0].pixels) * 255 == pixels).all()
    sets = [sorted(p["attributes"]) for p in again.document.json["meshes"][0]["primitives"]]
    names = [f"TEXCOORD_{k}" for k in range(4)]
    assert sets == [["POSITION", "TEXCOORD_0"], ["POSITION", "TEXCOORD_0"], ["POSITION", *names]]
    for part, uvs in zip(again.parts, atlas.uvs):
        assert np.allclose(part.uvs, uvs, atol=1e-7)


def test_primitives_outside_the_scene_keep_their_material(tmp_path: Path) -> None:
    sample = Sample()
    sample.add("materials", pbrMetallicRoughness={"baseColorFactor": [1, 0, 0, 1]})
    sample.show(sample.quad(material=0))
    sample.add("meshes", primitives=[sample.quad(material=0)])
    mesh = load_gltf(sample.save(tmp_path / "in.glb"))
    save_gltf(tmp_path / "out.glb", mesh, *texture_paint(mesh, fresh=True))
    content = parsed(tmp_path / "out.glb")
    assert [m["primitives"][0]["material"] for m in content["meshes"]] == [1, 0]
    assert content["materials"][0] == {"pbrMetallicRoughness": {"baseColorFactor": [1, 0, 0, 1]}}


def test_strips_stay_on_own_uvs_and_become_triangles_on_fresh_ones(tmp_path: Path) -> None:
    sample = Sample()
    strip = sample.quad(mode=5)
    strip["indices"] = sample.accessor([0, 1, 3, 2], "uint16")
    sample.show(strip)
    mesh = load_gltf(sample.save(tmp_path / "in.glb"))
    for fresh, mode in ((False, 5), (True, 4)):
        save_gltf(tmp_path / "out.glb", mesh, *texture_paint(mesh, fresh=fresh))
        again = load_gltf(tmp_path / "out.glb")
        assert again.document.json["meshes"][0]["primitives"][0]["mode"] == mode
        assert (corners(again.parts[0]) == corners(mesh.parts[0])).all()


@pytest.mark.parametrize("fresh", [False, True])
def test_vertex_colours_go_but_their_alpha_stays(tmp_path: Path, fresh: bool) -> None:
    sample = Sample()
    first, second = sample.quad(), sample.quad()
    first["attributes"]["COLOR_0"] = sample.accessor([[0, 9, 9, 255]] * 4, "uint8", normalized=True)
    second["attributes"]["COLOR_0"] = sample.accessor([[0, 9, 9, 51]] * 4, "uint8", normalized=True)
    sample.show(first, second)
    mesh = load_gltf(sample.save(tmp_path / "in.glb"))
    save_gltf(tmp_path / "out.glb", mesh, *texture_paint(mesh, fresh=fresh))
    again = load_gltf(tmp_path / "out.glb")
    assert again.parts[0].colours is None
    index = again.document.json["meshes"][0]["primitives"][1]["attributes"]["COLOR_0"]
    assert np.unique(read_rows(again.document, index), axis=0).tolist() == [[255, 255, 255, 51]]


def test_white_vertex_colours_are_left_alone(tmp_path: Path) -> None:
    sample = Sample()
    quad = sample.quad()
    quad["attributes"]["COLOR_0"] = sample.accessor([[1, 1, 1]] * 4)
    sample.show(quad)
    mesh = load_gltf(sample.save(tmp_path / "in.glb"))
    save_gltf(tmp_path / "out.glb", mesh, *texture_paint(mesh))
    assert load_gltf(tmp_path / "out.glb").parts[0].colours is not None


def test_specular_glossiness_and_core_colour_are_both_painted(tmp_path: Path) -> None:
    sample = Sample()
    diffuse = {"diffuseFactor": [1, 0, 0, 0.5], "diffuseTexture": {"index": sample.texture(noise(2, 2))}}
    diffuse |= {"glossinessFactor": 0.25}
    pbr = {"baseColorTexture": {"index": sample.texture(noise(2, 2, 1))}, "metallicFactor": 0}
    name = "KHR_materials_pbrSpecularGlossiness"
    sample.add("materials", pbrMetallicRoughness=pbr, extensions={name: diffuse})
    sample.show(sample.quad(material=0))
    mesh = load_gltf(sample.save(tmp_path / "in.glb"))
    save_gltf(tmp_path / "out.glb", mesh, *texture_paint(mesh))
    (material,) = parsed(tmp_path / "out.glb")["materials"]
    assert material["pbrMetallicRoughness"] == {"baseColorTexture": {"index": 0}, "metallicFactor": 0}
    expected = {"diffuseFactor": [1, 1, 1, 0.5], "diffuseTexture": {"index": 0}, "glossinessFactor": 0.25}
    assert material["extensions"][name] == expected


def test_webp_with_a_png_fallback_leaves_no_old_bytes(tmp_path: Path) -> None:
    sample, pixels = Sample(), noise(64, 64)
    png, webp = sample.image(pixels), sample.image(pixels, "WEBP")
    sample.add("textures", source=png, extensions={"EXT_texture_webp": {"source": webp}})
    sample.add("materials", pbrMetallicRoughness={"baseColorTexture": {"index": 0}})
    sample.json["extensionsUsed"] = ["EXT_texture_webp"]
    sample.show(sample.quad(material=0))
    mesh = load_gltf(sample.save(tmp_path / "in.glb"))
    size, wrap = ImageSize(1, 1), ("repeat", "repeat")
    slots = (TextureSlot("s", size, 0, wrap, (0,), 0),)
    paint = TexturePaint(slots, (0,), (mesh.parts[0].uvs,), (False,))
    save_gltf(tmp_path / "out.glb", mesh, paint, np.float32([[1, 0, 0]]))
    content = parsed(tmp_path / "out.glb")
    assert "extensionsUsed" not in content
    assert content["textures"] == [{"source": 0}]
    assert [image["mimeType"] for image in content["images"]] == ["image/png"]
    assert (tmp_path / "out.glb").stat().st_size < 2000


def test_an_alpha_channel_is_written_beside_the_colours(tmp_path: Path) -> None:
    sample, pixels = Sample(), noise(2, 2, channels=4)
    sample.add("materials", pbrMetallicRoughness={"baseColorTexture": {"index": sample.texture(pixels)}})
    sample.show(sample.quad(material=0))
    mesh = load_gltf(sample.save(tmp_path / "in.glb"))
    save_gltf(tmp_path / "out.glb", mesh, *texture_paint(mesh))
    gltf = pygltflib.GLTF2().load(str(tmp_path / "out.glb"))
    assert (image_pixels(gltf, 0) == pixels).all()


def external(folder: Path) -> tuple[Path, Array]:
    """A .gltf with two buffers and images beside it, and the pixels of its normal map."""
    sample, normals = Sample(), noise(2, 2, 5)
    for uri in ("base colour.png", "normal.png"):
        sample.add("textures", source=sample.add("images", uri=uri.replace(" ", "%20")))
    pbr = {"baseColorTexture": {"index": 0}}
    sample.add("materials", pbrMetallicRoughness=pbr, normalTexture={"index": 1})
    sample.show(sample.quad(material=0))
    second = np.array([2, 1, 0], np.uint16).tobytes()
    view = sample.add("bufferViews", buffer=1, byteLength=6)
    index = sample.add("accessors", bufferView=view, componentType=5123, count=3, type="SCALAR")
    primitive = sample.json["meshes"][0]["primitives"][0]
    sample.show({**primitive, "indices": index})
    sizes = {"a.bin": bytes(sample.binary) + b"x", "b.bin": second}
    sample.json["buffers"] = [{"byteLength": len(data), "uri": uri} for uri, data in sizes.items()]
    for uri, data in sizes.items():
        (folder / uri).write_bytes(data)
    (folder / "base colour.png").write_bytes(encoded(noise(2, 2)))
    (folder / "normal.png").write_bytes(encoded(normals))
    (folder / "x.gltf").write_text(json.dumps(sample.json))
    return folder / "x.gltf", normals


@pytest.mark.parametrize("suffix", [".glb", ".gltf"])
def test_what_lay_beside_a_gltf_is_taken_in(tmp_path: Path, suffix: str) -> None:
    path, normals = external(tmp_path)
    mesh = load_gltf(path)
    (tmp_path / "ä out").mkdir()
    out = tmp_path / "ä out" / f"x y{suffix}"
    assert save_gltf(out, mesh, *texture_paint(mesh)) == [out]
    assert list(out.parent.iterdir()) == [out]
    again = load_gltf(out)
    assert len(again.document.buffers) == 1
    assert [part.faces.tolist() for part in again.parts] == [[[0, 1, 2], [0, 2, 3]], [[2, 1, 0]]]
    assert (from_bytes(again.textures[0].pixels) == from_bytes(mesh.textures[0].pixels)).all()
    images = again.document.json["images"]
    assert [image["mimeType"] for image in images] == ["image/png"] * 2
    view = again.document.json["bufferViews"][images[1]["bufferView"]]
    data = again.document.buffers[0][view["byteOffset"] :][: view["byteLength"]]
    assert (np.asarray(Image.open(io.BytesIO(data))) == normals).all()
    scene = trimesh.load_scene(out)
    assert scene.bounds.tolist() == [[0, 0, 0], [1, 1, 0]]


def bare_mesh(**changes: Any) -> Mesh:
    """A mesh as another format would give it: a quad shown twice, far from the origin."""
    far = np.array([500000.125, 4000000.25, 10.0])
    normals = np.tile(np.float32([0, 0, 1]), (4, 1))
    faces = np.array([[0, 1, 2], [0, 2, 3]], np.int32)
    uvs = QUAD[:, :2].astype(float)[faces] * 3
    part = Part("sheet", QUAD * 0.001 + far, faces, 0, normals, uvs)
    moved = np.eye(4)
    moved[:3, 3] = -far
    instances = (Instance(0, name="near"), Instance(0, moved, "at the origin"))
    texture = Texture("t", np.zeros((2, 2, 3), np.float32), None, ("mirror", "clamp"))
    mesh = Mesh(
        (part,), instances, (Material("stuff", texture=0),), (texture,), unit_frame((part,), instances)
    )
    return replace(mesh, **changes)


def one_slot(mesh: Mesh, fresh: bool, alpha: Array | None = None) -> tuple[TexturePaint, Array]:
    slot = TextureSlot("painted", ImageSize(2, 2), 0, ("mirror", "clamp"), (0,), None if fresh else 0, alpha)
    uvs = cells(2) if fresh else mesh.parts[0].uvs
    assert uvs is not None
    return TexturePaint((slot,), (0,), (uvs,), (fresh,)), noise(4, 1)[:, 0].astype(np.float32) / np.float32(
        255
    )


@pytest.mark.parametrize("fresh", [False, True])
def test_a_mesh_of_another_format_becomes_a_new_document(tmp_path: Path, fresh: bool) -> None:
    mesh = bare_mesh()
    paint, table = one_slot(mesh, fresh, np.float32([[1, 0], [1, 1]]))
    save_gltf(tmp_path / "x.glb", mesh, paint, table)
    again = load_gltf(tmp_path / "x.glb")
    (part,) = again.parts
    assert part.name == "sheet"
    assert [i.name for i in again.instances] == ["near", "at the origin"]
    for before, after in zip(mesh.instances, again.instances):
        a = corners(mesh.parts[0]) @ before.transform[:3, :3].T + before.transform[:3, 3]
        b = corners(part) @ after.transform[:3, :3].T + after.transform[:3, 3]
        assert np.abs(a - b).max() < 1e-8  # a float32 at 4 000 000 would be off by 0.1
    assert np.allclose(part.uvs, paint.uvs[0], atol=1e-7)
    assert part.normals is not None
    assert part.normals.tolist() == [[0, 0, 1]] * len(part.vertices)
    assert (from_bytes(again.textures[0].pixels).reshape(-1, 3) == table).all()
    assert again.textures[0].alpha is not None
    assert again.textures[0].wrap == ("mirror", "clamp")
    (material,) = again.document.json["materials"]
    assert (material["name"], material["doubleSided"], material["alphaMode"]) == ("stuff", True, "MASK")
    attributes = again.document.json["meshes"][0]["primitives"][0]["attributes"]
    first = read_rows(again.document, attributes["TEXCOORD_0"])[part.faces]
    assert ("TEXCOORD_1" in attributes) == fresh
    assert np.allclose(np.stack([first[..., 0], 1 - first[..., 1]], -1), mesh.parts[0].uvs, atol=1e-6)
    gltf = pygltflib.GLTF2().load(str(tmp_path / "x.glb"))
    assert gltf.asset.version == "2.0"
    assert trimesh.load_scene(tmp_path / "x.glb").bounds == pytest.approx(
        np.array([[0, 0, 0], mesh.parts[0].vertices.max(axis=0)])
    )


def test_vertex_paint_is_linear_light_in_color_0(tmp_path: Path) -> None:
    mesh = bare_mesh()
    table = np.float32([[0, 0.5, 1], [0.25, 0.003, 0.999], [1, 1, 1], [0.1, 0.2, 0.3]])
    save_gltf(tmp_path / "x.glb", mesh, VertexPaint(mesh.parts, (0,)), table)
    again = load_gltf(tmp_path / "x.glb")
    (part,) = again.parts
    assert part.colours is not None
    assert np.abs(part.colours - table).max() < 2e-4
    accessors = again.document.json["accessors"]
    (index,) = [p["attributes"]["COLOR_0"] for m in again.document.json["meshes"] for p in m["primitives"]]
    assert accessors[index]["componentType"] == 5123
    assert accessors[index]["normalized"] is True
    assert read_rows(again.document, index)[:, 3].tolist() == [65535] * 4
    assert read_rows(again.document, index)[0].tolist()[:1] == [0]
    assert again.textures == ()
    assert again.materials[0].name == "stuff"


def test_vertex_paint_that_cuts_faces_is_a_new_file_in_the_rest_pose(tmp_path: Path) -> None:
    mesh = load_gltf(rich().save(tmp_path / "in.glb"))
    paint = paint_vertices(mesh, 0.3, 1000)
    save_gltf(tmp_path / "x.glb", mesh, paint, np.full((paint.num_colours, 3), 0.5, np.float32))
    again = load_gltf(tmp_path / "x.glb")
    assert len(again.parts[0].faces) > len(mesh.parts[0].faces)
    assert again.materials[0].name == "cloth"
    assert "skins" not in again.document.json
    (said,) = painting_notes(mesh, paint)
    assert "without skins, animations, morph targets" in said


def test_a_scene_with_z_up_is_turned(tmp_path: Path) -> None:
    mesh = bare_mesh(up=(0.0, 0.0, 1.0), front=(0.0, -1.0, 0.0), instances=(Instance(0),))
    save_gltf(tmp_path / "x.glb", mesh, *one_slot(mesh, False))
    (instance,) = load_gltf(tmp_path / "x.glb").instances
    assert np.allclose(instance.transform[:3, :3], [[1, 0, 0], [0, 0, 1], [0, -1, 0]])


def test_a_table_of_another_length_is_refused_and_a_missing_folder_told(tmp_path: Path) -> None:
    mesh = bare_mesh()
    paint, table = one_slot(mesh, False)
    with pytest.raises(ValueError, match="4 colours"):
        save_gltf(tmp_path / "x.glb", mesh, paint, table[:3])
    with pytest.raises(OutputError, match="cannot be written"):
        save_gltf(tmp_path / "none" / "x.glb", mesh, paint, table)
    assert list(tmp_path.iterdir()) == []


REAL = [
    "BoxTextured.glb",
    "CesiumMilkTruck.glb",
    "Fox.glb",
    "alien.glb",
    "cat.glb",
    "cubevc.glb",
    "nested.glb",
    "no_indices_3storybuilding.glb",
    "ship/craft_speederD.gltf",
]


@pytest.mark.parametrize("name", [*REAL, "mode5.gltf"])
def test_real_files_come_back(data_dir: Path, tmp_path: Path, name: str) -> None:
    mesh = load_gltf(data_dir / "meshes" / "gltf" / name)
    paint, table = texture_paint(mesh)
    save_gltf(tmp_path / "x.glb", mesh, paint, table)
    again = load_gltf(tmp_path / "x.glb")
    assert len(again.parts) == len(mesh.parts)
    for before, after, uvs in zip(mesh.parts, again.parts, paint.uvs):
        assert (corners(before) == corners(after)).all()
        assert np.abs(after.uvs - uvs).max() < 1e-7
    for before, after in zip(mesh.instances, again.instances):
        assert (before.transform == after.transform).all()
    for index, part in enumerate(mesh.parts):
        slot = paint.slots[paint.slot_of_part[index]]
        texture = again.textures[again.materials[again.parts[index].material].texture]
        rows = table[slot.offset : slot.offset + slot.size.height * slot.size.width]
        assert np.abs(from_bytes(texture.pixels).reshape(-1, 3) - rows).max() < 1 / 255
        assert again.materials[again.parts[index].material].name == mesh.materials[part.material].name


def test_the_fox_keeps_its_skin_and_animations(data_dir: Path, tmp_path: Path) -> None:
    source = data_dir / "meshes" / "gltf" / "Fox.glb"
    mesh = load_gltf(source)
    save_gltf(tmp_path / "own.glb", mesh, *texture_paint(mesh))
    save_gltf(tmp_path / "new.glb", mesh, *texture_paint(mesh, fresh=True))
    before, own, new = (
        load_gltf(p).document.json for p in (source, tmp_path / "own.glb", tmp_path / "new.glb")
    )
    same_but_for(before, own, "images")
    same_but_for(before, new, "images", "materials", "meshes", "accessors")
    old = pygltflib.GLTF2().load(str(source))
    for path in (tmp_path / "own.glb", tmp_path / "new.glb"):
        gltf = pygltflib.GLTF2().load(str(path))
        image = old.images[0].bufferView
        kept = {a.bufferView for a in old.accessors} - {image}
        moved = {
            old.accessors[i].bufferView for i in vars(old.meshes[0].primitives[0].attributes).values() if i
        }
        for index in kept - (moved if path.stem == "new" else set()):
            assert view_bytes(gltf, index) == view_bytes(old, index)
        assert [a.name for a in gltf.animations] == [a.name for a in old.animations]
        assert isinstance(load_gltf(path).document, GltfDocument)


def test_opacity_that_shows_keeps_its_resolution(tmp_path: Path) -> None:
    sample, pixels = Sample(), noise(8, 8, channels=4)
    pbr = {"baseColorTexture": {"index": sample.texture(pixels)}}
    sample.add("materials", alphaMode="MASK", pbrMetallicRoughness=pbr)
    sample.show(sample.quad(material=0))
    mesh = load_gltf(sample.save(tmp_path / "in.glb"))
    paint = paint_textures(mesh, TexelBudget(1.0, fixed=8))
    coarse = replace(paint.slots[0], size=ImageSize(4, 4))
    table = np.full((16, 3), 0.6, np.float32)
    save_gltf(tmp_path / "out.glb", mesh, replace(paint, slots=(coarse,)), table)
    again = image_pixels(pygltflib.GLTF2().load(str(tmp_path / "out.glb")), 0)
    assert again.shape == (8, 8, 4)
    assert (again[..., 3] == pixels[..., 3]).all()
    assert (again[..., :3] == 153).all()


def test_transparent_materials_of_other_formats_are_written(tmp_path: Path) -> None:
    mesh = bare_mesh()
    glass = Material("glass", alpha_mode="blend", alpha=0.25)
    leaf = Material("leaf", alpha_mode="mask", cutoff=0.75)
    for material in (glass, leaf):
        mesh = replace(mesh, materials=(material,))
        save_gltf(tmp_path / "x.glb", mesh, *one_slot(mesh, False))
        (read,) = load_gltf(tmp_path / "x.glb").materials
        assert (read.alpha_mode, read.alpha, read.cutoff) == (
            material.alpha_mode,
            material.alpha,
            material.cutoff,
        )


def test_alpha_of_vertices_is_written_to_new_documents(tmp_path: Path) -> None:
    mesh = bare_mesh()
    alphas = np.linspace(0, 1, len(mesh.parts[0].vertices)).astype(np.float32)
    glass = Material("glass", alpha_mode="blend")
    mesh = replace(mesh, materials=(glass,), parts=(replace(mesh.parts[0], alphas=alphas),))
    save_gltf(tmp_path / "x.glb", mesh, *one_slot(mesh, False))
    (read,) = load_gltf(tmp_path / "x.glb").parts
    assert read.colours is not None
    assert (read.colours == 1).all()
    before, after = (p.alphas[p.faces] for p in (mesh.parts[0], read))
    np.testing.assert_allclose(after, before, atol=1e-4)
