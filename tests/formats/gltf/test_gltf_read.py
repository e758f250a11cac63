from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gltf_samples import QUAD, QUAD_UVS, Sample, corners, encoded, noise, texture_paint

from nst3d.errors import InputError
from nst3d.formats.gltf.read import load_gltf
from nst3d.formats.gltf.write import save_gltf
from nst3d.images.colour import srgb_decode, srgb_encode
from nst3d.images.levels import from_bytes
from nst3d.limits import Limits, limited

FACES = [[0, 1, 2], [0, 2, 3]]


def test_a_quad_with_a_texture(tmp_path: Path) -> None:
    sample, pixels = Sample(), noise(4, 6)
    sampler = sample.add("samplers", wrapS=33071, wrapT=33648)
    texture = sample.texture(pixels, sampler=sampler)
    pbr = {"baseColorTexture": {"index": texture}, "baseColorFactor": [0.5, 1, 0, 0.25]}
    material = sample.add("materials", name="Lack", doubleSided=True, pbrMetallicRoughness=pbr)
    sample.show(sample.quad(material=material), name="Türe")
    mesh = load_gltf(sample.save(tmp_path / "a b ü.glb"))
    (part,) = mesh.parts
    assert part.vertices.dtype == np.float64
    assert part.vertices.tolist() == QUAD.tolist()
    assert part.faces.dtype == np.int32
    assert part.faces.tolist() == FACES
    assert part.uvs is not None
    assert part.uvs.tolist() == QUAD[:, :2][FACES].tolist()  # bottom-left origin: UVs equal positions
    assert (from_bytes(mesh.textures[0].pixels) == pixels.astype(np.float32) / np.float32(255)).all()
    assert mesh.textures[0].wrap == ("clamp", "mirror")
    assert mesh.materials[0].name == "Lack"
    assert mesh.materials[0].double_sided
    assert mesh.materials[0].factor == pytest.approx((float(srgb_encode(np.array(0.5))), 1.0, 0.0))
    assert mesh.instances[0].name == "Türe"
    assert (mesh.up, mesh.front) == ((0.0, 1.0, 0.0), (0.0, 0.0, 1.0))
    assert mesh.frame.centre.tolist() == [0.5, 0.5, 0.0]
    assert mesh.notes == ()


def test_hierarchy_of_matrices_and_trs_places_instances(tmp_path: Path) -> None:
    sample = Sample()
    mesh_index = sample.add("meshes", primitives=[sample.quad()])
    half = float(np.sqrt(0.5))
    sample.add("nodes", children=[1, 2], matrix=[2, 0, 0, 0, 0, 2, 0, 0, 0, 0, 2, 0, 10, 20, 30, 1])
    sample.add("nodes", mesh=mesh_index, translation=[1, 0, 0])
    sample.add("nodes", mesh=mesh_index, rotation=[0, 0, half, half], scale=[1, 3, 1])
    sample.add("nodes", mesh=mesh_index, name="in no scene")
    sample.add("scenes", nodes=[])
    sample.add("scenes", nodes=[0])
    sample.json["scene"] = 1
    mesh = load_gltf(sample.save(tmp_path / "a.glb"))
    assert len(mesh.parts) == 1
    assert mesh.num_faces == 4
    point = np.array([1.0, 1.0, 0.0, 1.0])
    placed = [(instance.transform @ point)[:3] for instance in mesh.instances]
    assert np.allclose(placed, [[14, 22, 30], [10 - 6, 20 + 2, 30]])


