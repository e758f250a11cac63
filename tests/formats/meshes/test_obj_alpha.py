"""d, Tr and map_d of OBJ materials."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from nst3d.formats.meshes.obj_read import load_obj
from nst3d.formats.meshes.obj_write import save_obj
from nst3d.images.io import write_image
from nst3d.images.levels import from_bytes
from nst3d.representations.mesh import Mesh
from nst3d.representations.paint import TexturePaint, TextureSlot
from nst3d.tensors import ImageSize

SQUARE = "mtllib a.mtl\nv 0 0 0\nv 1 0 0\nv 1 1 0\nvt 0 0\nvt 1 0\nvt 1 1\nusemtl m\nf 1/1 2/2 3/3\n"


def loaded(folder: Path, *lines: str) -> Mesh:
    (folder / "a.obj").write_text(SQUARE)
    (folder / "a.mtl").write_text("\n".join(("newmtl m", "Kd 1 1 1", *lines)))
    return load_obj(folder / "a.obj")


@pytest.mark.parametrize(
    ("lines", "mode", "alpha"),
    [
        (["d 0.25"], "blend", 0.25),
        (["Tr 0.25"], "blend", 0.75),
        (["Tr 0.25", "d 0.25"], "blend", 0.25),
        (["d 1", "Tr 1"], "opaque", 1),
        (["Tr 1"], "opaque", 1),
        (["d 1.0"], "opaque", 1),
        (["d -halo 0.5"], "opaque", 1),
        (["d 7"], "opaque", 1),
    ],
)
def test_opacity_as_authors_write_it(tmp_path: Path, lines, mode, alpha) -> None:
    (material,) = loaded(tmp_path, *lines).materials
    assert (material.alpha_mode, material.alpha) == (mode, alpha)


def test_a_mask_in_grey_or_in_the_alpha_of_the_colours(tmp_path: Path) -> None:
    binary = (np.arange(16).reshape(4, 4) % 2).astype(np.float32)
    soft = np.linspace(0, 1, 16, dtype=np.float32).reshape(4, 4)
    colours = np.full((4, 4, 3), 0.4, np.float32)
    write_image(tmp_path / "colours.png", colours)
    for mask, mode in ((binary, "mask"), (soft, "blend")):
        write_image(tmp_path / "grey.png", np.repeat(mask[..., None], 3, axis=2))
        write_image(tmp_path / "both.png", colours, mask)
        for image, name in (("colours.png", "grey.png"), ("both.png", "both.png")):
            mesh = loaded(tmp_path, f"map_Kd {image}", f"map_d {name}")
            np.testing.assert_allclose(from_bytes(mesh.textures[0].alpha), mask, atol=1 / 255)
            assert mesh.materials[0].alpha_mode == mode


def test_a_mask_that_is_missing_is_noted(tmp_path: Path) -> None:
    write_image(tmp_path / "colours.png", np.full((4, 4, 3), 0.4, np.float32))
    mesh = loaded(tmp_path, "map_Kd colours.png", "map_d gone.png")
    assert mesh.materials[0].alpha_mode == "opaque"
    assert any("gone.png" in note and "opaque" in note for note in mesh.notes)


def test_what_is_written_anew_is_as_transparent(tmp_path: Path) -> None:
    mesh = loaded(tmp_path, "d 0.25")
    slot = TextureSlot(
        "atlas", ImageSize(2, 2), 0, ("clamp", "clamp"), (0,), None, np.eye(2, dtype=np.float32)
    )
    paint = TexturePaint((slot,), (0,), (mesh.parts[0].uvs,), (True,))
    save_obj(tmp_path / "b.obj", mesh, paint, np.ones((4, 3), np.float32))
    again = load_obj(tmp_path / "b.obj")
    assert (again.materials[0].alpha_mode, again.materials[0].alpha) == ("blend", 0.25)
    np.testing.assert_array_equal(from_bytes(again.textures[0].alpha), slot.alpha)
