"""Compressed glTF: read through the packages of `nst3d[gltf]`, written back plain."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gltf_samples import QUAD, QUAD_INDICES, QUAD_UVS, Sample, texture_paint

from nst3d.errors import InputError, MissingDependencyError
from nst3d.formats.gltf import packages
from nst3d.formats.gltf.container import read_document
from nst3d.formats.gltf.read import load_gltf
from nst3d.formats.gltf.write import save_gltf
from nst3d.images.levels import from_bytes

DRACO, MESHOPT, BASIS = "KHR_draco_mesh_compression", "EXT_meshopt_compression", "KHR_texture_basisu"


BLUE = [[[1, 2, 255, 255]]]


def require(sample: Sample, name: str) -> None:
    sample.json |= {"extensionsUsed": [name], "extensionsRequired": [name]}


def draco_sample(extras: dict[int, Any] | None = None) -> Sample:
    DracoPy = pytest.importorskip("DracoPy")
    sample = Sample()
    data = DracoPy.encode(
        QUAD,
        QUAD_INDICES.reshape(-1, 3),
        quantization_bits=20,
        preserve_order=True,
        tex_coord=QUAD_UVS.astype(np.float64),
        generic_attributes=extras or {},
    )
    found = {a["attribute_type"]: a["unique_id"] for a in DracoPy.decode(data).attributes}
    positions = sample.add(
        "accessors", componentType=5126, count=4, type="VEC3", min=[0, 0, 0], max=[9, 9, 9]
    )
    uvs = sample.add("accessors", componentType=5126, count=4, type="VEC2")
    indices = sample.add("accessors", componentType=5123, count=6, type="SCALAR")
    packed = {"bufferView": sample.view(data), "attributes": {"POSITION": found[0], "TEXCOORD_0": found[3]}}
    attributes = {"POSITION": positions, "TEXCOORD_0": uvs}
    sample.show({"attributes": attributes, "indices": indices, "extensions": {DRACO: packed}})
    require(sample, DRACO)
    return sample


def meshopt_sample(name: str = MESHOPT) -> Sample:
    meshopt = pytest.importorskip("meshopt")
    sample = Sample()

    def pack(rows: Any, mode: str, version: int = 0) -> int:
        rows = np.ascontiguousarray(rows)
        data = meshopt.encode_gltf_buffer(rows, mode, version)
        stride = rows.nbytes // len(rows)
        sample.binary += bytes(-len(sample.binary) % 4)
        packed = {
            "buffer": 0,
            "byteOffset": len(sample.binary),
            "byteLength": len(data),
            "byteStride": stride,
        }
        sample.binary += data
        fields = {"byteStride": stride} if mode == "ATTRIBUTES" else {}
        packed |= {"count": len(rows), "mode": mode}
        return sample.add(
            "bufferViews", buffer=1, byteLength=rows.nbytes, extensions={name: packed}, **fields
        )

    positions = pack(QUAD, "ATTRIBUTES", int(name.startswith("KHR")))
    uvs, indices = pack(QUAD_UVS, "ATTRIBUTES"), pack(QUAD_INDICES, "TRIANGLES")
    attributes = {
        "POSITION": sample.add("accessors", bufferView=positions, componentType=5126, count=4, type="VEC3"),
        "TEXCOORD_0": sample.add("accessors", bufferView=uvs, componentType=5126, count=4, type="VEC2"),
    }
    order = sample.add("accessors", bufferView=indices, componentType=5123, count=6, type="SCALAR")
    sample.show({"attributes": attributes, "indices": order})
    require(sample, name)
    return sample


def save_meshopt(sample: Sample, path: Path, name: str = MESHOPT) -> Path:
    """As gltfpack writes it: the second buffer has no data."""
    fallback = {"byteLength": 92, "extensions": {name: {"fallback": True}}}
    (path.parent / "data.bin").write_bytes(sample.binary)
    buffers = [{"byteLength": len(sample.binary), "uri": "data.bin"}, fallback]
    path.write_text(json.dumps({**sample.json, "buffers": buffers}))
    return path


def ktx2(colours: Any, width: int = 0, height: int = 0, packing: int = 0, plain: int | None = None) -> bytes:
    """A KTX2 file of flat 4 x 4 blocks of RGBA colours (rows, columns, 4), in the simplest mode of UASTC."""
    grid = np.asarray(colours, np.uint8)
    blocks = b""
    for red, green, blue, alpha in grid.reshape(-1, 4).tolist():
        blocks += (0x17 | red << 5 | green << 13 | blue << 21 | alpha << 29).to_bytes(16, "little")
    model = bytes([166, 1, 2, 0, 3, 3, 0, 0, 16, 0, 0, 0, 0, 0, 0, 0])
    sample = struct.pack("<HBB", 0, 127, 3) + bytes(4) + struct.pack("<II", 0, 0xFFFFFFFF)
    described = struct.pack("<IHHHH", 44, 0, 0, 2, 40) + model + sample
    start = 80 + 24 + len(described)
    start += -start % 16
    size = (width or grid.shape[1] * 4, height or grid.shape[0] * 4)
    head = b"\xabKTX 20\xbb\r\n\x1a\n" + struct.pack("<9I", 0, 1, *size, 0, 0, 1, 1, packing)
    head += struct.pack("<4I2Q", 104, len(described), 0, 0, 0, 0)
    head += struct.pack("<3Q", start, len(blocks), len(blocks) if plain is None else plain)
    return (head + described).ljust(start, b"\0") + blocks


def basis_sample(data: bytes) -> Sample:
    sample = Sample()
    image = sample.add("images", bufferView=sample.view(data), mimeType="image/ktx2")
    texture = sample.add("textures", extensions={BASIS: {"source": image}})
    pbr = {"baseColorTexture": {"index": texture}}
    sample.show(sample.quad(material=sample.add("materials", pbrMetallicRoughness=pbr)))
    require(sample, BASIS)
    return sample


def check_quad(path: Path, atol: float) -> None:
    mesh = load_gltf(path)
    assert "written back uncompressed" in mesh.notes[0]
    (part,) = mesh.parts
    np.testing.assert_allclose(part.vertices[part.faces], QUAD[QUAD_INDICES.reshape(-1, 3)], atol=atol)
    flipped = QUAD_UVS * (1, -1) + (0, 1)
    np.testing.assert_allclose(part.uvs, flipped[QUAD_INDICES.reshape(-1, 3)], atol=atol)
    saved = path.with_name("painted.glb")
    save_gltf(saved, mesh, *texture_paint(mesh, fresh=True))
    again = read_document(saved)
    assert "compression" not in json.dumps(again.json)
    assert "extensionsRequired" not in again.json
    written = load_gltf(saved).parts[0]
    np.testing.assert_array_equal(written.vertices[written.faces], part.vertices[part.faces])


def test_draco_is_decoded_and_written_back_plain(tmp_path: Path) -> None:
    sample = draco_sample()
    compressed = bytes(sample.binary)
    check_quad(sample.save(tmp_path / "a.glb"), 1e-5)
    document = load_gltf(tmp_path / "a.glb").document
    assert compressed[:8] not in bytes(document.buffers[0])  # its bytes are gone
    position = document.items("accessors")[0]
    assert position["max"] == pytest.approx([1, 1, 0])
    assert len(document.items("bufferViews")) == 3


@pytest.mark.parametrize("name", [MESHOPT, "KHR_meshopt_compression"])
def test_meshopt_is_decoded_and_written_back_plain(tmp_path: Path, name: str) -> None:
    check_quad(save_meshopt(meshopt_sample(name), tmp_path / "a.gltf", name), 0)


def test_ktx2_is_decoded_and_replaced(tmp_path: Path) -> None:
    pytest.importorskip("opengl_basisu")
    colours = [[[255, 0, 0, 255], [0, 200, 10, 255]], [[0, 0, 255, 255], [9, 8, 7, 128]]]
    mesh = load_gltf(basis_sample(ktx2(colours)).save(tmp_path / "a.glb"))
    (texture,) = mesh.textures
    np.testing.assert_array_equal(
        np.rint(from_bytes(texture.pixels)[::4, ::4] * 255), np.array(colours)[..., :3]
    )
    assert texture.alpha is not None
    np.testing.assert_array_equal(
        np.rint(from_bytes(texture.alpha)[::4, ::4] * 255), [[255, 255], [255, 128]]
    )
    save_gltf(tmp_path / "b.glb", mesh, *texture_paint(mesh))
    again = read_document(tmp_path / "b.glb").json
    assert BASIS not in json.dumps(again)
    assert again["images"][0]["mimeType"] == "image/png"


def test_a_ktx2_beside_the_file_comes_along(tmp_path: Path) -> None:
    pytest.importorskip("opengl_basisu")
    sample = basis_sample(ktx2([[[10, 20, 30, 255]]]))
    sample.json["images"] = [{"uri": "a.ktx2"}]
    (tmp_path / "a.ktx2").write_bytes(ktx2([[[10, 20, 30, 255]]]))
    mesh = load_gltf(sample.save(tmp_path / "a.glb"))
    np.testing.assert_array_equal(np.rint(from_bytes(mesh.textures[0].pixels)[0, 0] * 255), [10, 20, 30])


def draco_claims(faces: int) -> bytes:
    """The header of Draco data: version 2.2, a mesh, edgebreaker, numbers of vertices and triangles."""
    number = b""
    while faces > 0x7F:
        number += bytes([faces & 0x7F | 0x80])
        faces >>= 7
    return b"DRACO\x02\x02\x01\x01\x00\x00\x00\x04" + number + bytes([faces]) + bytes(40)


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (draco_claims(10**9), "claims 1000000000 triangles"),
        (b"DRACO\x02\x02\x01\x01\x00\x80" + b"\xff" * 60, "damaged"),
        (b"DRACO\x01\x01" + bytes(60), "version 2.2"),
        (b"", "damaged"),
        (b"DRACO\x02\x02\x01\x01", "damaged"),
        (draco_claims(2), "damaged"),
    ],
)
def test_draco_that_claims_too_much_or_is_damaged(tmp_path: Path, data: bytes, text: str) -> None:
    sample = draco_sample()
    sample.json["bufferViews"][0] = {"buffer": 0, "byteOffset": len(sample.binary), "byteLength": len(data)}
    sample.binary += data
    with pytest.raises(InputError, match=text):
        load_gltf(sample.save(tmp_path / "a.glb"))


def test_accessors_that_claim_too_much_are_refused_before_decoding(tmp_path: Path) -> None:
    sample = draco_sample()
    sample.json["accessors"][0]["count"] = 10**9
    with pytest.raises(InputError, match=r"compressed geometry: needs 22\.4 GiB"):
        load_gltf(sample.save(tmp_path / "a.glb"))
    sample = meshopt_sample()
    sample.json["bufferViews"][0]["extensions"][MESHOPT]["count"] = 10**10
    with pytest.raises(InputError, match="compressed geometry: needs 224 GiB"):
        load_gltf(save_meshopt(sample, tmp_path / "a.gltf"))


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"byteLength": 5}, "damaged"),
        ({"byteLength": 10**9}, "ends at byte"),
        ({"mode": "ODD"}, "mode 'ODD'"),
        ({"filter": "ODD"}, "filter 'ODD'"),
        ({"buffer": 7}, r"buffers\[7\]"),
        ({"byteStride": 7}, "damaged"),
        ({"byteStride": 0}, "unknown"),
    ],
)
def test_meshopt_that_is_damaged(tmp_path: Path, change: dict[str, Any], text: str) -> None:
    sample = meshopt_sample()
    sample.json["bufferViews"][0]["extensions"][MESHOPT] |= change
    with pytest.raises(InputError, match=text):
        load_gltf(save_meshopt(sample, tmp_path / "a.gltf"))


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (ktx2(BLUE, 60_000, 60_000), "at most 67108864 are read"),
        (ktx2(BLUE, packing=2, plain=10**12), "claims more"),
        (ktx2(BLUE)[:-8], "claims more"),
        (ktx2(BLUE, 64, 64), "cannot be decoded"),
        (b"\xabKTX 20", "truncated"),
    ],
)
def test_ktx2_that_claims_too_much_leaves_its_material_grey(tmp_path: Path, data: bytes, text: str) -> None:
    pytest.importorskip("opengl_basisu")
    mesh = load_gltf(basis_sample(data).save(tmp_path / "a.glb"))
    assert not mesh.textures
    assert any(text in note and "using plain grey" in note for note in mesh.notes)


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (draco_sample, r"Draco-compressed \(KHR_draco.*pip install 'nst3d\[gltf\]'.*unticked"),
        (meshopt_sample, r"meshopt-compressed \(EXT_mesh.*pip install 'nst3d\[gltf\]'.*unticked"),
        (lambda: basis_sample(ktx2(BLUE)), r"KTX2 textures .*pip install 'nst3d\[gltf\]'.*PNG or JPEG"),
    ],
)
def test_without_the_packages_one_line_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make: Any, text: str
) -> None:
    sample = make()

    def missing(name: str) -> Any:
        raise ModuleNotFoundError(name)

    monkeypatch.setattr(packages, "import_module", missing)
    with pytest.raises(MissingDependencyError, match=text) as caught:
        load_gltf(
            save_meshopt(sample, tmp_path / "a.gltf")
            if make is meshopt_sample
            else sample.save(tmp_path / "a.glb")
        )
    assert "\n" not in str(caught.value)


def test_a_picture_in_another_format_keeps_its_own_message(tmp_path: Path) -> None:
    sample = basis_sample(b"")
    sample.json["textures"] = [{"extensions": {"MSFT_texture_dds": {"source": 0}}}]
    with pytest.raises(InputError, match="PNG or JPEG"):
        load_gltf(sample.save(tmp_path / "a.glb"))


def test_real_draco_file(data_dir: Path) -> None:
    pytest.importorskip("DracoPy")
    mesh = load_gltf(data_dir / "meshes" / "gltf/chess-board.glb")
    assert mesh.num_faces > 1000
    assert "Draco" in mesh.notes[0]
    for texture in mesh.textures:
        assert isinstance(from_bytes(texture.pixels), np.ndarray)