@pytest.mark.parametrize(
    ("mode", "indices", "faces"),
    [
        (4, [0, 1, 2, 0, 2, 3], FACES),
        (4, None, [[0, 1, 2]]),
        (5, [0, 1, 3, 2], [[0, 1, 3], [1, 2, 3]]),
        (5, None, [[0, 1, 2], [1, 3, 2]]),
        (6, [0, 1, 2, 3], [[1, 2, 0], [2, 3, 0]]),
        (6, None, [[1, 2, 0], [2, 3, 0]]),
    ],
)
def test_lists_strips_and_fans(tmp_path: Path, mode: int, indices: list[int] | None, faces: Any) -> None:
    sample = Sample()
    primitive: dict[str, Any] = {"attributes": {"POSITION": sample.accessor(QUAD)}, "mode": mode}
    if indices is not None:
        primitive["indices"] = sample.accessor(indices, "uint8")
    sample.show(primitive)
    mesh = load_gltf(sample.save(tmp_path / "a.glb"))
    assert mesh.parts[0].faces.tolist() == faces
    assert mesh.parts[0].uvs is None
    assert ("incomplete triangle" in " ".join(mesh.notes)) == (mode == 4 and indices is None)
    if mode == 5 and indices is not None:  # a strip keeps one side up
        a, b, c = (corners(mesh.parts[0])[:, k] for k in range(3))
        assert (np.cross(b - a, c - a)[:, 2] > 0).all()


def test_sparse_interleaved_and_normalised_accessors(tmp_path: Path) -> None:
    sample = Sample()
    rows = np.zeros(4, np.dtype([("p", "<f4", 3), ("uv", "<u2", 2), ("c", "u1", 4)]))
    rows["p"], rows["uv"] = QUAD, QUAD_UVS * 65535
    rows["c"] = [[255, 0, 51, 128]] * 4
    view = sample.view(rows.tobytes(), byteStride=20)
    shared = {"bufferView": view, "count": 4}
    changes = {
        "count": 1,
        "indices": {"bufferView": sample.view(np.array([2], np.uint8).tobytes()), "componentType": 5121},
        "values": {"bufferView": sample.view(np.array([5, 6, 7], np.float32).tobytes())},
    }
    norm = {"normalized": True}
    attributes = {
        "POSITION": sample.add("accessors", **shared, componentType=5126, type="VEC3", sparse=changes),
        "TEXCOORD_0": sample.add(
            "accessors", **shared, **norm, componentType=5123, type="VEC2", byteOffset=12
        ),
        "COLOR_0": sample.add("accessors", **shared, **norm, componentType=5121, type="VEC4", byteOffset=16),
    }
    sample.show({"attributes": attributes, "indices": sample.accessor([0, 1, 2, 0, 2, 3], "uint32")})
    (part,) = load_gltf(sample.save(tmp_path / "a.glb")).parts
    assert part.vertices.tolist() == [[0, 0, 0], [1, 0, 0], [5, 6, 7], [0, 1, 0]]
    assert part.uvs is not None
    assert part.uvs.tolist() == QUAD[:, :2][FACES].tolist()
    assert part.colours is not None
    assert part.colours.dtype == np.float32
    assert np.allclose(srgb_decode(part.colours.astype(np.float64)), [[1, 0, 0.2]] * 4, atol=1e-6)


def test_an_accessor_without_data_is_zeros_under_its_sparse_rows(tmp_path: Path) -> None:
    sample = Sample()
    changes = {
        "count": 2,
        "indices": {"bufferView": sample.view(np.array([1, 2], np.uint16).tobytes()), "componentType": 5123},
        "values": {"bufferView": sample.view(QUAD[1:3].tobytes())},
    }
    index = sample.add("accessors", count=3, componentType=5126, type="VEC3", sparse=changes)
    sample.show({"attributes": {"POSITION": index}})
    (part,) = load_gltf(sample.save(tmp_path / "a.glb")).parts
    assert part.vertices.tolist() == QUAD[:3].tolist()


