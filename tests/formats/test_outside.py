"""Names inside a file lead nowhere but into its own folder, unless the user allows it."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import numpy as np
import pytest

from nst3d.errors import InputError
from nst3d.formats.captures.transforms import read_transforms
from nst3d.formats.gltf.read import load_gltf
from nst3d.formats.io.files import OutsideError, find_beside, read_bytes, resolve
from nst3d.formats.meshes.obj_read import load_obj
from nst3d.formats.meshes.ply import load_ply
from nst3d.images.io import write_image
from nst3d.limits import Limits, limited

TRIANGLE = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0]], "<f4").tobytes()


@pytest.fixture
def asset(tmp_path: Path) -> Path:
    """An asset's folder, with a picture and data beside it, outside."""
    (tmp_path / "asset").mkdir()
    write_image(tmp_path / "out.png", np.ones((2, 2, 3), np.float32))
    (tmp_path / "out.bin").write_bytes(TRIANGLE)
    (tmp_path / "out.mtl").write_text("newmtl a\nKd 1 0 0\n")
    return tmp_path / "asset"


def gltf(folder: Path, buffer: str, image: str | None = None) -> Path:
    material = {"pbrMetallicRoughness": {"baseColorTexture": {"index": 0}}}
    content = {
        "asset": {"version": "2.0"},
        "buffers": [{"uri": buffer, "byteLength": len(TRIANGLE)}],
        "bufferViews": [{"buffer": 0, "byteLength": len(TRIANGLE)}],
        "accessors": [{"bufferView": 0, "componentType": 5126, "count": 3, "type": "VEC3"}],
        "meshes": [{"primitives": [{"attributes": {"POSITION": 0}, "material": 0}]}],
        "materials": [material if image else {}],
        "nodes": [{"mesh": 0}],
        "scenes": [{"nodes": [0]}],
        "scene": 0,
    }
    if image:
        content |= {"images": [{"uri": image}], "textures": [{"source": 0}]}
    path = folder / "a.gltf"
    path.write_text(json.dumps(content))
    return path


def transforms(folder: Path, names: list[str]) -> Path:
    frames = [{"file_path": n, "transform_matrix": np.eye(4).tolist()} for n in names]
    path = folder / "transforms.json"
    path.write_text(json.dumps({"fl_x": 2.0, "w": 2, "h": 2, "frames": frames}))
    return path


def test_gltf(asset: Path) -> None:
    inline = "data:;base64," + base64.b64encode(TRIANGLE).decode()
    with pytest.raises(InputError, match=r"'\.\./out\.bin', outside this folder.*`allow_outside`"):
        load_gltf(gltf(asset, "../out.bin"))
    with pytest.raises(InputError, match=r"'%2e%2e/out\.bin'|'\.\./out\.bin'"):
        load_gltf(gltf(asset, "%2e%2e/out.bin"))
    with pytest.raises(InputError, match=r"'\.\./out\.png', outside"):
        load_gltf(gltf(asset, inline, "../out.png"))
    with limited(Limits(outside=True)):
        assert len(load_gltf(gltf(asset, "../out.bin", "../out.png")).textures) == 1


def test_obj_and_ply(asset: Path) -> None:
    face = "v 0 0 0\nv 1 0 0\nv 0 1 0\nvt 0 0\nvt 1 0\nvt 0 1\nusemtl a\nf 1/1 2/2 3/3\n"
    (asset / "a.obj").write_text("mtllib ../out.mtl\n" + face)
    assert any("outside this folder" in n for n in load_obj(asset / "a.obj").notes)
    (asset / "a.mtl").write_text("newmtl a\nmap_Kd ../out.png\n")
    (asset / "a.obj").write_text("mtllib a.mtl\n" + face)
    mesh = load_obj(asset / "a.obj")
    assert not mesh.textures
    assert any("outside this folder" in n for n in mesh.notes)
    (asset / "a.ply").write_text(
        "ply\nformat ascii 1.0\ncomment TextureFile ../out.png\nelement vertex 3\nproperty float x\n"
        "property float y\nproperty float z\nproperty float s\nproperty float t\nelement face 1\n"
        "property list uchar int vertex_indices\nend_header\n0 0 0 0 0\n1 0 0 1 0\n0 1 0 0 1\n3 0 1 2\n"
    )
    assert not load_ply(asset / "a.ply").textures


def test_captures_list_what_lies_outside(asset: Path) -> None:
    outside = [str(asset.parent / "out.png"), "../out.png"]
    with pytest.raises(
        OutsideError, match=r"2 of its 2 photographs lie outside.*out\.png; give `allow_outside`"
    ):
        read_transforms(transforms(asset, outside))
    with limited(Limits(outside=True)):
        assert len(read_transforms(transforms(asset, outside)).shots) == 2
    write_image(
        asset / "out.png", np.zeros((2, 2, 3), np.float32)
    )  # found here, so the others are not needed
    assert [s.path for s in read_transforms(transforms(asset, outside[:1])).shots] == [asset / "out.png"]


def test_links_are_followed_to_their_end(asset: Path) -> None:
    (asset / "link.bin").symlink_to(asset.parent / "out.bin")
    (asset / "loop").symlink_to(asset / "loop")
    for name in ("link.bin", "../out.bin", "loop/../../out.bin"):
        with pytest.raises(OutsideError):
            resolve(asset, name)
    with pytest.raises(OutsideError):
        find_beside("link.bin", [asset])
    (asset.parent / "way").symlink_to(asset)  # a folder that the user names may be a link itself
    (asset / "in.bin").write_bytes(b"1")
    assert find_beside("in.bin", [asset.parent / "way"]) == asset.parent / "way" / "in.bin"
    assert resolve(asset.parent / "way", "in.bin").read_bytes() == b"1"


def test_devices_are_no_files() -> None:
    with pytest.raises(InputError, match="device or pipe"):
        read_bytes(Path("/dev/zero"))
