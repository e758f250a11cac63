"""The commands called as functions: answers, errors and exit codes."""

from __future__ import annotations

import json
import os
import stat
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from nst3d.cli.main import main
from nst3d.weights.known import SOURCES

Call = Callable[..., tuple[int, str, str]]


@pytest.fixture
def call(capfd: pytest.CaptureFixture[str]) -> Call:
    """Runs a command; returns exit code, stdout and stderr."""

    def run(*arguments: object) -> tuple[int, str, str]:
        try:
            code = main([str(a) for a in arguments])
        except SystemExit as stop:  # tyro's way to end
            code = int(stop.code or 0)
        return code, *capfd.readouterr()

    return run


def _is_one_line(errors: str) -> bool:
    return errors.startswith("nst3d: ") and errors.count("\n") == 1


@pytest.mark.parametrize("command", ["paint", "render", "inspect", "weights", "demo", "doctor"])
def test_every_command_has_help(call: Call, command: str) -> None:
    code, answer, _ = call(command, "--help")
    assert code == 0
    assert f"usage: nst3d {command}" in answer


def test_paint_help_all_lists_settings(call: Call) -> None:
    code, answer, _ = call("paint", "--help-all")
    assert code == 0
    assert "--settings.recipe.style-scale" in answer


def test_without_a_command_the_help_is_shown(call: Call) -> None:
    code, answer, _ = call()
    assert code == 2
    assert "usage: nst3d COMMAND" in answer


def test_unknown_command(call: Call) -> None:
    code, _, errors = call("pant")
    assert code == 2
    assert _is_one_line(errors)
    assert "'pant'" in errors


@pytest.mark.parametrize(
    "arguments",
    [
        ["paint"],
        ["paint", "a.glb", "--out", "b", "--settings.recipe.no-such-thing", "1"],
        ["paint", "a.glb", "--out", "b", "--size", "large"],
        ["render", "a.glb", "--out", "b.mp4", "--lighting", "zigzag"],
        ["weights", "fetch"],
    ],
)
def test_wrong_usage_is_told_from_errors(call: Call, arguments: list[str]) -> None:
    code, _, errors = call(*arguments)
    assert code == 2
    assert errors
    assert "Traceback" not in errors


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"scene": "missing.glb"}, "missing.glb: no such file"),
        ({"scene": "style.txt"}, "not a readable mesh"),
        ({"--style": "missing.png"}, "missing.png: no such file"),
        ({"--style": "cube.glb"}, "not a readable picture"),
        ({"--preset": "nonsense"}, "preset 'nonsense' is not known"),
        ({"--out": "style.txt"}, "style.txt: is a file"),
        ({"--out": "full"}, "full: exists and is not empty; give --overwrite"),
        ({"--out": "style.txt/deeper"}, "cannot be created or written"),
        ({"--iterations": "-1"}, "--iterations is -1: expected a number from 0"),
        (
            {"--iterations": "0"},
            "--iterations is 0, which changes nothing: give 1 or more, or a --teacher to paint without steps",
        ),
        ({"--settings.device": "abacus"}, "device 'abacus' is not known"),
    ],
)
def test_paint_errors(call: Call, inputs: Path, change: dict[str, str], says: str) -> None:
    (inputs / "style.txt").write_text("not a picture")
    (inputs / "full").mkdir(exist_ok=True)
    (inputs / "full" / "precious").touch()
    given = {"scene": "cube.glb", "--style": "style.png", "--out": f"none-{abs(hash(says))}"} | change
    paths = {name: inputs / given.pop(name) for name in ("scene", "--style", "--out")}
    rest = [word for pair in given.items() for word in pair]
    options = ["--style", paths["--style"], "--out", paths["--out"], "--quiet", "--size", 48, *rest]
    code, answer, errors = call("paint", paths["scene"], *options)
    assert (code, answer) == (1, "")
    assert _is_one_line(errors), errors
    assert says in errors
    assert [p.name for p in (inputs / "full").iterdir()] == ["precious"]