def test_quantised_positions_are_read_as_they_stand(tmp_path: Path) -> None:
    sample = Sample()
    padded = np.zeros((4, 4), np.int8)
    padded[:, :3] = QUAD * -127
    view = sample.view(padded.tobytes(), byteStride=4)
    layout = {"bufferView": view, "count": 4, "componentType": 5120, "type": "VEC3"}
    quantised = {"attributes": {"POSITION": sample.add("accessors", **layout)}}
    normalised = {"attributes": {"POSITION": sample.add("accessors", **layout, normalized=True)}}
    sample.show(quantised | {"mode": 5}, normalised | {"mode": 5})
    parts = load_gltf(sample.save(tmp_path / "a.glb")).parts
    assert parts[0].vertices.tolist() == (QUAD * -127.0).tolist()
    assert parts[1].vertices.tolist() == (-QUAD).tolist()


def test_texture_transform_and_second_uv_set(tmp_path: Path) -> None:
    sample = Sample()
    # The extension's own example: the lower left quadrant of the image, turned by 90 degrees.
    transform = {"offset": [0, 1], "rotation": np.pi / 2, "scale": [0.5, 0.5], "texCoord": 1}
    info = {"index": sample.texture(noise(2, 2)), "extensions": {"KHR_texture_transform": transform}}
    material = sample.add("materials", pbrMetallicRoughness={"baseColorTexture": info})
    primitive = sample.quad(material=material)
    primitive["attributes"]["TEXCOORD_1"] = primitive["attributes"]["TEXCOORD_0"]
    primitive["attributes"]["TEXCOORD_0"] = sample.accessor(QUAD_UVS + 7)
    sample.show(primitive)
    (part,) = load_gltf(sample.save(tmp_path / "a.glb")).parts
    u, v = QUAD_UVS.astype(float).T
    expected = np.stack([v / 2, 1 - (1 - u / 2)], axis=1)
    assert part.uvs is not None
    assert np.allclose(part.uvs, expected[FACES], atol=1e-15)
    assert part.uvs.min() == pytest.approx(0, abs=1e-15)
    assert part.uvs.max() == pytest.approx(0.5)


def skinned(sample: Sample) -> dict[str, Any]:
    """A quad whose upper two vertices hang on a joint that is turned and moved."""
    primitive = sample.quad()
    primitive["attributes"] |= {
        "NORMAL": sample.accessor([[0, 0, 1]] * 4),
        "JOINTS_0": sample.accessor([[1, 0, 0, 0], [1, 0, 0, 0], [0, 1, 0, 0], [0, 1, 0, 0]], "uint8"),
        "WEIGHTS_0": sample.accessor([[0, 1, 0, 0], [0, 1, 0, 0], [0, 1, 0, 0], [0, 0.5, 0, 0]]),
    }
    half = float(np.sqrt(0.5))
    sample.add("nodes", children=[1], translation=[100, 0, 0])
    sample.add("nodes", translation=[0, 1, 0], rotation=[half, 0, 0, half])
    inverse = np.tile(np.eye(4), (2, 1, 1))
    inverse[0, 0, 3], inverse[1, :2, 3] = -100, [-100, -1]
    columns = inverse.transpose(0, 2, 1).reshape(2, 16)
    sample.add("skins", joints=[0, 1], inverseBindMatrices=sample.accessor(columns))
    return primitive


def test_a_skin_stands_in_its_rest_pose(tmp_path: Path) -> None:
    sample = Sample()
    sample.show(skinned(sample), skin=0, translation=[5, 5, 5])
    sample.json["scenes"][0]["nodes"].append(0)
    mesh = load_gltf(sample.save(tmp_path / "a.glb"))
    (part,) = mesh.parts
    # The lower edge rests with joint 0; above, joint 1 turns y to z about its own origin at y = 1.
    assert np.allclose(part.vertices, QUAD)
    assert part.normals is not None
    assert np.allclose(part.normals, [[0, 0, 1], [0, 0, 1], [0, -1, 0], [0, -1, 0]], atol=1e-7)
    assert (mesh.instances[0].transform == np.eye(4)).all()


