"""--dataparser: what is said where it makes no sense, or nerfstudio is not there; and who reads the capture."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from small_fields import noisy_field

from nst3d.cli.main import main
from nst3d.formats.captures.registry import load_capture
from nst3d.formats.fields.registry import save_field
from nst3d.images.io import write_image
from nst3d.integrations.bridges import BRIDGES
from nst3d.pipeline.jobs.make_capture import CaptureOptions, capture_mesh
from nst3d.representations.capture import Capture
from nst3d.tensors import ImageSize

COMMANDS = {
    "reconstruct": ("{0}/data", "--out", "{0}/out"),
    "inspect": ("{0}/data",),
    "render": ("{0}/field.npz", "--cameras", "{0}/data", "--out", "{0}/a.png"),
    "export": ("{0}/field.npz", "--cameras", "{0}/data", "--out", "{0}/a.glb"),
    "paint": ("{0}/field.npz", "--style", "{0}/style.png", "--cameras", "{0}/data", "--out", "{0}/out"),
}


@pytest.fixture(scope="module")
def folder(scenes_dir, tmp_path_factory) -> Path:
    """A field, a style, and data/: photographs of the lighthouse whose poses no reader of ours finds."""
    place = tmp_path_factory.mktemp("dataparser")
    mesh = next((scenes_dir / "lighthouse").glob("*.glb"))
    poses = capture_mesh(mesh, place / "data", CaptureOptions(views=9, size=ImageSize(32, 32)))
    poses.rename(poses.with_name("poses.secret"))
    save_field(place / "field.npz", noisy_field())
    write_image(place / "style.png", np.full((32, 32, 3), 0.5, np.float32))
    return place


@pytest.fixture
def asked(monkeypatch) -> list[tuple[str, Path]]:
    """Lists what a dataparser was asked for; it stands for nerfstudio's."""
    names = []

    def load(name: str, path: Path) -> Capture:
        names.append((name, path))
        poses = path / "transforms.json"
        poses.write_bytes((path / "poses.secret").read_bytes())
        try:
            return load_capture(path)
        finally:
            poses.unlink()

    monkeypatch.setitem(vars(BRIDGES), "read_capture", load)
    return names


def arguments(command: str, folder: Path) -> list[str]:
    return [command, *(a.format(folder) for a in COMMANDS[command]), "--dataparser", "secret-data"]


@pytest.mark.parametrize("command", COMMANDS)
def test_where_nerfstudio_is_not_there_one_line_says_how_to_get_it(command, folder, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "nerfstudio.models.nerfacto", None)
    assert main(arguments(command, folder)) == 1
    last = capsys.readouterr().err.strip().splitlines()[-1]
    assert last == (
        "nst3d: --dataparser secret-data: nerfstudio is not installed: pip install 'nst3d[nerfstudio]'"
    )


@pytest.mark.parametrize("command", ["render", "export", "paint"])
def test_without_a_capture_there_is_nothing_to_read(command, folder, capsys):
    given = arguments(command, folder)
    at = given.index("--cameras")
    del given[at : at + 2]
    assert main(given) == 1
    assert "needs a capture to read; give --cameras" in capsys.readouterr().err


def test_inspect_takes_what_the_dataparser_reads(folder, asked, capsys):
    assert main([*arguments("inspect", folder), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["kind"] == "capture"
    assert asked == [("secret-data", folder / "data")]


def test_render_follows_the_cameras_that_the_dataparser_reads(folder, asked):
    given = [*arguments("render", folder), "--path", "cameras", "--size", "16", "--quiet"]
    assert main(given) == 0
    assert asked == [("secret-data", folder / "data")]
    assert (folder / "a.png").is_file()


def test_reconstruct_notes_who_read_the_capture(folder, asked, tmp_path):
    settings = tmp_path / "s.yaml"
    settings.write_text("size: 24\nfit: {batch: 64, levels: [{nodes: 8, iterations: 2}]}\n")
    given = [*arguments("reconstruct", folder), "--quality", str(settings), "--quiet"]
    assert main(given) == 0
    assert asked == [("secret-data", folder / "data")]
    assert "dataparser: secret-data" in (folder / "out" / "config.yaml").read_text()
