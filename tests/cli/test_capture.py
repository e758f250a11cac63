"""nst3d capture with the real COLMAP: photographs of the lighthouse without their cameras, which it finds again."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path

import msgspec
import numpy as np
import pytest
from photographed import misplaced, photograph_lighthouse

from nst3d.formats.captures.registry import load_capture
from nst3d.images.io import write_image
from nst3d.integrations.bridges import BRIDGES
from nst3d.pipeline.captures.poses import PoseTask, Still
from nst3d.pipeline.settings.capture import PoseOptions

ROOT = Path(__file__).resolve().parents[2]
COUNT = 16
FAST = ("--threads", "2", "--features", "2500", "--quiet")
# A shell may have this process ignore SIGINT, which children inherit.
START = (
    "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"
    "; import sys; from nst3d.cli.main import main; sys.exit(main())"
)

with_colmap = pytest.mark.skipif(
    find_spec("pycolmap") is None, reason="needs pycolmap: pip install 'nst3d[capture]'"
)


@pytest.fixture(scope="module")
def walk(tmp_path_factory):
    """The folder of the photographs, and their cameras."""
    folder = tmp_path_factory.mktemp("walk") / "photos"
    return folder, photograph_lighthouse(folder, COUNT)


@pytest.fixture(scope="module")
def captured(walk, process, tmp_path_factory):
    """The capture's folder, and how the process ended."""
    out = tmp_path_factory.mktemp("capture") / "out"
    return out, process("capture", walk[0], "--out", out, *FAST)


@with_colmap
def test_cameras_are_found_again(walk, captured) -> None:
    out, done = captured
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    capture = load_capture(out)
    assert [p.name for p in capture.photos] == [f"images/{i:02d}.png" for i in range(COUNT)]
    found = [photo.camera for photo in capture.photos]
    degrees, lengths = misplaced(found, walk[1])
    assert degrees.max() < 0.5
    assert lengths.max() < 0.01
    assert found[0].focal == pytest.approx(walk[1][0].focal, rel=0.01)


@with_colmap
def test_the_world_stands_upright_with_the_subject_in_the_middle(captured) -> None:
    capture = load_capture(captured[0])
    assert capture.up.tolist() == [0, 0, 1]
    cameras = [photo.camera for photo in capture.photos]
    # The photographs were held level and all look at the lighthouse from above.
    assert max(abs(camera.camera_to_world[2, 0]) for camera in cameras) < 0.01
    assert min(camera.position[2] for camera in cameras) > 0.5
    distances = [np.linalg.norm(camera.position) for camera in cameras]
    assert np.mean(distances) == pytest.approx(2.5, rel=0.01)


@with_colmap
def test_both_descriptions_agree_and_the_report_is_right(captured) -> None:
    out, done = captured
    model = out / "sparse" / "0"
    assert (model / "points3D.bin").is_file()
    for ours, theirs in zip(load_capture(out).photos, load_capture(model).photos):
        assert ours.path == theirs.path
        assert ours.camera.camera_to_world == pytest.approx(theirs.camera.camera_to_world, abs=1e-12)
    numbers = json.loads((out / "metrics.json").read_text())
    assert (numbers["photographs"], numbers["with_camera"]) == (COUNT, COUNT)
    assert 0 < numbers["reprojection_error"] < 0.5
    assert numbers["points"] > 500
    lines = done.stdout.splitlines()
    assert lines[:3] == [str(out / name) for name in ("transforms.json", "sparse/0", "metrics.json")]
    assert lines[3].startswith(f"{COUNT} of {COUNT} photographs have a camera; {numbers['points']} points")


@with_colmap
def test_it_can_be_inspected(captured, nst3d) -> None:
    done = nst3d("inspect", captured[0])
    assert done.returncode == 0
    assert f"photographs: {COUNT}, " in done.stdout
    assert "up: (0.00, 0.00, 1.00)" in done.stdout


