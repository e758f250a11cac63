"""Ctrl-C as a terminal sends it: once keeps the work and skips what takes long, twice leaves at once."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from small_splats import ball

from nst3d import load, save
from nst3d.images.io import write_image

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows sends no SIGINT to a process")

ROOT = Path(__file__).resolve().parents[2]
# A shell may have this process ignore SIGINT, which children inherit.
START = (
    "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"
    "; import sys; from nst3d.cli.main import main; sys.exit(main())"
)
SOON = 8.0
"""Seconds from Ctrl-C to the end. It takes 1 to 2; what is left out would take far longer."""
LONG_FILM = ("--settings.output.frames", "3000", "--settings.output.size", "256")
"""Minutes."""

Begin = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("interrupted")
    save(folder / "ball.ply", ball(2000))
    write_image(folder / "style.png", np.random.default_rng(0).random((64, 64, 3), np.float32))
    return folder


@pytest.fixture
def begin(environment) -> Iterator[Begin]:
    started = []

    def start(*arguments: object) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", START, *map(str, arguments)]
        pipe = subprocess.PIPE
        started.append(
            subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, cwd=ROOT, env=environment)
        )
        return started[-1]

    yield start
    for process in started:
        if process.poll() is None:
            process.kill()
            process.communicate()


def wait_for(there: Callable[[], object], process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 90
    while not there() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)


def press(
    process: subprocess.Popen[str], gap: float | None = None, stop: signal.Signals = signal.SIGINT
) -> tuple[str, str, float]:
    """Ctrl-C, again after `gap` seconds; what the process said, and how long it took to end."""
    process.send_signal(stop)
    if gap is not None:
        time.sleep(gap)
        process.send_signal(stop)
    began = time.monotonic()
    answer, errors = process.communicate(timeout=60)
    assert "Traceback" not in errors
    assert process.returncode == 130, errors
    return answer, errors, time.monotonic() - began


def leftovers(folder: Path) -> list[str]:
    return [p.name for p in folder.rglob("*") if p.name.endswith(".tmp") or p.name.startswith(".ball")]


def paint(folder: Path, out: Path, iterations: int) -> list[object]:
    given = ["paint", folder / "ball.ply", "--style", folder / "style.png", "--out", out, "--size", 64]
    given += ["--iterations", iterations, "--settings.rig.views", "6", *LONG_FILM]
    return [*given, "--settings.output.checkpoint-seconds", "0.01"]


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_once_while_painting_writes_the_asset_and_skips_the_film(folder, tmp_path, begin, stop) -> None:
    out = tmp_path / "out"
    process = begin(*paint(folder, out, 500))
    wait_for(lambda: (out / "checkpoint.pt").exists(), process)
    answer, errors, seconds = press(process, stop=stop)
    assert seconds < SOON
    written = {"painted.ply", "config.yaml", "losses.csv", "metrics.json", "checkpoint.pt", "preview.png"}
    assert {p.name for p in out.iterdir()} == written
    assert len(load(out / "painted.ply")) == 2000
    assert json.loads((out / "metrics.json").read_text())["iterations"] >= 1
    assert str(out / "painted.ply") in answer
    assert "--resume" in answer
    note = next(line for line in errors.splitlines() if "left out" in line)
    assert f"nst3d render {out / 'painted.ply'} --out {out / 'film.mp4'}" in note


def test_twice_while_painting_leaves_at_once(folder, tmp_path, begin) -> None:
    out = tmp_path / "out"
    process = begin(*paint(folder, out, 500))
    wait_for(lambda: (out / "checkpoint.pt").exists(), process)
    _, _, seconds = press(process, 0.02)
    assert seconds < SOON
    assert not leftovers(out)
    assert (out / "checkpoint.pt").is_file()
    if (out / "painted.ply").exists():
        assert len(load(out / "painted.ply")) == 2000


@pytest.mark.parametrize("gap", [None, 0.05])
def test_while_the_film_is_written_keeps_the_painting(folder, tmp_path, begin, gap) -> None:
    """The painting is done: the asset is there, no half film is, and --resume has something to write."""
    out = tmp_path / "out"
    process = begin(*paint(folder, out, 2))
    wait_for(lambda: list(out.glob(".flight.mp4.*.tmp")), process)
    assert leftovers(out)
    _, errors, seconds = press(process, gap)
    assert seconds < SOON
    assert not leftovers(out)
    assert not (out / "flight.mp4").exists()
    assert len(load(out / "painted.ply")) == 2000
    assert (out / "checkpoint.pt").is_file()
    if gap is None:
        assert "the same job with --resume to write it" in errors


@pytest.mark.parametrize("gap", [None, 0.05])
def test_while_rendering_keeps_whole_frames(folder, tmp_path, begin, gap) -> None:
    out = tmp_path / "film.mp4"
    frames = tmp_path / ".film.mp4.frames"
    process = begin("render", folder / "ball.ply", "--out", out, "--frames", 3000, "--size", 192)
    wait_for(lambda: len(list(frames.glob("frame_*.png"))) >= 2, process)
    _, errors, seconds = press(process, gap)
    assert seconds < SOON
    assert not leftovers(tmp_path)
    assert not out.exists()
    assert all(load(path).pixels.shape == (192, 192, 3) for path in frames.glob("frame_*.png"))
    if gap is None:
        assert "--resume" in errors