def test_paint_needs_a_style(call: Call, inputs: Path) -> None:
    code, _, errors = call("paint", inputs / "cube.glb", "--out", inputs / "none")
    assert code == 1
    assert "no style" in errors
    assert not (inputs / "none").exists()


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everywhere")
def test_unwritable_folder(call: Call, inputs: Path, tmp_path: Path) -> None:
    tmp_path.chmod(stat.S_IRUSR | stat.S_IXUSR)
    out = tmp_path / "out"
    code, _, errors = call("paint", inputs / "cube.glb", "--style", inputs / "style.png", "--out", out)
    tmp_path.chmod(stat.S_IRWXU)
    assert code == 1
    assert _is_one_line(errors)


def test_full_disk(call: Call, inputs: Path) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full on this system")
    (inputs / "full.mp4").unlink(missing_ok=True)
    (inputs / "frames").mkdir(exist_ok=True)
    code, _, errors = call("render", inputs / "cube.glb", "--out", "/dev/full/video.mp4")
    assert code == 1
    assert _is_one_line(errors)


@pytest.mark.parametrize(
    ("error", "code", "says"),
    [
        (OSError(28, "No space left on device", "a.png"), 1, "a.png: No space left on device"),
        (MemoryError(), 1, "out of memory"),
        (RuntimeError("CUDA out of memory. Tried to allocate 2 GiB"), 1, "--settings.device cpu"),
        (KeyboardInterrupt(), 130, "interrupted"),
    ],
)
def test_what_goes_wrong_anywhere(
    call: Call, monkeypatch: pytest.MonkeyPatch, error: BaseException, code: int, says: str
) -> None:
    def fail() -> None:
        raise error

    monkeypatch.setattr("nst3d.cli.doctor.examine", fail)
    found, _, errors = call("doctor")
    assert found == code
    assert _is_one_line(errors)
    assert says in errors


