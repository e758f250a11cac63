"""glTF with splats (KHR_gaussian_splatting), written by the tests themselves."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import numpy as np

from nst3d.representations.splats import Splats
from nst3d.tensors import Array

NAME = "KHR_gaussian_splatting"


def attributes_of(splats: Splats, linear: bool = False) -> dict[str, Array]:
    """The attributes of a primitive; COLOR_0 in bytes, linear or as displayed."""
    shown = np.clip(splats.colours, 0, 1)
    shown = shown**2.2 if linear else shown
    colours = np.concatenate([shown, splats.opacities[:, None]], axis=1)
    return {
        "POSITION": splats.positions,
        f"{NAME}:ROTATION": splats.rotations[:, [1, 2, 3, 0]],
        f"{NAME}:SCALE": splats.scales,
        f"{NAME}:OPACITY": splats.opacities[:, None],
        "COLOR_0": np.rint(colours * 255).astype(np.uint8),
    } | {
        f"{NAME}:SH_DEGREE_{d}_COEF_{k}": splats.harmonics[:, d * d + k]
        for d in range(splats.degree + 1)
        for k in range(2 * d + 1)
    }


def document_of(clouds: list[dict[str, Array]], **node: Any) -> tuple[dict[str, Any], bytes]:
    """The JSON and buffer of one mesh with a primitive per cloud, shown by one node."""
    views: list[Any] = []
    accessors: list[Any] = []
    binary = b""
    for cloud in clouds:
        for rows in cloud.values():
            data = np.ascontiguousarray(rows).tobytes()
            views.append({"buffer": 0, "byteOffset": len(binary), "byteLength": len(data)})
            kind = {1: "SCALAR", 3: "VEC3", 4: "VEC4"}[rows.shape[1]]
            plain = rows.dtype == np.float32
            accessors.append({"bufferView": len(views) - 1, "componentType": 5126 if plain else 5121, "type": kind,
                              "count": len(rows)} | ({} if plain else {"normalized": True}))  # fmt: skip
            binary += data + bytes(-len(data) % 4)
    first = 0
    primitives = []
    for cloud in clouds:
        told = {"kernel": "ellipse", "colorSpace": "srgb_rec709_display"}
        primitives.append({"attributes": {n: first + i for i, n in enumerate(cloud)}, "mode": 0,
                           "extensions": {NAME: told}, "extras": {"kept": True}})  # fmt: skip
        first += len(cloud)
    return {
        "asset": {"version": "2.0"},
        "extensionsUsed": [NAME],
        "scenes": [{"nodes": [0]}],
        "nodes": [{"mesh": 0, **node}],
        "meshes": [{"primitives": primitives}],
        "buffers": [{"byteLength": len(binary)}],
        "bufferViews": views,
        "accessors": accessors,
    }, binary


def write_glb(path: Path, content: dict[str, Any], binary: bytes) -> Path:
    text = json.dumps(content).encode()
    text += b" " * (-len(text) % 4)
    body = (
        struct.pack("<II", len(text), 0x4E4F534A)
        + text
        + struct.pack("<II", len(binary), 0x004E4942)
        + binary
    )
    path.write_bytes(struct.pack("<4sII", b"glTF", 2, 12 + len(body)) + body)
    return path
