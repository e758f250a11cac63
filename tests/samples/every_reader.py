"""A small valid file of every format that is read, and what reads it."""

from __future__ import annotations

import base64
import io
import json
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from capture_samples import poses, write_colmap, write_llff, write_transforms
from gltf_samples import Sample, noise
from nerfstudio_samples import splat_state, write_run
from npz_samples import field_of, svox2_arrays, write_npz
from PIL import Image
from small_splats import ball
from vox_samples import binvox, group, model, rgba, shape, transform, vox

from nst3d.features.convs import read_convs
from nst3d.formats.captures.photos import load_photo
from nst3d.formats.captures.registry import load_capture
from nst3d.formats.fields.own import save_own
from nst3d.formats.flights.registry import load_camera_path
from nst3d.formats.splats.registry import save_splats
from nst3d.formats.splats.sog_parts import encode_webp, zip_members
from nst3d.images.header import read_header
from nst3d.images.io import read_image
from nst3d.pipeline.kinds.any_scene import load
from nst3d.pipeline.settings.config import load_preset
from nst3d.stylize.checkpoint import load_checkpoint, save_checkpoint
from nst3d.stylize.engine import RunState


class Readable(NamedTuple):
    """A file, and the reader of the scene that it belongs to."""

    file: Path
    read: Callable[[Path], Any]
    scene: Path


def every_reader(folder: Path) -> list[Readable]:
    """One file of each format, written below `folder`."""
    plain = {**_meshes(folder), **_splats(), **_points(), **_paths()}
    for name, data in plain.items():
        (folder / name).write_bytes(data)
    found = [_alone(folder / name, load_camera_path if "path" in name else load) for name in plain]
    found += [_alone(folder / "preset.yaml", lambda path: load_preset(str(path)))]
    (folder / "preset.yaml").write_bytes((Path(__file__).parents[2] / "configs" / "quick.yaml").read_bytes())
    return [*found, *_parts(folder), *_archives(folder), *_captures(folder), *_pictures(folder)]


def _alone(path: Path, read: Callable[[Path], Any] = load) -> Readable:
    return Readable(path, read, path)


def _meshes(folder: Path) -> dict[str, bytes]:
    sample = Sample()
    material = sample.add(
        "materials", pbrMetallicRoughness={"baseColorTexture": {"index": sample.texture(noise(4, 4))}}
    )
    sample.show(sample.quad(material=material), translation=[1.0, 2.0, 3.0])
    uri = f"data:application/octet-stream;base64,{base64.b64encode(sample.binary).decode()}"
    text = {**sample.json, "buffers": [{"byteLength": len(sample.binary), "uri": uri}]}
    corner = struct.pack("<12fH", 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0)
    ply = b"ply\nformat ascii 1.0\nelement vertex 3\nproperty float x\nproperty float y\nproperty float z\n"
    ply += (
        b"element face 1\nproperty list uchar int vertex_indices\nend_header\n0 0 0\n1 0 0\n0 1 0\n3 0 1 2\n"
    )
    blocks = vox(
        model((3, 3, 3), [(0, 0, 0, 1), (1, 2, 0, 5)]), transform(0, 1), group(1, 2), transform(2, 3), shape(3, 0),
        rgba({1: (9, 8, 7)}),
    )  # fmt: skip
    filled = np.arange(60).reshape(3, 4, 5) % 3 == 0
    return {
        "a.glb": sample.glb(),
        "a.gltf": json.dumps(text).encode(),
        "a.ply": ply,
        "a.stl": bytes(80) + struct.pack("<I", 2) + corner * 2,
        "text.stl": b"solid a\nfacet normal 0 0 1\nouter loop\nvertex 0 0 0\nvertex 1 0 0\nvertex 0 1 0\n"
        b"endloop\nendfacet\nendsolid a\n",
        "a.vox": blocks,
        "a.binvox": binvox(filled),
    }


def _parts(folder: Path) -> list[Readable]:
    """A mesh in several files."""
    Image.fromarray(noise(4, 4)).save(folder / "t.png")
    (folder / "a.mtl").write_text("newmtl a\nKd 0.5 1 0.25\nmap_Kd t.png\n")
    corners = "v 0 0 0\nv 1 0 0\nv 1 1 0\nv 0 1 0\nvt 0 0\nvt 1 0\nvt 1 1\nvn 0 0 1\n"
    (folder / "a.obj").write_text(f"mtllib a.mtl\nusemtl a\n{corners}f 1/1/1 2/2/1 3/3/1 4/1/1\nf -1 -2 -3\n")
    return [Readable(folder / name, load, folder / "a.obj") for name in ("a.obj", "a.mtl", "t.png")]


def _splats() -> dict[str, bytes]:
    random = np.random.default_rng(0)
    names = [
        f"{side}_{n}" for side in ("min", "max") for n in ("x", "y", "z", "scale_x", "scale_y", "scale_z")
    ]
    words = ("packed_position", "packed_rotation", "packed_scale", "packed_color")
    lines = ["ply", "format binary_little_endian 1.0", "element chunk 1"]
    lines += [
        *(f"property float {n}" for n in names),
        "element vertex 9",
        *(f"property uint {n}" for n in words),
    ]
    packed = "\n".join([*lines, "end_header", ""]).encode()
    packed += np.repeat([-1.0, 1.0], 6).astype("<f4").tobytes() + random.bytes(9 * 16)
    pictures = ("means_l", "means_u", "scales", "quats", "sh0")
    members = {f"{n}.webp": encode_webp(random.integers(0, 256, (3, 3, 4), np.uint8)) for n in pictures}
    book = np.linspace(-2, 2, 256).tolist()
    meta = {
        "version": 2, "count": 8, "means": {"mins": [-1, -2, 0], "maxs": [1, 2, 3], "files": list(members)[:2]},
        "scales": {"codebook": book, "files": ["scales.webp"]}, "quats": {"files": ["quats.webp"]},
        "sh0": {"codebook": book, "files": ["sh0.webp"]},
    }  # fmt: skip
    sog = zip_members(members | {"meta.json": json.dumps(meta).encode()})
    return {"a.compressed.ply": packed, "a.sog": sog}