def test_bugs_keep_their_traceback_in_a_file(
    call: Call, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def fail() -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr("nst3d.cli.doctor.examine", fail)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    code, _, errors = call("doctor")
    assert code == 1
    assert _is_one_line(errors)
    log = next(tmp_path.glob("nst3d-*.log"))
    assert str(log) in errors
    assert "RuntimeError: a bug" in log.read_text()
    assert "Traceback" in log.read_text()


def test_missing_tensorboard(
    call: Call, inputs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    out = tmp_path / "out"
    job = ("paint", inputs / "cube.glb", "--style", inputs / "style.png", "--out", out)
    code, _, errors = call(*job, "--tensorboard", "--size", 64)
    assert code == 1
    assert _is_one_line(errors)
    assert "pip install tensorboard" in errors
    assert not out.exists()


def test_inspect_tells_of_the_lighthouse(call: Call, scenes_dir: Path) -> None:
    code, answer, errors = call("inspect", scenes_dir / "lighthouse" / "lighthouse.glb", "--json")
    assert (code, errors) == (0, "")
    facts = json.loads(answer)
    assert facts["kind"] == "mesh"
    assert facts["faces"] > 1000
    assert len(facts["materials"]) >= 2
    assert facts["textures"]
    assert facts["coverage"] >= 0.98 * facts["visible_from_outside"] > 0.7
    assert facts["views_inside"] == 0
    assert facts["paint"] == "texture"


def test_inspect_reads_for_people(call: Call, inputs: Path) -> None:
    code, answer, _ = call("inspect", inputs / "cube.glb")
    assert code == 0
    assert "faces: 12" in answer
    assert "paint goes: into textures: " in answer
    assert "(own UVs)" in answer
    assert answer.endswith("problems: none\n")


def test_inspect_a_picture(call: Call, inputs: Path) -> None:
    code, answer, _ = call("inspect", inputs / "style.png", "--json")
    assert code == 0
    facts = {"kind": "picture", "width": 96, "height": 96, "alpha": False, "problems": []}
    assert json.loads(answer) == {"file": str(inputs / "style.png")} | facts


def test_demo_names_the_styles_that_ship(call: Call, tmp_path: Path) -> None:
    code, _, errors = call("demo", "--style", "octarine", "--out", tmp_path / "out")
    assert code == 1
    assert _is_one_line(errors)
    assert "swirls" in errors
    assert not (tmp_path / "out").exists()


def test_weights_lists_all(call: Call) -> None:
    code, answer, _ = call("weights")
    assert code == 0
    assert [line.split(":")[0] for line in answer.splitlines()] == list(SOURCES)
    assert {"vgg19", "wct-16x"} <= set(SOURCES)


def test_weights_names_a_damaged_file(call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NST3D_WEIGHTS", str(tmp_path))
    (tmp_path / "vgg16-397923af.pth").write_bytes(b"half of a download")
    _, answer, _ = call("weights")
    (line,) = (line for line in answer.splitlines() if line.startswith("vgg16-torchvision"))
    assert "damaged or another file; remove it and get it again" in line


def test_weights_cannot_be_fetched(call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def offline(*_: object, **__: object) -> None:
        raise OSError("no network")

    monkeypatch.setattr("urllib.request.urlopen", offline)
    monkeypatch.setenv("NST3D_WEIGHTS", str(tmp_path))
    code, _, errors = call("weights", "fetch", "vgg16-torchvision", "--folder", tmp_path, "--quiet")
    assert code == 1
    assert _is_one_line(errors)
    assert "or download" in errors
    assert list(tmp_path.iterdir()) == []


def test_render_one_picture(call: Call, inputs: Path, tmp_path: Path) -> None:
    options = ("--size", "64x48", "--background", "#ff0000", "--quiet")
    code, answer, _ = call("render", inputs / "cube.glb", "--out", tmp_path / "a.png", *options)
    assert (code, answer) == (0, f"{tmp_path / 'a.png'}\n")
    with Image.open(tmp_path / "a.png") as picture:
        assert picture.size == (64, 48)
        assert picture.getpixel((0, 0)) == (255, 0, 0)
        assert picture.getpixel((32, 24)) != (255, 0, 0)


def test_up_can_be_said(call: Call, inputs: Path, tmp_path: Path) -> None:
    """Of a GLB it is y, whatever is shown."""
    shown = {}
    for up in ("auto", "x", "y", "z"):
        out = tmp_path / f"{up}.png"
        job = ("render", inputs / "cube.glb", "--out", out, "--up", up)
        assert call(*job, "--size", "32", "--quiet")[0] == 0
        shown[up] = out.read_bytes()
    assert shown["auto"] == shown["y"]
    assert len(set(shown.values())) == 3
    code, answer, _ = call("inspect", inputs / "cube.glb", "--up", "z")
    assert code == 0
    assert "faces: 12" in answer
    assert call("inspect", inputs / "cube.glb", "--up", "w")[0] == 2


def test_render_frames_and_overwrite(call: Call, inputs: Path, tmp_path: Path) -> None:
    job = ("render", inputs / "cube.glb", "--out", tmp_path / "frames", "--size", "32", "--frames")
    assert call(*job, "4")[0] == 0
    code, _, errors = call(*job, "2")
    assert code == 1
    assert "exists and is not empty; give --overwrite" in errors
    assert call(*job, "2", "--overwrite")[0] == 0
    assert sorted(p.name for p in (tmp_path / "frames").iterdir()) == ["frame_00000.png", "frame_00001.png"]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--size", "12x"], "size '12x'"),
        (["--size", "4"], "from 16 to 8192"),
        (["--frames", "0"], "1 to 100000 frames"),
        (["--field-of-view", "200"], "between 0 and 150"),
        (["--elevation", "90"], "between -89 and 89"),
        (["--crf", "70"], "--crf is 70: expected a number from 0 to 51"),
        (["--turns", "nan"], "--turns nan: expected"),
        (["--background", "octarine"], "colour 'octarine'"),
        (["--out", "a.avi"], "written as .mp4"),
    ],
)
def test_render_errors(call: Call, inputs: Path, tmp_path: Path, options: list[str], says: str) -> None:
    out = [] if "--out" in options else ["--out", tmp_path / "a.mp4"]
    code, _, errors = call("render", inputs / "cube.glb", *out, *options)
    assert code == 1
    assert _is_one_line(errors)
    assert says in errors
    assert list(tmp_path.iterdir()) == []


def test_render_does_not_take_pictures(call: Call, inputs: Path, tmp_path: Path) -> None:
    code, _, errors = call("render", inputs / "style.png", "--out", tmp_path / "a.mp4")
    assert code == 1
    assert "is a picture" in errors
