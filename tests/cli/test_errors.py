"""Messages: the library names parameters, the command line its flags."""

from __future__ import annotations

import ast
import dataclasses
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from nst3d.cli.blend import BlendArguments
from nst3d.cli.capture import CaptureArguments
from nst3d.cli.errors import FLAGS, spoken
from nst3d.cli.eval import EvalArguments
from nst3d.cli.every_command import GLOBAL
from nst3d.cli.export import ExportArguments
from nst3d.cli.grade import GradeArguments
from nst3d.cli.paint import PaintArguments
from nst3d.cli.reconstruct import ReconstructArguments
from nst3d.cli.render import RenderArguments
from nst3d.cli.train_style import TrainStyleArguments
from nst3d.cli.video import VideoArguments
from nst3d.pipeline.settings.config import PaintConfig

PACKAGE = Path(__file__).resolve().parents[2] / "nst3d"
COMMANDS = (
    BlendArguments,
    CaptureArguments,
    EvalArguments,
    ExportArguments,
    GradeArguments,
    PaintArguments,
    ReconstructArguments,
    RenderArguments,
    TrainStyleArguments,
    VideoArguments,
)


@pytest.mark.parametrize(
    ("message", "says"),
    [
        (
            "a.glb: exists; give `overwrite` or another `out`",
            "a.glb: exists; give --overwrite or another --out",
        ),
        ("give `nerf='head'`", "give --nerf head"),
        ("(or give `faces=0` to keep all)", "(or give --faces 0 to keep all)"),
        ("`keep_specular` is for fields", "--keep-specular is for fields"),
        ("give `surface.paint='vertex'`", "give --settings.surface.paint vertex"),
        ("give `device='cuda'`", "give --settings.device cuda"),
        ("setting clean.faces is 9: expected", "--clean-faces is 9: expected"),
        ("setting output.crf is 70: expected", "--crf is 70: expected"),
        ("setting recipe.reduce is 9: expected", "setting recipe.reduce is 9: expected"),
        ("setting schedule.stages[0].size is 9: expected", "setting schedule.stages[0].size is 9: expected"),
        ("setting size is 5: expected", "--size is 5: expected"),
        ("quality a.yaml: setting size is 5: expected", "quality a.yaml: setting size is 5: expected"),
        ("`nst3d weights` lists `others`", "`nst3d weights` lists `others`"),
        ("a`size b.glb: no such file", "a`size b.glb: no such file"),
    ],
)
def test_parameters_become_flags(message: str, says: str) -> None:
    assert spoken(message) == says


def test_all_flags_exist() -> None:
    settings = {f.name for f in dataclasses.fields(PaintConfig)}
    known = {f"--{f.name.replace('_', '-')}" for c in COMMANDS for f in dataclasses.fields(c)}
    assert set(FLAGS.values()) <= known | set(GLOBAL) | {f"--settings.{name}" for name in settings}


def strings(tree: ast.AST) -> Iterator[ast.Constant]:
    """All strings but docstrings."""
    documents = {id(n.value) for n in ast.walk(tree) if isinstance(n, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in documents:
            yield node


def test_the_library_names_no_flags() -> None:
    """But those of other people's programs, and commands that can be copied: "nst3d reconstruct a --out b"."""
    others = (PACKAGE / "cli", PACKAGE / "integrations" / "nerfstudio" / "trainer")
    found = []
    for path in sorted(PACKAGE.rglob("*.py")):
        if any(folder in path.parents for folder in others):
            continue
        for node in strings(ast.parse(path.read_text(encoding="utf-8"))):
            if re.search(r"(?<![\w-])--(?!pipeline\.|out field\.npz|out capture/|no-deps)[a-z]", node.value):
                found.append(f"{path.relative_to(PACKAGE)}:{node.lineno}: {node.value}")
    assert not found, "\n".join(found)


def test_marked_parameters_are_flags() -> None:
    """What messages mark as a parameter is one that the command line knows."""
    groups = r"(?:displace|surface|table)\.|output\.formats"
    unknown = []
    for path in sorted(PACKAGE.rglob("*.py")):
        if PACKAGE / "cli" in path.parents:
            continue
        for node in strings(ast.parse(path.read_text(encoding="utf-8"))):
            for name in re.findall(r"`([a-z][a-z_.]*)(?:=[^`]*)?`", node.value):
                if name not in FLAGS and not re.match(groups, name):
                    unknown.append(f"{path.relative_to(PACKAGE)}:{node.lineno}: {name}")
    assert not unknown, "\n".join(unknown)
