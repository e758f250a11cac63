"""What the documentation says works: its commands, its Python, its links, its presets."""

from __future__ import annotations

import ast
import inspect
import re
import shlex
from pathlib import Path

import pytest

import nst3d
from nst3d.cli import main as cli
from nst3d.pipeline.kinds.paint_job import Job, Result
from nst3d.pipeline.settings.config import PaintConfig

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]


class UnderstoodError(BaseException):
    """Raised where a command line was understood and the work would begin."""


@pytest.fixture
def understood(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """Runs a command line up to where its work begins, beside a direction, which is read before."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "look.yaml").write_text("styles: {wave: wave.jpg}\n")

    def stop(*arguments: object, **more: object) -> None:
        raise UnderstoodError(*arguments)

    for name in ("paint.run_job", "render.run_render", "render.run_for_painting",
                 "inspect.inspect_file", "doctor.examine", "weights.list_weights",
                 "weights.fetch_weights", "reconstruct.run_reconstruct", "blend.run_blend", "video.run_video",
                 "export.run_export", "capture.run_capture", "train_style.run_training", "regions.run_regions",
                 "train_style.run_cycle_training",
                 "grade.run_grade", "eval.run_eval", "eval.write_pairs", "eval.count_votes",
                 "sweep.run_sweep", "view.open_window_content"):  # fmt: skip
        monkeypatch.setattr(f"nst3d.cli.{name}", stop)

    def run(line: str) -> UnderstoodError:
        with pytest.raises(UnderstoodError) as reached:
            cli.main(shlex.split(line, comments=True)[1:])
        return reached.value

    return run


def commands() -> list[str]:
    """The command lines in the README and in the commands' help."""
    texts = [README, *(p.read_text(encoding="utf-8") for p in sorted((ROOT / "nst3d/cli").glob("*.py")))]
    lines = [
        line
        for text in texts
        for line in re.findall(r"^ +(nst3d [a-z-]+.*?)(?:\"\"\")?$", text, re.MULTILINE)
    ]
    return sorted({line for line in lines if "COMMAND" not in line})


def test_commands_are_found() -> None:
    assert {line.split()[1] for line in commands()} >= {
        "paint",
        "reconstruct",
        "blend",
        "export",
        "render",
        "inspect",
        "weights",
        "doctor",
        "demo",
    }


@pytest.mark.parametrize("line", commands())
def test_every_command_line_is_understood(line: str, understood) -> None:
    assert isinstance(understood(line), UnderstoodError)


def options() -> list[str]:
    """The settings that the documentation names with a value."""
    texts = [page.read_text(encoding="utf-8") for page in PAGES]
    return sorted({option for text in texts for option in re.findall(r"`(--settings\.\S+ [\w.]+)`", text)})


@pytest.mark.parametrize("option", options())
def test_every_setting_named_is_there(option: str, understood) -> None:
    job = understood(f"nst3d paint a.glb --style b.jpg --out c {option}").args[0]
    assert job.config != PaintConfig()


BLOCKS = re.findall(r"```python\n(.*?)```", README, re.DOTALL)


@pytest.mark.parametrize("block", BLOCKS)
def test_the_python_examples_fit_the_interface(block: str) -> None:
    calls = 0
    for node in ast.walk(ast.parse(block)):
        if isinstance(node, ast.ImportFrom):
            assert all(hasattr(nst3d, alias.name) for alias in node.names)
        if isinstance(node, ast.Call):
            name = ast.unparse(node.func).removeprefix("nst3d.")
            if hasattr(nst3d, name):
                keywords = {k.arg: ast.unparse(k.value) for k in node.keywords}
                inspect.signature(getattr(nst3d, name)).bind(*node.args, **keywords)
                calls += 1
        if isinstance(node, ast.Constant) and str(node.value).startswith("scenes/"):
            assert (ROOT / node.value).is_file()
    assert calls


def test_the_python_example_reads_what_a_result_has() -> None:
    used = {n.attr for n in ast.walk(ast.parse(BLOCKS[0])) if isinstance(n, ast.Attribute)}
    assert used == {"paths", "metrics"} <= set(inspect.signature(Result).parameters)
    assert Job("a.glb", ["b.jpg"], "c").styles == (Path("b.jpg"),)


def test_all_presets_are_named() -> None:
    names = {"default", *(p.stem for p in (ROOT / "configs").glob("*.yaml"))}
    assert set(re.findall(r"^\| `([\w-]+)` \|.*\|.*\|$", README, re.MULTILINE)) == names
    names |= {p.stem for p in (ROOT / "configs" / "looks").glob("*.yaml")}
    for text in ((ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), inspect.getsource(cli)):
        assert set(re.findall(r"--preset ([\w-]+)", text)) <= names


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\((?!https?://)([^)#]+)", page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), f"{page.name} links to {target}, which is not there"
