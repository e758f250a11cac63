"""What a command says of something that another command takes, of nothing, and of a run that was never begun."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from small_fields import camera, noisy_field
from small_meshes import noise
from small_splats import ball

from nst3d.cli.main import main
from nst3d.formats.captures.registry import save_transforms
from nst3d.formats.fields.registry import save_field
from nst3d.formats.splats.registry import save_splats

FIRST = "is a capture (photographs with poses); make a scene from it first: nst3d reconstruct"
ALREADY = "already a scene: paint it with nst3d paint or show it with nst3d render"


@pytest.fixture(scope="module")
def things(inputs: Path) -> Path:
    """cube.glb and style.png; field.npz, a capture, ball.ply (splats), broken.npz, and an empty folder."""
    save_field(inputs / "field.npz", noisy_field())
    cameras = [camera(24, away) for away in (4.0, 5.0, 6.0)]
    save_transforms(inputs / "capture", cameras, (noise(*c.size, 3) for c in cameras))
    save_splats(inputs / "ball.ply", ball(), ball().colours, 1.0)
    np.savez(inputs / "broken.npz", links=np.zeros(3))
    (inputs / "empty").mkdir(exist_ok=True)
    return inputs


def answer(arguments: list[str], things: Path, out: Path, capfd: pytest.CaptureFixture[str]) -> str:
    """The one line with which a command ends, having written nothing."""
    names = {p.name for p in things.iterdir()}
    given = [str(things / a) if a in names else a for a in arguments]
    assert main([*given, "--out", str(out)] if arguments[0] != "inspect" else given) == 1
    told = capfd.readouterr().err.strip()
    assert not out.exists()
    last = told.splitlines()[-1]
    assert told.count("nst3d: ") == last.count("nst3d: ") == 1
    return last


@pytest.mark.parametrize(
    ("arguments", "name", "says"),
    [
        (["reconstruct", "field.npz"], "field.npz", f"is a voxel field, {ALREADY}"),
        (["reconstruct", "ball.ply"], "ball.ply", f"is splats, {ALREADY}"),
        (["reconstruct", "cube.glb"], "cube.glb", f"is a mesh, {ALREADY}"),
        (["reconstruct", "style.png"], "style.png", "no capture found"),
        (["reconstruct", "gone"], "gone", "no such file or folder, expected a capture"),
        (["paint", "capture", "--style", "style.png"], "capture", FIRST),
        (["render", "capture"], "capture", FIRST),
        (["export", "capture"], "capture", FIRST),
        (["paint", "empty", "--style", "style.png"], "empty", "the folder is empty, expected a mesh"),
        (["render", "empty"], "empty", "the folder is empty, expected a mesh"),
        (["export", "empty"], "empty", "the folder is empty, expected a"),
        (["blend", "empty", "cube.glb", "--alpha", "0.5"], "empty", "the folder is empty, expected a mesh"),
        (["inspect", "empty"], "empty", "the folder is empty, expected a mesh"),
        (["reconstruct", "empty"], "empty", "the folder is empty, expected a capture"),
        (["render", "cube.glb", "--cameras", "empty"], "empty", "the folder is empty, expected a capture"),
        (["render", "cube.glb", "--before", "empty"], "empty", "the folder is empty, expected a mesh"),
        (["render", "cube.glb", "--before", "field.npz"], "field.npz", "is a scene of another kind"),
        (["render", "field.npz", "--before", "cube.glb"], "cube.glb", "is a scene of another kind"),
    ],
)
def test_what_a_command_does_not_take(things, tmp_path, capfd, arguments, name, says) -> None:
    suffix = {"export": ".glb", "blend": ".glb", "render": ".png"}.get(arguments[0], "")
    told = answer(arguments, things, tmp_path / f"out{suffix}", capfd)
    assert f"{name}: {says}" in told or f"--before {things / name} {says}" in told


@pytest.mark.parametrize("option", [("--nerf", "native"), ("--nerf", "baked"), ("--data", "capture")])
def test_options_of_nerfs_are_refused_elsewhere(things, tmp_path, capfd, option) -> None:
    told = answer(["paint", "cube.glb", "--style", "style.png", *option], things, tmp_path / "out", capfd)
    assert f"{option[0]} is for nerfacto runs; {things / 'cube.glb'} is a mesh" in told


@pytest.mark.parametrize(
    "arguments",
    [
        ["paint", "broken.npz", "--style", "style.png", "--preset", "quick", "--resume"],
        ["reconstruct", "capture", "--resume"],
    ],
)
def test_a_missing_checkpoint_is_noticed_before_anything_is_read(
    things, tmp_path, capfd, monkeypatch, arguments
) -> None:
    monkeypatch.setattr(
        "nst3d.pipeline.jobs.reconstruct.read_photographs", lambda *a: pytest.fail("it was read")
    )
    told = answer(arguments, things, tmp_path / "out", capfd)
    assert "nothing to resume" in told


@pytest.mark.parametrize("option", ["seconds", "fps", "field-of-view", "elevation", "turns", "ease"])
@pytest.mark.parametrize("value", ["nan", "inf"])
def test_numbers_of_a_path_are_finite(things, tmp_path, capfd, option, value) -> None:
    frames = ["--frames", "3", f"--{option}", value]
    told = answer(["render", "cube.glb", *frames], things, tmp_path / "out", capfd)
    assert told == f"nst3d: --{option} {value}: expected a finite number"