@with_colmap
@pytest.mark.skipif(os.name == "nt", reason="Windows sends no SIGINT to a process")
def test_ctrl_c_and_resume(walk, environment, process, tmp_path) -> None:
    few, out = tmp_path / "few", tmp_path / "out"
    few.mkdir()
    for photograph in sorted(walk[0].iterdir())[:6]:
        shutil.copy(photograph, few)
    command = [sys.executable, "-c", START, "capture", str(few), "--out", str(out), *FAST]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, cwd=ROOT, env=environment) as running:
        deadline = time.monotonic() + 60
        while not (out / "colmap" / "database.db").exists() and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(0.1)  # within the search for features
        running.send_signal(signal.SIGINT)
        answer, errors = running.communicate(timeout=60)
    assert running.returncode == 130, errors
    assert "--resume to continue" in answer
    assert errors == ""
    assert {p.name for p in out.iterdir()} == {"images", "colmap"}
    assert not list(out.rglob("*.tmp"))
    done = process("capture", few, "--out", out, "--resume", *FAST)
    assert done.returncode == 0, done.stderr
    assert len(load_capture(out).photos) == 6


@with_colmap
def test_stopping_while_cameras_are_placed_leaves_the_capture_as_it_was(captured, tmp_path) -> None:
    out, stages = captured[0], []
    stills = msgspec.json.decode((out / "colmap" / "stills.json").read_bytes())["stills"]
    stills = msgspec.convert(stills, list[Still])
    task = PoseTask(
        out / "images", out / "colmap", tmp_path / "model", stills, False, PoseOptions(features=1500)
    )
    before = sorted(out.rglob("*"))
    find = BRIDGES.pose_finder()
    found = find(task, lambda *given: stages.append(given), lambda: stages[-1][:2] == ("placing cameras", 3))
    assert found is None
    assert stages[0] == ("features", COUNT, COUNT)  # what is done is not done again
    assert not (tmp_path / "model").exists()
    assert sorted(out.rglob("*")) == before


@with_colmap
def test_a_damaged_database(captured, nst3d, walk, tmp_path) -> None:
    shutil.copytree(captured[0], tmp_path / "out")
    (tmp_path / "out" / "colmap" / "database.db").write_bytes(b"nothing" * 1000)
    done = nst3d("capture", walk[0], "--out", tmp_path / "out", "--resume", *FAST)
    assert done.returncode == 1
    assert done.stderr.startswith(f"nst3d: {tmp_path / 'out' / 'colmap'}: COLMAP failed (")
    assert done.stderr.endswith("give --overwrite to begin anew, without --resume\n")
    assert done.stderr.count("\n") == 1


@with_colmap
def test_photographs_that_do_not_fit_together(nst3d, tmp_path) -> None:
    (tmp_path / "in").mkdir()
    for i in range(3):
        write_image(tmp_path / "in" / f"{i}.png", np.random.default_rng(i).random((96, 128, 3)))
    done = nst3d("capture", tmp_path / "in", "--out", tmp_path / "out", *FAST)
    assert done.returncode == 1
    assert done.stderr.startswith("nst3d: none of the 3 photographs fit together: neighbours must overlap")
    assert "--size" in done.stderr
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "out" / "transforms.json").exists()


def test_without_pycolmap(nst3d, tmp_path, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "pycolmap", None)
    done = nst3d("capture", tmp_path, "--out", tmp_path / "out")
    assert (done.returncode, done.stderr) == (
        1,
        "nst3d: finding cameras needs COLMAP; pycolmap is not installed: pip install 'nst3d[capture]'\n",
    )
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("option", "says"), [(("--size", "9"), "--size is 9"), (("--frames", "2"), "--frames is 2")]
)
def test_settings_out_of_bounds(nst3d, tmp_path, option, says) -> None:
    done = nst3d("capture", tmp_path, "--out", tmp_path / "out", *option)
    assert done.returncode == 1
    assert f"{says}: expected a number from" in done.stderr
