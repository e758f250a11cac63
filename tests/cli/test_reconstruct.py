"""nst3d reconstruct, once as a process, which Ctrl-C stops."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from nst3d.cli.main import main
from nst3d.pipeline.jobs.make_capture import CaptureOptions, capture_mesh
from nst3d.tensors import ImageSize

SETTINGS = """
size: 40
fit:
  batch: 256
  levels: [{nodes: 12, iterations: 8}, {nodes: 16, iterations: %d}]
"""


@pytest.fixture(scope="module")
def capture(scenes_dir, tmp_path_factory) -> Path:
    """A capture of the lighthouse; its folder also holds short.yaml and long.yaml."""
    folder = tmp_path_factory.mktemp("cap ture ü")
    options = CaptureOptions(views=10, size=ImageSize(40, 40), background=None)
    capture_mesh(scenes_dir / "lighthouse" / "lighthouse.glb", folder, options)
    (folder / "short.yaml").write_text(SETTINGS % 4)
    (folder / "long.yaml").write_text(SETTINGS % 100_000)
    return folder


def test_it_reconstructs(nst3d, capture, tmp_path) -> None:
    out = tmp_path / "out"
    done = nst3d("reconstruct", capture, "--out", out, "--quality", capture / "short.yaml", "--degree", 0)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0] == str(out / "field.npz")
    assert lines[-2].startswith("held out: PSNR ")
    worst = json.loads((out / "metrics.json").read_text())["train_views"][0]
    assert lines[-1].startswith(f"fitted worst: {worst['name']} {worst['psnr']:.1f} dB, ")
    assert "fitting" in done.stderr
    assert json.loads((out / "metrics.json").read_text())["iterations"] == 12
    assert "degree: 0" in (out / "config.yaml").read_text()


@pytest.mark.skipif(os.name == "nt", reason="Windows sends no SIGINT to a process")
def test_ctrl_c_keeps_a_checkpoint(capture, environment, tmp_path) -> None:
    out = tmp_path / "out"
    command = [sys.executable, "-m", "nst3d.cli.main", "reconstruct", str(capture), "--out", str(out)]
    command += ["--quality", str(capture / "long.yaml"), "--settings.checkpoint-seconds", "0.1"]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    )
    deadline = time.monotonic() + 90
    while not (out / "checkpoint.npz").exists() and time.monotonic() < deadline and process.poll() is None:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    answer, errors = process.communicate(timeout=60)
    assert process.returncode == 130, errors
    assert "--resume" in answer
    assert "Traceback" not in errors
    assert (out / "checkpoint.npz").is_file()
    assert (out / "field.npz").is_file()


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["--quality", "best"], 1, "'best' is not known: choose one of quick, default, fine"),
        (["--size", "5"], 1, "--size is 5: expected a number from 16"),
        (["--resume"], 1, "nothing to resume"),
        (["--settings.device", "abacus"], 1, "device 'abacus' is not known"),
    ],
)
def test_wrong_usage_is_one_line(capture, tmp_path, capfd, arguments, code, says) -> None:
    out = tmp_path / "out"
    settings = [] if "--quality" in arguments else ["--quality", str(capture / "short.yaml")]
    found = main(["reconstruct", str(capture), "--out", str(out), "--quiet", *settings, *arguments])
    errors = capfd.readouterr().err
    assert found == code
    assert says in errors
    assert errors.count("\n") == 1
    assert not out.exists()


def test_no_capture(tmp_path, capfd) -> None:
    (tmp_path / "notes.txt").write_text("none")
    assert main(["reconstruct", str(tmp_path), "--out", str(tmp_path / "out"), "--quiet"]) == 1
    assert "no capture found" in capfd.readouterr().err


def test_help_names_the_options(capfd) -> None:
    for option, more in (("--help", False), ("--help-all", True)):
        with pytest.raises(SystemExit) as end:
            main(["reconstruct", option])
        assert end.value.code == 0
        text = capfd.readouterr().out
        assert all(name in text for name in ("--out", "--quality", "--resume", "--degree"))
        assert ("--settings.fit.distortion" in text) == more