def _points() -> dict[str, bytes]:
    head = "FIELDS x y z rgb\nSIZE 4 4 4 4\nTYPE F F F U\nCOUNT 1 1 1 1\nWIDTH 4\nHEIGHT 1\nPOINTS 4\nDATA "
    rows = np.arange(16, dtype="<f4").tobytes()
    lzf = b"".join(bytes([31]) + rows[i : i + 32] for i in (0, 32))
    ply = b"ply\nformat binary_little_endian 1.0\nelement vertex 4\n" + b"".join(
        b"property float %c\n" % c for c in b"xyzw"
    )
    return {
        "text.pcd": head.encode() + b"ascii\n" + b"1 2 3 4\n" * 4,
        "rows.pcd": head.encode() + b"binary\n" + rows,
        "packed.pcd": head.encode() + b"binary_compressed\n" + struct.pack("<II", len(lzf), 64) + lzf,
        "a.xyz": b"0 1 2 255 0 0\n3 4 5 0 255 0\n6 7 9 1 2 3\n",
        "points.ply": ply + b"end_header\n" + rows,
    }


def _paths() -> dict[str, bytes]:
    frames = [{"camera_to_world": p.ravel().tolist(), "fov": 50.0, "aspect": 1.5} for p in poses(3)]
    text = {"camera_type": "perspective", "render_height": 96, "render_width": 144, "fps": 10, "seconds": 1}
    keys = "".join(f"- {{position: [{k}, 2, 1], look_at: [0, 0, 0], time: {k}}}\n" for k in range(3))
    return {
        "path.json": json.dumps({**text, "keyframes": [], "camera_path": frames}).encode(),
        "path.yaml": f"fps: 12\nsize: 64x48\nloop: true\nkeyframes:\n{keys}".encode(),
    }


def _archives(folder: Path) -> list[Readable]:
    """Arrays and tensors, and the formats that nst3d writes."""
    found = []
    for suffix in (".ply", ".splat", ".spz"):
        save_splats(folder / f"ball{suffix}", ball(8), ball(8).colours, 1.0)
        found.append(_alone(folder / f"ball{suffix}"))
    save_own(folder / "own.npz", field_of(20))
    write_npz(folder / "svox2.npz", svox2_arrays(20))
    images, given = np.zeros((3, 4, 5, 3), np.uint8), poses(3)
    np.savez_compressed(folder / "images.npz", images=images, poses=given, focal=np.array(9.0))
    found += [_alone(folder / name) for name in ("own.npz", "svox2.npz", "images.npz")]
    config = write_run(folder / "run", splat_state(6))
    model = config.parent / "nerfstudio_models" / "step-000000029.ckpt"
    found += [
        Readable(path, load, config)
        for path in (config, model, config.with_name("dataparser_transforms.json"))
    ]
    state = RunState(
        1, 2, 3, [0, 1], [0.5], 0.5, {"a": 0.5}, 0.5, torch.Generator().get_state(), [torch.ones(4, 3)]
    )
    save_checkpoint(folder / "checkpoint.pt", state, "f")
    torch.save(
        {"features.0.weight": torch.ones(2, 3, 3, 3), "features.0.bias": torch.ones(2)}, folder / "vgg.pth"
    )
    found.append(_alone(folder / "checkpoint.pt", lambda path: load_checkpoint(path, "f")))
    return [*found, _alone(folder / "vgg.pth", lambda path: read_convs(path, "vgg19"))]


def _captures(folder: Path) -> list[Readable]:
    for name in ("transforms", "text", "binary", "llff"):
        (folder / name).mkdir()
    transforms = write_transforms(folder / "transforms", poses(3))
    numbers = [40.0, 40.0, 16.0, 12.0]
    parts = [transforms, folder / "transforms" / "images" / "0001.png"]
    found = [Readable(path, _photographs, transforms) for path in parts]
    for name in ("text", "binary"):
        model = write_colmap(folder / name, "PINHOLE", numbers, name == "binary")
        found += [Readable(path, load, folder / name) for path in sorted(model.iterdir())]
    return [*found, Readable(write_llff(folder / "llff") / "poses_bounds.npy", load, folder / "llff")]


def _photographs(path: Path) -> None:
    for photo in load_capture(path).photos:
        load_photo(photo)


def _pictures(folder: Path) -> list[Readable]:
    found = []
    for kind in ("png", "jpg", "webp", "tiff", "bmp", "gif", "tga", "ppm", "dds", "ico", "jp2"):
        path = folder / f"picture.{kind}"
        buffer = io.BytesIO()
        pixels = noise(16, 16, channels=3 if kind in ("jpg", "ppm", "bmp") else 4)
        names = {"jpg": "JPEG", "jp2": "JPEG2000"}
        Image.fromarray(pixels).save(buffer, names.get(kind, kind.upper()))
        path.write_bytes(buffer.getvalue())
        found.append(_alone(path, _picture))
    return found


def _picture(path: Path) -> None:
    read_image(path, max_pixels=100)
    read_header(path)
