"""Scenes of other packages' readers that are broken end in one line with the file's name."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from nst3d import Format, Mesh, Splats, load, register_format, register_kind, splat_kind
from nst3d.cli.main import main
from nst3d.errors import InputError
from nst3d.formats import registry as formats
from nst3d.pipeline.kinds import registry as kinds

GOOD = Mesh.of(np.eye(3), [[0, 1, 2]])
PART = GOOD.parts[0]
MESHES = {
    "raises": (lambda path: 1 // 0, "cannot be read as a TRI (ZeroDivisionError: integer division"),
    "nothing": (lambda path: None, "(ConfigError: expected a Mesh, found a NoneType)"),
    "empty": (
        lambda path: Mesh.of(np.zeros((0, 3)), []),
        "(ConfigError: no vertices: there is nothing to paint)",
    ),
    "index": (
        lambda path: replace(GOOD, parts=(replace(PART, faces=PART.faces + 1),)),
        "faces have the index 3, but there are 3 vertices",
    ),
    "nan": (
        lambda path: replace(GOOD, parts=(replace(PART, vertices=PART.vertices * np.nan),)),
        "vertices: row 0 is not finite",
    ),
    "uvs": (
        lambda path: replace(GOOD, parts=(replace(PART, uvs=np.zeros((2, 3, 2))),)),
        "uvs of shape (2, 3, 2), expected (1, 3, 2)",
    ),
    "material": (lambda path: replace(GOOD, materials=()), "a part has material 0, but there are 0"),
}


@pytest.mark.parametrize("name", MESHES)
def test_a_mesh_of_another_package(name, tmp_path, capsys) -> None:
    read, says = MESHES[name]
    register_format(Format("tri", (".tri",), "mesh", "a TRI", read, holds=frozenset({"vertices"})))
    path = tmp_path / "a.tri"
    path.write_text("x")
    try:
        assert main(["inspect", str(path)]) == 1
    finally:
        formats._FORMATS.forget("tri")
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"nst3d: {path}: ")
    assert says in line


@pytest.mark.parametrize("fault", [{"scales": np.zeros((1, 3))}, {"positions": np.full((2, 3), np.nan)}])
def test_splats_of_another_package(fault, tmp_path, capsys) -> None:
    good = Splats.balls(np.eye(3)[:2], 0.5, np.eye(3)[:2])
    kind = splat_kind("dots", ".dots", "dots", "dots", lambda path: replace(good, **fault), lambda *rest: [])
    register_kind(kind)
    path = tmp_path / "a.dots"
    path.write_text("x")
    try:
        assert main(["render", str(path), "--out", str(tmp_path / "a.png")]) == 1
    finally:
        kinds._KINDS.forget("dots")
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"nst3d: {path}: cannot be read as dots (ConfigError: ")


def test_an_error_with_the_files_name_passes(tmp_path) -> None:
    def read(path) -> Mesh:
        raise InputError(f"{path}: line 3 is no triangle")

    register_format(Format("tri", (".tri",), "mesh", "a TRI", read))
    (tmp_path / "a.tri").write_text("x")
    try:
        with pytest.raises(InputError, match=r"a\.tri: line 3 is no triangle$"):
            load(tmp_path / "a.tri")
    finally:
        formats._FORMATS.forget("tri")
