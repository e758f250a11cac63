"""What tiny jobs paint."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from small_meshes import cube, noise

from nst3d.images.io import write_image


@pytest.fixture(scope="session")
def inputs(tmp_path_factory) -> Path:
    """A cube with vertex colours' UVs as OBJ, a style and a photo."""
    folder = tmp_path_factory.mktemp("inputs with spaces")
    box = cube()
    lines = ["mtllib cube.mtl", "usemtl skin"]
    lines += [f"v {x} {y} {z}" for x, y, z in box.vertices]
    lines += [f"vt {u} {v}" for u, v in box.uvs.reshape(-1, 2)]
    for number, face in enumerate(box.faces):
        lines.append("f " + " ".join(f"{i + 1}/{3 * number + k + 1}" for k, i in enumerate(face)))
    (folder / "cube.obj").write_text("\n".join(lines))
    (folder / "cube.mtl").write_text("newmtl skin\nmap_Kd skin.png\n")
    write_image(folder / "skin.png", np.kron(noise(8, 12, 3), np.ones((4, 4, 1), np.float32)))
    write_image(folder / "style.png", np.kron(noise(8, 8, 3, seed=1), np.ones((6, 6, 1), np.float32)))
    write_image(folder / "photo.png", noise(36, 48, 3, seed=2))
    return folder
