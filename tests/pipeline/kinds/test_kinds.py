"""The rows of kinds: each command follows from them, and what tells a kind is read once."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from small_meshes import noise

import nst3d
from nst3d.errors import ConfigError, InputError
from nst3d.formats.io.peek import Peek
from nst3d.images.io import write_image
from nst3d.pipeline.jobs.blend import BlendJob, run_blend
from nst3d.pipeline.jobs.inspect import inspect_file
from nst3d.pipeline.jobs.open_scene import open_scene
from nst3d.pipeline.jobs.paint import run_job
from nst3d.pipeline.kinds.flight import Way
from nst3d.pipeline.kinds.kind import Kind, Opened, PaintRequest
from nst3d.pipeline.kinds.paint_job import Job
from nst3d.pipeline.kinds.registry import (
    all_kinds,
    check_options,
    cleaned,
    forget_kind,
    kind_named,
    open_path,
    register_kind,
)
from nst3d.pipeline.kinds.shown import check_alike
from nst3d.pipeline.runtime.findings import Report
from nst3d.pipeline.settings.shown import SceneOptions

PACKAGE = Path(nst3d.__file__).parent


def test_the_rows_are_asked_in_one_order() -> None:
    assert [k.name for k in all_kinds()] == [
        "picture",
        "field",
        "splats",
        "points",
        "nerf",
        "capture",
        "photographs",
        "mesh",
    ]
    assert len({k.rank for k in all_kinds()}) == len(all_kinds())


def test_the_kind_is_asked_in_one_place() -> None:
    calls = []
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and re.search(r"\bsniff$|_kind_of$", ast.unparse(node.func)):
                calls.append(f"{path.relative_to(PACKAGE)}: {ast.unparse(node.func)}")
    assert sorted(calls) == [
        "formats/registry.py: row.sniff",
        "pipeline/kinds/registry.py: _kind_of",
        "pipeline/kinds/registry.py: k.sniff",
        "pipeline/kinds/registry.py: k.sniff",
    ]


@pytest.mark.parametrize(
    ("name", "options", "preset", "commands"),
    [
        ("picture", {"start", "table.texture_variation"}, "picture", {"paint", "inspect", "blend"}),
        (
            "field",
            {"cameras", "keep_specular", "references", "table.field", "up"},
            "capture",
            {"paint", "show", "inspect", "blend", "source"},
        ),
        (
            "splats",
            {"cameras", "keep_specular", "references", "table.field", "up"},
            "capture",
            {"paint", "show", "inspect", "blend", "source"},
        ),
        (
            "points",
            {"cameras", "keep_specular", "references", "table.field", "up"},
            "capture",
            {"paint", "show", "inspect", "blend", "source"},
        ),
        (
            "nerf",
            {"cameras", "keep_specular", "nerf", "data"},
            "capture",
            {"paint", "show", "inspect"},
        ),
        ("capture", set(), "default", {"inspect"}),
        (
            "mesh",
            {
                "cameras",
                "renderer",
                "displace",
                "lighting",
                "references",
                "up",
                "output.formats",
                "table.texture_variation",
                "table.field",
            },
            "default",
            {"paint", "show", "inspect", "blend"},
        ),
    ],
)
def test_a_row_says_what_a_kind_is_for(name, options, preset, commands) -> None:
    row = kind_named(name)
    assert row.options == options
    assert row.preset == preset
    offered = ("paint", "show", "inspect", "blend", "source")
    assert {c for c in offered if getattr(row, c) is not None} == commands


def opened_as(name: str) -> Opened:
    return Opened(kind_named(name), Peek(Path("a.file")))


@pytest.mark.parametrize(
    ("option", "name", "line"),
    [
        ("nerf", "mesh", "`nerf` is for nerfacto runs; a.file is a mesh"),
        (
            "table.field",
            "picture",
            "`table.field` is for voxel fields, splats, point clouds and meshes; a.file is a picture",
        ),
        ("displace", "splats", "`displace` is for meshes; a.file holds splats"),
        ("lighting", "splats", "`lighting` is for meshes; a.file holds splats"),
        (
            "keep_specular",
            "mesh",
            "`keep_specular` is for voxel fields, splats, point clouds and nerfacto runs; a.file is a mesh",
        ),
        ("output.formats", "picture", "`output.formats` is for meshes; a.file is a picture"),
        ("up", "picture", "`up` is for voxel fields, splats, point clouds and meshes; a.file is a picture"),
        ("renderer='pytorch3d'", "points", "`renderer='pytorch3d'` is for meshes; a.file is a point cloud"),
        (
            "cameras",
            "picture",
            "`cameras` is for voxel fields, splats, point clouds, nerfacto runs and meshes; a.file is a picture",
        ),
    ],
)
def test_options_follow_from_the_rows(option, name, line) -> None:
    with pytest.raises(ConfigError) as error:
        check_options([option], opened_as(name))
    assert str(error.value) == line
    for kind in all_kinds():
        check_options(kind.options, Opened(kind, Peek(Path("a"))))


def test_what_can_be_cleaned_becomes_a_mesh() -> None:
    for name in ("mesh", "points"):
        assert cleaned(opened_as(name)).kind.name == "mesh"
    with pytest.raises(
        ConfigError, match=r"^`clean` is for meshes and point clouds; a\.file is a voxel field$"
    ):
        cleaned(opened_as("field"))


class Blocks:
    """A kind of another package: a text file of letters, painted as the mesh beside it."""

    asked: list[PaintRequest]

    def __init__(self) -> None:
        self.asked = []

    def row(self) -> Kind:
        return Kind(
            "blocks",
            "a pile of blocks",
            "piles of blocks",
            lambda peek: peek.suffix == ".blocks",
            paint=self.paint,
            inspect=lambda opened, config: Report(("kind: blocks",), (), {"file": str(opened.path)}),
            options=frozenset({"displace"}),
        )

    def paint(self, asked: PaintRequest) -> Any:
        self.asked.append(asked)
        raise InputError(
            f"{asked.opened.told}: {len(asked.styles)} styles, {asked.config.schedule.finest} pixels"
        )


@pytest.fixture
def blocks() -> Iterator[Blocks]:
    kind = Blocks()
    register_kind(kind.row())
    yield kind
    forget_kind("blocks")


def test_a_new_kind_is_one_row(blocks, tmp_path) -> None:
    scene, style = tmp_path / "a.blocks", tmp_path / "style.png"
    scene.write_text("ABC")
    write_image(style, noise(16, 16, 3))
    with pytest.raises(ConfigError, match="kind of scene 'blocks' is already registered"):
        register_kind(blocks.row())
    assert open_path(scene).told == f"{scene} is a pile of blocks"
    assert inspect_file(scene).contents == ("kind: blocks",)
    with pytest.raises(InputError, match="is a pile of blocks: 1 styles, 512 pixels"):
        run_job(Job(scene, (style,), tmp_path / "out"))
    assert len(blocks.asked) == 1
    with pytest.raises(InputError, match="is a pile of blocks; expected a mesh"):
        open_scene(scene, SceneOptions(), Way(), lambda text: None)
    with pytest.raises(InputError, match="is a pile of blocks, which cannot be blended"):
        run_blend(BlendJob((scene, scene), (0.5, 0.5), tmp_path / "b.blocks"))
    with pytest.raises(ConfigError, match="`displace` is for piles of blocks and meshes"):
        check_options(["displace"], opened_as("picture"))


def test_an_installed_package_adds_a_kind(tmp_path) -> None:
    (tmp_path / "block_kind.py").write_text(
        "from nst3d.pipeline.kinds.kind import Kind\n"
        "from nst3d.pipeline.runtime.findings import Report\n"
        "KIND = Kind('blocks', 'a pile of blocks', 'piles of blocks', lambda peek: peek.start == b'ABC',\n"
        "            inspect=lambda opened, config: Report(('kind: blocks',), (), {}))\n"
    )
    info = tmp_path / "block_kind-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: block-kind\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[nst3d.kinds]\nblocks = block_kind:KIND\n")
    (tmp_path / "a.obj").write_text("ABC")
    done = subprocess.run(
        [sys.executable, "-m", "nst3d.cli.main", "inspect", str(tmp_path / "a.obj")],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join([str(tmp_path), str(PACKAGE.parent)])},
    )
    assert (done.stdout, done.stderr) == ("kind: blocks\nproblems: none\n", "")


def test_scenes_of_two_classes_are_no_states_of_one() -> None:
    with pytest.raises(ConfigError, match=r"^before is a scene of another kind"):
        check_alike(_Shown(), _Other(), "before")  # type: ignore[arg-type]
    check_alike(_Shown(), _Shown())  # type: ignore[arg-type]
    with pytest.raises(
        ConfigError, match=r"^before has 0 coloured points and the scene 0, or they are in other places"
    ):
        check_alike(_Other(), _Other(), "before")  # type: ignore[arg-type]


class _Shown:
    colours = ()

    def fits(self, other: Any) -> bool:
        return True


class _Other(_Shown):
    def fits(self, other: Any) -> bool:
        return False