def test_morph_targets_at_default_weights(tmp_path: Path) -> None:
    sample = Sample()
    primitive = sample.quad(
        targets=[{"POSITION": sample.accessor(QUAD)}, {"POSITION": sample.accessor(-QUAD)}]
    )
    mesh_index = sample.add("meshes", primitives=[primitive], weights=[0.5, 0])
    for weights in ({}, {"weights": [0, 1.0]}, {"weights": [0.5, 0]}):
        sample.add("nodes", mesh=mesh_index, **weights)
    mesh = load_gltf(sample.save(tmp_path / "a.glb"))
    assert [instance.part for instance in mesh.instances] == [0, 1, 0]
    assert mesh.parts[0].vertices.tolist() == (QUAD * 1.5).tolist()
    assert mesh.parts[1].vertices.tolist() == (QUAD * 0.0).tolist()
    assert mesh.document.sources == ((0, 0), (1, 0))


def test_specular_glossiness_gives_the_base_colour(tmp_path: Path) -> None:
    sample, pixels = Sample(), noise(2, 2, channels=4)
    diffuse = {"diffuseFactor": [1, 0, 0, 1], "diffuseTexture": {"index": sample.texture(pixels)}}
    sample.add("materials", extensions={"KHR_materials_pbrSpecularGlossiness": diffuse})
    sample.show(sample.quad(material=0))
    mesh = load_gltf(sample.save(tmp_path / "a.glb"))
    assert mesh.materials[0].factor == (1.0, 0.0, 0.0)
    assert mesh.textures[0].alpha is not None
    assert (from_bytes(mesh.textures[0].alpha) == pixels[..., 3].astype(np.float32) / np.float32(255)).all()


def test_a_primitive_without_material_is_white_and_one_sided(tmp_path: Path) -> None:
    sample = Sample()
    sample.add("materials", name="unused")
    sample.show(sample.quad())
    mesh = load_gltf(sample.save(tmp_path / "a.glb"))
    assert mesh.parts[0].material == 1
    assert [m.name for m in mesh.materials] == ["unused", ""]
    assert mesh.materials[1].factor == (1.0, 1.0, 1.0)
    assert not mesh.materials[1].double_sided


def test_one_image_is_one_texture_a_wrap_mode(tmp_path: Path) -> None:
    sample = Sample()
    image, clamp = sample.image(noise(2, 2)), sample.add("samplers", wrapS=33071, wrapT=33071)
    for texture in ({}, {}, {"sampler": clamp}):
        index = sample.add("textures", source=image, **texture)
        sample.add("materials", pbrMetallicRoughness={"baseColorTexture": {"index": index}})
    sample.show(*(sample.quad(material=i) for i in range(3)))
    mesh = load_gltf(sample.save(tmp_path / "a.glb"))
    assert [m.texture for m in mesh.materials] == [0, 0, 1]
    assert [t.wrap[0] for t in mesh.textures] == ["repeat", "clamp"]


def test_files_beside_it_with_spaces_and_unicode(tmp_path: Path) -> None:
    sample, pixels = Sample(), noise(3, 2)
    material = {"baseColorTexture": {"index": sample.add("textures", source=0)}}
    sample.add("images", uri="bilder/gr%C3%BCn%20blau.png")
    sample.add("materials", pbrMetallicRoughness=material)
    sample.show(sample.quad(material=0))
    sample.json["buffers"] = [{"byteLength": len(sample.binary), "uri": "meine daten.bin"}]
    folder = tmp_path / "ein Ordner é"
    (folder / "bilder").mkdir(parents=True)
    (folder / "meine daten.bin").write_bytes(sample.binary)
    (folder / "bilder" / "grün blau.png").write_bytes(encoded(pixels))
    (folder / "x.gltf").write_text(json.dumps(sample.json))
    mesh = load_gltf(folder / "x.gltf")
    assert (from_bytes(mesh.textures[0].pixels) * 255 == pixels).all()
    assert mesh.textures[0].name == "bilder/grün blau.png"


