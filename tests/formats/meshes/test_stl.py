"""STL: binary and ASCII give the same merged mesh, and broken files one line."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest

from nst3d.errors import InputError
from nst3d.formats.meshes.stl import load_stl
from nst3d.representations.diagnose import problems

TETRAHEDRON = np.asarray([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]], np.float32)
FACES = np.asarray([[0, 2, 1], [0, 1, 3], [0, 3, 2], [1, 2, 3]])


def binary(title: bytes = b"solid but binary") -> bytes:
    rows = b"".join(struct.pack("<12fH", 0, 0, 0, *TETRAHEDRON[f].ravel(), 7) for f in FACES)
    return title.ljust(80, b" ") + struct.pack("<I", len(FACES)) + rows


def ascii_text() -> str:
    facets = ""
    for face in FACES:
        corners = "".join(f"      vertex {x:e} {y:e} {z:e}\n" for x, y, z in TETRAHEDRON[face])
        facets += f"  facet normal 0 0 0\n    outer loop\n{corners}    endloop\n  endfacet\n"
    return f"solid a name\n{facets}endsolid a name\n"


def test_both_kinds_are_the_same_closed_mesh(tmp_path: Path) -> None:
    (tmp_path / "a.stl").write_bytes(binary())
    (tmp_path / "b.STL").write_text(ascii_text().upper())
    for name in ("a.stl", "b.STL"):
        mesh = load_stl(tmp_path / name)
        part = mesh.parts[0]
        np.testing.assert_array_equal(part.vertices[part.faces], TETRAHEDRON[FACES])
        assert len(part.vertices) == 4
        assert mesh.up == (0, 0, 1)
        assert not [line for line in problems(mesh) if "edges" in line or "inwards" in line]


def coloured(attributes: list[int], title: bytes = b"") -> bytes:
    rows = b"".join(
        struct.pack("<12fH", 0, 0, 0, *TETRAHEDRON[f].ravel(), a) for f, a in zip(FACES, attributes)
    )
    return title.ljust(80, b" ") + struct.pack("<I", len(FACES)) + rows


RED_LAST, RED_FIRST = 31 << 10, 31
"""Of the five-bit colours of VisCAM and of Magics."""


@pytest.mark.parametrize(
    ("data", "others"),
    [
        (coloured([1 << 15 | RED_LAST, 7, 0, 1]), (0.8, 0.8, 0.8)),
        (coloured([RED_FIRST, *[1 << 15] * 3], b"COLOR=\x00\xff\x00\xff,MATERIAL="), (0, 1, 0)),
    ],
    ids=["VisCAM", "Magics"],
)
def test_colours_of_faces(tmp_path: Path, data: bytes, others: tuple[float, ...]) -> None:
    (tmp_path / "a.stl").write_bytes(data)
    mesh = load_stl(tmp_path / "a.stl")
    part = mesh.parts[0]
    np.testing.assert_array_equal(part.vertices[part.faces], TETRAHEDRON[FACES])
    np.testing.assert_allclose(part.colours[part.faces][:, 0], [(1, 0, 0), *[others] * 3], atol=1e-6)
    assert (part.colours[part.faces] == part.colours[part.faces][:, :1]).all()
    assert len(part.vertices) == 3 + 4
    assert mesh.materials[0].factor == (1, 1, 1)


def test_rounding_merges_and_a_wild_corner_does_not(tmp_path: Path) -> None:
    text = ascii_text().replace("vertex 1.0", "vertex 1.0000001", 1)
    (tmp_path / "a.stl").write_text(text)
    assert len(load_stl(tmp_path / "a.stl").parts[0].vertices) == 4
    many = "".join(ascii_text().replace("vertex 0.0", f"vertex {k}.0") for k in range(30))
    (tmp_path / "a.stl").write_text(many.replace("vertex 29.000000e+00", "vertex inf", 1))
    mesh = load_stl(tmp_path / "a.stl")
    assert mesh.notes[0] == "dropped faces whose vertices are not finite numbers: 1"


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", "0 bytes"),
        (binary()[:-1], "declares 4 triangles and contains 3"),
        (ascii_text()[:-20].encode(), "truncated"),
        (ascii_text().replace("vertex 1.0", "vertex one").encode(), "expected numbers"),
        (b"solid x\nendsolid x\n", "no faces"),
    ],
)
def test_broken_files_give_one_line(tmp_path: Path, data: bytes, expected: str) -> None:
    (tmp_path / "a.stl").write_bytes(data)
    with pytest.raises(InputError) as error:
        load_stl(tmp_path / "a.stl")
    assert expected in str(error.value)
    assert "\n" not in str(error.value)


def test_real_files_are_merged(data_dir: Path) -> None:
    part = load_stl(data_dir / "meshes/untextured/featuretype.STL")
    assert (part.num_faces, len(part.parts[0].vertices)) == (3476, 1722)
    assert not [line for line in problems(part) if "edges" in line]
    hole = load_stl(data_dir / "meshes/ugly/assimp/sphereWithHole.stl")
    assert any(line.startswith("open edges") and line.endswith(": 9") for line in problems(hole))
