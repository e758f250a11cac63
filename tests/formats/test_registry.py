"""Formats: each registers itself once, and options and messages follow from that."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import get_type_hints

import numpy as np
import pytest

import nst3d
from nst3d.errors import ConfigError, InputError
from nst3d.formats import registry
from nst3d.formats.mesh_files import load_mesh, mesh_formats, save_mesh
from nst3d.formats.meshes.obj_read import load_obj
from nst3d.formats.meshes.obj_write import save_obj
from nst3d.formats.registry import (
    Format,
    all_formats,
    forget_format,
    format_by_name,
    format_named,
    format_of,
    formats_of,
    register_format,
    suffixes_of,
    written_suffixes,
)
from nst3d.pipeline.settings.config import OutputOptions, PaintConfig, override
from nst3d.representations.paint import VertexPaint

PACKAGE = Path(nst3d.__file__).parent
TRIANGLE = "v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n"


@pytest.fixture
def registered() -> Iterator[Callable[[Format], Format]]:
    """Registers formats, and takes them out again."""
    names: list[str] = []

    def register(row: Format) -> Format:
        register_format(row)
        names.append(row.name)
        return row

    yield register
    for name in set(names):
        forget_format(name)


def test_every_file_that_registers_a_format_is_imported_for_it() -> None:
    files = [p for p in (PACKAGE / "formats").rglob("*.py") if p.name != "registry.py"]
    found = {
        p
        for p in files
        if re.search(r"^register_(format|foreign)\(", p.read_text(encoding="utf-8"), re.MULTILINE)
    }
    modules = {".".join(p.relative_to(PACKAGE.parent).with_suffix("").parts) for p in found}
    assert modules == set(registry._MODULES)


def test_the_order_does_not_depend_on_what_was_imported_first() -> None:
    code = "{}; from nst3d.formats.registry import all_formats; print(*[f.name for f in all_formats()])"
    answers = {
        subprocess.run(
            [sys.executable, "-c", code.format(f"import nst3d.formats.{first}")],
            capture_output=True, text=True, check=True,
        ).stdout
        for first in ("voxels.vox", "meshes.ply")
    }  # fmt: skip
    assert answers == {" ".join(f.name for f in all_formats()) + "\n"}


def test_suffixes_and_names_are_well_formed() -> None:
    for row in all_formats():
        assert re.fullmatch(r"[a-z-]+", row.name)
        assert all(re.fullmatch(r"(\.[a-z3]+)+", s) for s in row.suffixes)
        assert row.suffixes or row.sniff
        assert row.load or row.hint
        assert all(len(m) <= 64 for m in row.magic)


def test_what_is_offered_is_what_is_written() -> None:
    """The list of the settings and that of the subject were two, and differed by vox."""
    written = [f.name for f in mesh_formats()]
    assert written == ["glb", "gltf", "obj", "ply", "vox"]
    assert OutputOptions(tuple(written)).formats == tuple(written)
    config = override(PaintConfig(), {"output": {"formats": written}}, "test")
    assert config.output.formats == tuple(written)
    assert get_type_hints(OutputOptions)["formats"] == tuple[str, ...]
    with pytest.raises(ConfigError, match=r"output\.formats is 'stl': choose glb, gltf, obj, ply, vox$"):
        OutputOptions(("glb", "stl"))


@pytest.mark.parametrize(
    ("reads", "suffixes"),
    [
        (
            "mesh",
            [".glb", ".gltf", ".obj", ".ply", ".stl", ".binvox", ".vox", ".dae", ".off", ".3mf", ".xaml"],
        ),
        ("points", [".glb", ".gltf", ".pcd", ".ply", ".xyz"]),
        ("splats", [".ply", ".compressed.ply", ".sog", ".splat", ".spz", ".glb", ".gltf"]),
        ("field", [".npz"]),
        ("flight", [".json", ".yaml", ".yml"]),
        ("nothing", []),
    ],
)
def test_what_is_read(reads, suffixes) -> None:
    assert suffixes_of(reads) == suffixes


def test_what_is_written() -> None:
    assert written_suffixes("mesh") == [".glb", ".gltf", ".obj", ".ply", ".vox"]
    assert written_suffixes("splats") == [".ply", ".splat", ".spz"]
    assert [f.name for f in formats_of("splats", "points") if f.repaint] != []


@pytest.mark.parametrize(
    ("name", "reads", "found"),
    [
        ("a.compressed.ply", "splats", "compressed-ply"),
        ("A.PLY", "splats", "splat-ply"),
        ("a.ply", "mesh", "ply"),
        ("a.jpeg", "picture", "jpeg"),
        ("a.xyz", "mesh", None),
        (".ply", "mesh", None),
    ],
)
def test_a_name_to_be_written_says_the_format(name, reads, found) -> None:
    row = format_named(name, reads)
    assert (row and row.name) == found


def test_a_format_is_registered_in_one_line_and_is_then_everywhere(registered, tmp_path) -> None:
    registered(
        Format("triangles", (".tri",), "mesh", "a file of triangles", load_obj, save_obj, magic=(b"# tri",))
    )
    path = tmp_path / "a.tri"
    path.write_text("# tri\n" + TRIANGLE)
    mesh = load_mesh(path)
    assert mesh.num_faces == 1
    assert format_of(path, "mesh") is format_by_name("triangles")
    assert save_mesh(tmp_path / "b.tri", mesh, VertexPaint(mesh.parts, (0,)), np.zeros((3, 3), np.float32))
    assert "triangles" in [f.name for f in mesh_formats()]
    OutputOptions(("triangles",))
    with pytest.raises(InputError, match=r"supported are .*\.tri"):
        load_mesh(_with(tmp_path / "a.what", TRIANGLE))
    with pytest.raises(InputError, match=r"is a file of triangles; rename it to end in \.tri"):
        load_mesh(_with(tmp_path / "a.obj", "# tri\n" + TRIANGLE))


def test_names_and_suffixes_are_taken_once(registered) -> None:
    with pytest.raises(ConfigError, match=r"^format 'obj' is already registered"):
        registered(Format("obj", (".obj2",), "mesh", "an OBJ", load_obj))
    with pytest.raises(ConfigError, match=r"^format 'objs': \.obj is already the suffix of 'obj'") as error:
        registered(Format("objs", (".x", ".obj"), "mesh", "an OBJ", load_obj, sniff=lambda peek: True))
    assert "\n" not in str(error.value)
    registered(Format("objs", (".obj",), "blocks", "an OBJ of blocks", load_obj))
    assert suffixes_of("blocks") == [".obj"]
    forget_format("objs")
    with pytest.raises(ConfigError, match=r"did you mean 'obj'\?"):
        format_by_name("objs")
    registered(Format("objs", (".objs",), "mesh", "many OBJs", load_obj))


def test_a_sniff_tells_formats_of_one_suffix_apart(registered, tmp_path) -> None:
    def sniff(peek: object) -> bool:
        return peek.start.startswith(b"A")  # type: ignore[attr-defined]

    for name in ("a", "b"):
        registered(Format(name, (".ab",), "letters", "letters", lambda path: path, sniff=sniff))
        sniff = lambda peek: not peek.start.startswith(b"A")  # noqa: E731
    found = [format_of(_with(tmp_path / f"{text}.ab", text), "letters") for text in ("A", "B")]
    assert [f and f.name for f in found] == ["a", "b"]
    assert format_of(tmp_path, "letters") is None


def test_an_installed_package_adds_a_format(tmp_path) -> None:
    """One that can be read is; one that lacks a package is a note."""
    (tmp_path / "tri_reader.py").write_text(
        "from nst3d.formats.meshes.obj_read import load_obj\n"
        "from nst3d.formats.registry import Format\n"
        "def formats():\n"
        "    yield Format('tri', ('.tri',), 'mesh', 'a file of triangles', load_obj)\n"
    )
    (tmp_path / "broken_reader.py").write_text("import none_such_package\n")
    for name in ("tri", "broken"):
        info = tmp_path / f"{name}_reader-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}-reader\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[nst3d.formats]\n{name} = {name}_reader:formats\n")
    scene = _with(tmp_path / "a.tri", TRIANGLE)
    done = subprocess.run(
        [sys.executable, "-m", "nst3d.cli.main", "inspect", str(scene)],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join([str(tmp_path), str(PACKAGE.parent)])},
    )
    assert done.returncode == 0
    assert "faces: 1" in done.stdout
    (note,) = done.stderr.splitlines()
    assert note == (
        "note: entry point 'broken' of broken-reader (nst3d.formats) cannot be loaded: ModuleNotFoundError: No module"
        " named 'none_such_package'; pip install none_such_package, or pip uninstall broken-reader"
    )


def _with(path: Path, text: str) -> Path:
    path.write_text(text)
    return path