def test_data_uris_and_webp(tmp_path: Path) -> None:
    sample, pixels = Sample(), noise(3, 2)
    uri = "data:image/webp;base64," + base64.b64encode(encoded(pixels, "WEBP")).decode()
    sample.add("images", uri=uri)
    sample.add("textures", extensions={"EXT_texture_webp": {"source": 0}})
    sample.add("materials", pbrMetallicRoughness={"baseColorTexture": {"index": 0}})
    sample.show(sample.quad(material=0))
    data = base64.b64encode(sample.binary).decode()
    uri = "data:application/gltf-buffer;base64," + data
    sample.json["buffers"] = [{"byteLength": len(sample.binary), "uri": uri}]
    (tmp_path / "x.gltf").write_text(json.dumps(sample.json))
    mesh = load_gltf(tmp_path / "x.gltf")
    assert (from_bytes(mesh.textures[0].pixels) * 255 == pixels).all()


def test_what_can_be_put_right_is_told(tmp_path: Path) -> None:
    sample = Sample()
    sample.add("images", uri="gone.png")
    sample.add("textures", source=0)
    sample.add(
        "materials", pbrMetallicRoughness={"baseColorTexture": {"index": 0}, "baseColorFactor": [1, 0, 0, 1]}
    )
    quad = sample.quad(material=0)
    quad["indices"] = sample.accessor([0, 1, 2, 0, 2, 3, 1, 1, 2], "uint16")
    normals = np.tile(np.float32([0, 0, 2]), (4, 1))
    normals[0], normals[1] = np.nan, 0
    quad["attributes"]["NORMAL"] = sample.accessor(normals)
    quad["attributes"]["TEXCOORD_0"] = sample.accessor(np.where(QUAD_UVS == 1, np.nan, QUAD_UVS))
    sample.show(quad, sample.quad(mode=0), sample.quad(mode=3))
    mesh = load_gltf(sample.save(tmp_path / "a.glb"))
    (part,) = mesh.parts
    assert len(part.faces) == 3
    assert part.normals is not None
    assert part.normals.tolist() == [[0, 0, 1]] * 4
    assert part.uvs is not None
    assert np.isfinite(part.uvs).all()
    assert mesh.materials[0].factor == (0.5, 0.5, 0.5)
    notes = " | ".join(mesh.notes)
    for text in (
        "'gone.png' is missing",
        "1 triangles without area",
        "2 normals",
        "coordinates",
        "2 primitives",
    ):
        assert text in notes


def test_a_plain_copy_beside_a_compressed_one_is_read(tmp_path: Path) -> None:
    sample = Sample()
    draco = {"KHR_draco_mesh_compression": {"bufferView": 0, "attributes": {}}}
    sample.show(sample.quad(extensions=draco))
    sample.json["extensionsUsed"] = ["KHR_draco_mesh_compression"]
    mesh = load_gltf(sample.save(tmp_path / "a.glb"))
    assert mesh.parts[0].vertices.tolist() == QUAD.tolist()
    assert "draco" not in json.dumps(mesh.document.json)


