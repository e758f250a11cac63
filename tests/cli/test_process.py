"""The command line as a process: what it prints, what it writes, how it ends."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import imageio_ffmpeg
import pygltflib
import pytest
import yaml
from PIL import Image

ROOT = Path(__file__).resolve().parents[2]
Run = Callable[..., subprocess.CompletedProcess[str]]

_VIDEO = ("--settings.output.frames", "6", "--settings.output.size", "96")
_SMALL = ("--size", "64", "--settings.rig.views", "6", *_VIDEO)
_OUTPUTS = {"painted.glb", "sheet.png", "turntable.mp4", "losses.csv", "config.yaml", "metrics.json"}


def _job(inputs: Path, out: Path, iterations: int) -> list[object]:
    given = ("paint", inputs / "cube.glb", "--style", inputs / "style.png", "--out", out)
    return [*given, "--iterations", iterations, *_SMALL]


@pytest.fixture(scope="module")
def painted(process: Run, inputs: Path) -> tuple[Path, subprocess.CompletedProcess[str]]:
    out = inputs / "painted"
    return out, process(*_job(inputs, out, 3), "--tensorboard")


def test_help_comes_at_once(process: Run) -> None:
    started = time.perf_counter()
    done = process("--help")
    assert done.returncode == 0
    assert all(f"  {c}" in done.stdout for c in ("paint", "render", "inspect", "weights", "demo", "doctor"))
    # It takes 0.03 s; importing torch alone would take over 1 s. The limit is loose for busy machines.
    assert time.perf_counter() - started < 1.0


@pytest.mark.parametrize(
    ("given", "spin"),
    [({}, "3000"), ({"GOMP_SPINCOUNT": "7"}, "7"), ({"OMP_WAIT_POLICY": "active"}, "None")],
)
def test_idle_threads_soon_sleep_unless_the_user_wants_otherwise(
    environment: dict[str, str], given: dict[str, str], spin: str
) -> None:
    """They spun for long: beside another busy process painting took four times as long."""
    code = (
        "import os, sys; from nst3d.cli.main import main; assert 'torch' not in sys.modules;"
        " main(); print(os.environ.get('GOMP_SPINCOUNT'))"
    )
    names = ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT")
    own = {name: value for name, value in environment.items() if name not in names}
    command = [sys.executable, "-c", code, "--version"]
    done = subprocess.run(command, capture_output=True, text=True, env=own | given, check=False)
    assert done.stdout.split()[-1:] == [spin], done.stderr


def test_an_error_is_one_line(process: Run, tmp_path: Path) -> None:
    done = process("inspect", tmp_path / "no such.glb")
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.startswith("nst3d: ")
    assert done.stderr.count("\n") == 1
    assert "no such.glb: no such file" in done.stderr


def test_names_that_the_terminal_cannot_show(
    environment: dict[str, str], inputs: Path, tmp_path: Path
) -> None:
    command = [sys.executable, "-m", "nst3d.cli.main", "render", str(inputs / "cube.glb")]
    command += ["--out", str(tmp_path / "ö.png"), "--size", "32", "--quiet"]
    ascii_only = environment | {"PYTHONIOENCODING": "ascii"}
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=ascii_only, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "ö.png").is_file()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full on this system")
def test_help_that_cannot_be_printed(environment: dict[str, str]) -> None:
    with open("/dev/full", "w") as full:
        command = [sys.executable, "-m", "nst3d.cli.main", "--help"]
        done = subprocess.run(
            command, stdout=full, stderr=subprocess.PIPE, text=True, env=environment, check=False
        )
    assert done.returncode == 1
    assert done.stderr.startswith("nst3d: ")
    assert "Traceback" not in done.stderr


def test_paint_writes_what_it_says(painted: tuple[Path, subprocess.CompletedProcess[str]]) -> None:
    out, done = painted
    assert done.returncode == 0, done.stderr
    assert {Path(line).name for line in done.stdout.splitlines()} == _OUTPUTS
    assert {p.name for p in out.iterdir()} == {*_OUTPUTS, "tensorboard"}
    assert len(list((out / "tensorboard").iterdir())) == 1


def test_painted_files_open_elsewhere(painted: tuple[Path, subprocess.CompletedProcess[str]]) -> None:
    out, _ = painted
    document = pygltflib.GLTF2.load(str(out / "painted.glb"))
    assert len(document.meshes) == 1
    assert len(document.images) == 1
    frames, seconds = imageio_ffmpeg.count_frames_and_secs(str(out / "turntable.mp4"))
    assert frames == 6
    assert seconds == pytest.approx(6 / 24, abs=0.05)
    probe = [imageio_ffmpeg.get_ffmpeg_exe(), "-i", str(out / "turntable.mp4")]
    told = subprocess.run(probe, capture_output=True, text=True, check=False).stderr
    video = next(line for line in told.splitlines() if "Video: " in line)
    assert "h264" in video
    assert "yuv420p" in video
    assert " 96x96" in video
    with Image.open(out / "sheet.png") as sheet:
        assert sheet.size == (4 * 96, 4 * 96)


def test_records_of_a_job(painted: tuple[Path, subprocess.CompletedProcess[str]], inputs: Path) -> None:
    out, _ = painted
    config = yaml.safe_load((out / "config.yaml").read_text(encoding="utf-8"))
    assert config["scene"] == str(inputs / "cube.glb")
    assert sum(s["iterations"] for s in config["settings"]["schedule"]["stages"]) == 3
    metrics = json.loads((out / "metrics.json").read_text(encoding="utf-8"))
    assert metrics["iterations"] == 3
    assert metrics["faces"] == 12
    assert metrics["coverage"] == 1.0
    assert metrics["wall_s"] > 0


def test_ctrl_c_keeps_the_work_and_resume_ends_it(
    nst3d: Run, environment: dict[str, str], inputs: Path
) -> None:
    out = inputs / "interrupted"
    job = _job(inputs, out, 12)
    often = ("--settings.output.checkpoint-seconds", "0.001")
    # A shell may have this process ignore SIGINT, which children inherit.
    start = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"
    start += "; import sys; from nst3d.cli.main import main; sys.exit(main())"
    command = [sys.executable, "-c", start, *map(str, job), *often]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, cwd=ROOT, env=environment) as process:
        deadline = time.monotonic() + 60
        while not (out / "checkpoint.pt").exists() and time.monotonic() < deadline:
            time.sleep(0.005)
        process.send_signal(signal.SIGINT)
        answer, errors = process.communicate(timeout=60)
    assert process.returncode == 130, errors
    assert "--resume" in answer
    assert "Traceback" not in errors
    kept = {*_OUTPUTS, "checkpoint.pt", "preview.png"} - {"sheet.png", "turntable.mp4"}
    assert {p.name for p in out.iterdir()} == kept
    done = json.loads((out / "metrics.json").read_text())["iterations"]
    assert 1 <= done < 12
    resumed = nst3d(*job, "--resume", "--quiet")
    assert resumed.returncode == 0, resumed.stderr
    assert json.loads((out / "metrics.json").read_text())["iterations"] == 12
    assert {p.name for p in out.iterdir()} == _OUTPUTS


def test_doctor_examines_everything(nst3d: Run) -> None:
    done = nst3d("doctor")
    assert done.returncode == 0
    assert done.stderr == ""
    assert "cannot be examined" not in done.stdout
    names = [line.split(":")[0] for line in done.stdout.splitlines()]
    assert {"python", "CPU", "torch", "CUDA", "encoder", "numba", "ffmpeg", "weights vgg19"} <= set(names)
