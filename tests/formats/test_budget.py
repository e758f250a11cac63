"""What is decoded has one limit on memory, checked before anything is allocated; devices and pipes are refused."""

from __future__ import annotations

import os
import signal
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from gltf_samples import QUAD_INDICES, Sample
from PIL import Image

from nst3d.errors import InputError, TooLargeError, cut, shown
from nst3d.features.convs import read_convs
from nst3d.formats.captures.arrays import read_arrays_capture
from nst3d.formats.fields.registry import load_field
from nst3d.formats.flights.registry import load_camera_path
from nst3d.formats.io.json_values import read_object
from nst3d.formats.io.npz import read_headers
from nst3d.formats.mesh_files import load_mesh
from nst3d.formats.nerfstudio import checkpoint as nerfstudio
from nst3d.formats.splats.registry import load_splats
from nst3d.formats.splats.spz_container import Spz, stream_sizes
from nst3d.images.header import read_header
from nst3d.images.io import read_image, write_image
from nst3d.limits import Limits, claim, limited, one_asset
from nst3d.pipeline.kinds.registry import open_path
from nst3d.pipeline.settings.config import load_preset
from nst3d.stylize.checkpoint import load_checkpoint

MIB = 2**20


@pytest.fixture(autouse=True)
def _one_mebibyte():
    with limited(Limits(memory=1 / 1024)):
        yield


def test_claims_add_up_within_an_asset_only() -> None:
    with one_asset():
        claim(MIB // 2, "a")
        with pytest.raises(TooLargeError, match=r"b: needs 0\.00117 GiB"), one_asset():
            claim(MIB // 2, "b", passing=MIB // 5)
        claim(MIB // 2, "b")
    claim(MIB, "c")
    claim(MIB, "d")


def shared(primitives: int, nodes: int = 1) -> Sample:
    """A glTF file whose primitives and nodes share one quad, listed 500 times."""
    sample = Sample()
    quad = sample.quad()
    quad["indices"] = sample.accessor(np.tile(QUAD_INDICES, 500), "uint16")
    sample.add("meshes", primitives=[quad] * primitives)
    for _ in range(nodes):
        sample.add("nodes", mesh=0)
    sample.add("scenes", nodes=list(range(nodes)))
    return sample


@pytest.mark.parametrize(("primitives", "nodes"), [(10, 1), (1, 10)])
def test_copies_of_geometry_count(tmp_path: Path, primitives: int, nodes: int) -> None:
    assert len(load_mesh(shared(2).save(tmp_path / "a.glb")).parts) == 2
    with pytest.raises(TooLargeError, match="its geometry with all copies: needs"):
        load_mesh(shared(primitives, nodes).save(tmp_path / "b.glb"))


def test_textures_count_together_and_are_refused_before_decoding(tmp_path: Path) -> None:
    sample = Sample()
    for k in range(4):  # equal ones would be decoded once
        texture = sample.texture(np.full((220, 220, 3), k, np.uint8))
        sample.add("materials", pbrMetallicRoughness={"baseColorTexture": {"index": texture}})
    sample.add("meshes", primitives=[sample.quad(material=k) for k in range(4)])
    sample.add("nodes", mesh=0)
    sample.add("scenes", nodes=[0])
    with pytest.raises(TooLargeError, match="the image 'texture 2'"):
        load_mesh(sample.save(tmp_path / "a.glb"))


def bomb(folder: Path) -> Path:
    Image.new("L", (3000, 3000)).save(folder / "a.png")
    return folder / "a.png"


def splats(folder: Path) -> Path:
    streams = {name: bytes(size) for name, size in stream_sizes(3, 20_000, 0).items()}
    (folder / "a.spz").write_bytes(Spz(3, 20_000, 0, 12, 0, streams).to_bytes())
    return folder / "a.spz"


def photographs(folder: Path) -> Path:
    images = np.zeros((2, 1000, 1000, 3), np.uint8)
    np.savez_compressed(folder / "a.npz", images=images, poses=np.zeros((2, 4, 4)), focal=np.array(1.0))
    return folder / "a.npz"


def numbers(folder: Path) -> Path:
    (folder / "a.json").write_text("[" + "[]," * 50_000 + "1]")
    return folder / "a.json"


def unpacked(folder: Path) -> Path:
    with zipfile.ZipFile(folder / "a.ckpt", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data.pkl", bytes(4 * MIB))
    return folder / "a.ckpt"


@pytest.mark.parametrize(
    ("make", "read"),
    [
        (bomb, read_image),
        (splats, load_splats),
        (photographs, read_arrays_capture),
        (numbers, read_object),
        (unpacked, nerfstudio.load_checkpoint),
        (unpacked, lambda path: read_convs(path, "vgg19")),
        (unpacked, lambda path: load_checkpoint(path, "")),
    ],
)
def test_small_files_that_unpack_to_much_are_refused(tmp_path: Path, make, read) -> None:
    path = make(tmp_path)
    assert path.stat().st_size < MIB
    tracemalloc.start()
    try:
        with pytest.raises(TooLargeError, match=f"{path.name}.*limit with `memory`"):
            read(path)
        assert tracemalloc.get_traced_memory()[1] < 2 * MIB
    finally:
        tracemalloc.stop()


def test_large_textures_are_reduced_with_a_note(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr("nst3d.images.io.MOST_TEXELS", 64)
    write_image(tmp_path / "t.png", np.full((16, 16, 3), 0.5, np.float32))
    (tmp_path / "a.mtl").write_text("newmtl a\nmap_Kd t.png\n")
    (tmp_path / "a.obj").write_text(
        "mtllib a.mtl\nusemtl a\nv 0 0 0\nv 1 0 0\nv 0 1 0\nvt 0 0\nf 1/1 2/1 3/1\n"
    )
    mesh = load_mesh(tmp_path / "a.obj")
    assert mesh.textures[0].pixels.shape == (8, 8, 3)
    assert any("16 x 16 pixels, reduced to 8 x 8" in note for note in mesh.notes)


READERS: dict[str, Callable[[Path], object]] = {
    "a.png": read_image,
    "b.png": read_header,
    "a.npz": read_headers,
    "b.npz": load_field,
    "a.glb": load_mesh,
    "a.obj": load_mesh,
    "a.ply": load_splats,
    "a.spz": load_splats,
    "a.json": load_camera_path,
    "a.ckpt": nerfstudio.load_checkpoint,
    "a.pt": lambda path: load_checkpoint(path, ""),
    "a.pth": lambda path: read_convs(path, "vgg19"),
    "a.safetensors": lambda path: read_convs(path, "vgg19"),
    "a.yaml": lambda path: load_preset(str(path)),
    "config.yml": open_path,
    "meta.json": open_path,
    "transforms.json": open_path,
}


@pytest.mark.parametrize("name", READERS)
def test_pipes_are_refused_by_every_reader(tmp_path: Path, name: str) -> None:
    os.mkfifo(tmp_path / name)
    before = signal.signal(signal.SIGALRM, _hangs)
    signal.alarm(5)
    try:
        with pytest.raises(InputError, match="device or pipe"):
            READERS[name](tmp_path / name)
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def _hangs(number: int, frame: object) -> None:
    raise AssertionError("waits for the other end of the pipe")


def test_quoted_values_are_short() -> None:
    for value in ("x" * 10_000, [["x" * 50] * 50] * 50, 10**5000, {"a": {"b": {"c": 1}}}):
        assert len(shown(value)) <= 80
    assert cut("a\nb") == "a b"
    assert len(cut("word " * 1000)) == 80