@pytest.mark.parametrize(
    ("name", "parts", "instances", "faces", "textures"),
    [
        ("BoxTextured.glb", 1, 1, 12, 1),
        ("CesiumMilkTruck.glb", 4, 5, 3624, 1),
        ("Fox.glb", 1, 1, 576, 1),
        ("alien.glb", 18, 18, 292, 0),
        ("cakeBirthday.glb", 14, 42, 1332, 0),
        ("cat.glb", 1, 1, 4622, 1),
        ("cubevc.glb", 1, 1, 48, 0),
        ("mode5.gltf", 412, 412, 2786, 0),
        ("nested.glb", 3, 3, 36, 0),
        ("no_indices_3storybuilding.glb", 3, 3, 72, 0),
        ("ship/craft_speederD.gltf", 4, 4, 322, 0),
    ],
)
def test_real_files(data_dir: Path, name: str, parts: int, instances: int, faces: int, textures: int) -> None:
    import trimesh

    path = data_dir / "meshes" / "gltf" / name
    mesh = load_gltf(path)
    assert (len(mesh.parts), len(mesh.instances), mesh.num_faces) == (parts, instances, faces)
    assert len(mesh.textures) == textures
    placed = np.concatenate(
        [
            corners(mesh.parts[i.part]).reshape(-1, 3) @ i.transform[:3, :3].T + i.transform[:3, 3]
            for i in mesh.instances
        ]
    )
    scene = trimesh.load_scene(path, skip_materials=True)
    # The fox's skin is at rest as it was bound, so that trimesh, which knows no skins, agrees about it too.
    scale = np.abs(scene.bounds).max()
    assert np.allclose([placed.min(0), placed.max(0)], scene.bounds, atol=1e-6 * scale)


def test_the_alpha_of_materials(tmp_path: Path) -> None:
    sample = Sample()
    sample.add("materials", alphaMode="MASK", alphaCutoff=0.25, doubleSided=True)
    sample.add("materials", alphaMode="BLEND", pbrMetallicRoughness={"baseColorFactor": [1, 1, 1, 0.5]})
    sample.add("materials", alphaMode="unheard of")
    for index in range(3):
        sample.show(sample.quad(material=index))
    leaf, glass, plain = load_gltf(sample.save(tmp_path / "a.glb")).materials
    assert (leaf.alpha_mode, leaf.cutoff, leaf.double_sided) == ("mask", 0.25, True)
    assert (glass.alpha_mode, glass.alpha, glass.double_sided) == ("blend", 0.5, False)
    assert (plain.alpha_mode, plain.alpha, plain.cutoff) == ("opaque", 1.0, 0.5)


@pytest.mark.parametrize(("kind", "full"), [("float32", 1), ("uint8", 255), ("uint16", 65535)])
def test_the_alpha_of_vertices(tmp_path: Path, kind: str, full: int) -> None:
    sample = Sample()
    rows = np.array([[1, 1, 1, 0], [1, 1, 1, 0.2], [1, 0, 1, 1], [1, 1, 1, 1]]) * full
    normalised = {} if kind == "float32" else {"normalized": True}
    for values in (rows, rows[:, :3], np.full((4, 4), full)):
        primitive = sample.quad()
        primitive["attributes"]["COLOR_0"] = sample.accessor(values, kind, **normalised)
        sample.show(primitive)
    fading, plain, solid = load_gltf(sample.save(tmp_path / "a.glb")).parts
    assert fading.alphas == pytest.approx([0, 0.2, 1, 1], abs=1e-6)
    assert plain.alphas is None
    assert solid.alphas is None


def test_transmission(tmp_path: Path) -> None:
    sample = Sample()
    texture = sample.texture(np.full((2, 2, 3), 255, np.uint8))
    for own in (
        {"transmissionFactor": 0.75},
        {},
        {"transmissionFactor": 1, "transmissionTexture": {"index": texture}},
    ):
        sample.show(
            sample.quad(
                material=sample.add("materials", name="pane", extensions={"KHR_materials_transmission": own})
            )
        )
    mesh = load_gltf(sample.save(tmp_path / "a.glb"))
    assert [m.transmission for m in mesh.materials] == [0.75, 0, 0]
    assert mesh.notes == ("a texture says where 'pane' lets light through: views show it solid everywhere",)


def instanced(**attributes) -> Sample:
    sample = Sample()
    lists = {
        name: sample.accessor(rows, *kind, **fields) for name, (rows, kind, fields) in attributes.items()
    }
    sample.show(
        sample.quad(),
        extensions={"EXT_mesh_gpu_instancing": {"attributes": lists}},
        translation=[0, 0, 5],
        scale=[2, 2, 2],
    )
    return sample


def test_every_instance_of_a_node_is_shown(tmp_path: Path) -> None:
    half = np.sqrt(0.5)
    turns = np.rint(np.array([[0, 0, 0, 1], [0, 0, half, half]]) * 32767)
    mesh = load_gltf(
        instanced(
            TRANSLATION=([[1, 0, 0], [0, 3, 0]], (), {}),
            ROTATION=(turns, ("int16",), {"normalized": True}),
            SCALE=([[1, 1, 1], [1, 2, 1]], (), {}),
        ).save(tmp_path / "x.glb")
    )
    assert len(mesh.parts) == 1
    placed = [QUAD @ i.transform[:3, :3].T + i.transform[:3, 3] for i in mesh.instances]
    expected = [np.array([1, 0, 0]) + QUAD, np.stack([-2 * QUAD[:, 1], QUAD[:, 0] + 3, QUAD[:, 2]], 1)]
    for found, wanted in zip(placed, expected, strict=True):
        np.testing.assert_allclose(found, np.array(wanted) * 2 + [0, 0, 5], atol=1e-3)
    low, high = np.min(placed, axis=(0, 1)), np.max(placed, axis=(0, 1))
    assert mesh.frame.scale == pytest.approx(2 / np.linalg.norm(high - low))  # all of them are framed


def test_instances_that_do_not_agree_are_refused(tmp_path: Path) -> None:
    sample = instanced(TRANSLATION=([[1, 0, 0]], (), {}), SCALE=([[1, 1, 1]] * 2, (), {}))
    with pytest.raises(InputError, match=r"EXT_mesh_gpu_instancing lists \[1, 2\] instances"):
        load_gltf(sample.save(tmp_path / "x.glb"))
    sample = instanced(TRANSLATION=([[np.nan, 0, 0]], (), {}))
    with pytest.raises(InputError, match="not finite"):
        load_gltf(sample.save(tmp_path / "x.glb"))


def test_pictures_beside_the_file_are_taken_in_whatever_their_format_and_others_are_said(
    tmp_path: Path,
) -> None:
    sample = Sample()
    files = {
        "a.dds": b"DDS " + bytes(20),
        "b.avif": bytes(4) + b"ftypavif" + bytes(9),
        "c.txt": b"no picture",
    }
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
        sample.add("images", uri=name)
    sample.add("images", uri="missing.png")
    sample.show(sample.quad())
    mesh = load_gltf(sample.save(tmp_path / "x.glb"))
    assert mesh.document.images == {0: files["a.dds"], 1: files["b.avif"]}
    (said,) = mesh.notes
    assert said.startswith("2 images are missing, or not in a known format")
    assert said.endswith("c.txt, missing.png")
    (tmp_path / "out").mkdir()
    save_gltf(tmp_path / "out" / "x.glb", mesh, *texture_paint(mesh))
    images = load_gltf(tmp_path / "out" / "x.glb").document.json["images"]
    assert [i.get("mimeType") for i in images[:2]] == ["image/vnd-ms.dds", "image/avif"]
    assert [i.get("uri") for i in images[:4]] == [None, None, "c.txt", "missing.png"]


def test_equal_pictures_are_decoded_once(tmp_path) -> None:
    sample, pixels = Sample(), noise(64, 64, 4)
    for wrap in (33071, 10497):
        texture = sample.texture(pixels, sampler=sample.add("samplers", wrapS=wrap))
        sample.add("materials", pbrMetallicRoughness={"baseColorTexture": {"index": texture}})
    sample.show(sample.quad(material=0), sample.quad(material=1))
    # A picture takes 16,384 bytes, and 49,152 while it is decoded.
    with limited(Limits(memory=120_000 / 2**30)):
        first, second = load_gltf(sample.save(tmp_path / "a.glb")).textures
    assert first.pixels is second.pixels
    assert (first.wrap[0], second.wrap[0]) == ("clamp", "repeat")
    assert first.pixels.dtype == np.uint8
