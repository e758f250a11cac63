"""What a process that was killed, or a full disk, leaves: the next run copes with it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from tiny_jobs import TINY, Listener, job, write_inputs

from nst3d.errors import InputError
from nst3d.files import sweep
from nst3d.pipeline.jobs.paint import CHECKPOINT, run_job
from nst3d.pipeline.runtime.kept_frames import KeptFrames
from nst3d.pipeline.runtime.out_folder import resumable


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_inputs(tmp_path_factory.mktemp("inputs"))


@pytest.fixture(scope="module")
def gone() -> int:
    """The number of a process that has ended."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


@pytest.mark.parametrize("left", [(), ("config.yaml",)])
def test_a_run_killed_before_its_first_checkpoint_starts_over(
    inputs: Path, tmp_path: Path, gone: int, left: tuple[str, ...]
) -> None:
    for name in (*left, f".painted.png.{gone}.tmp"):
        (tmp_path / name).write_text("killed")
    hears = Listener()
    result = run_job(job(inputs, tmp_path, TINY, "photo.png", resume=True), hears)
    assert (tmp_path / "painted.png") in result.paths
    assert hears.notes[0] == "the earlier run was stopped before its first checkpoint: starting over"
    assert json.loads((tmp_path / "metrics.json").read_text())["notes"] == hears.notes
    assert not list(tmp_path.glob("*.tmp"))


def test_a_finished_run_is_not_begun_again(tmp_path: Path) -> None:
    names = [tmp_path / name for name in ("checkpoint.pt", "config.yaml", "metrics.json")]
    names[2].write_text("{}")
    names[1].write_text("")
    os.utime(names[2], (1, 1))  # of an older run
    assert not resumable(*names)
    os.utime(names[1], (0, 0))
    with pytest.raises(InputError, match="nothing to resume"):
        resumable(*names)
    names[0].write_text("")
    assert resumable(*names)


def test_only_temporary_files_of_processes_that_are_gone_are_swept(tmp_path: Path, gone: int) -> None:
    kept = [f".a.png.{os.getpid()}.tmp", ".a.png.tmp", f"a.{gone}.tmp", ".hidden", f".a.{10**30}.txt"]
    for name in (*kept, f".a.png.{gone}.tmp", f".b.{10**30}.tmp"):
        (tmp_path / name).write_text("")
    sweep(tmp_path)
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(kept)


@pytest.mark.parametrize("stop_after", [-1, 3])
def test_a_checkpoint_that_cannot_be_written_is_a_note(inputs: Path, tmp_path: Path, stop_after: int) -> None:
    (tmp_path / CHECKPOINT).mkdir()
    config = replace(TINY, output=replace(TINY.output, checkpoint_seconds=1e-6))
    hears = Listener(stop_after)
    result = run_job(job(inputs, tmp_path, config, "photo.png", overwrite=True), hears)
    assert (tmp_path / "painted.png").is_file()
    assert result.interrupted == (stop_after > 0)
    assert sum("without this checkpoint" in note for note in hears.notes) >= 3
    assert not any("Keeper" in note for note in hears.notes)


def test_a_broken_frame_is_drawn_again(tmp_path: Path) -> None:
    folder = tmp_path / "frames"
    with KeptFrames(folder, {"scenes": "this"}, resume=False, fast=True):
        pass
    (folder / "frame_00000.png").write_bytes(b"\x89PNG broken")
    with KeptFrames(folder, {"scenes": "this"}, resume=True, fast=True) as again:
        assert again.read(0) is None
    (folder / "frame_00000.png").unlink()
    (folder / ".nst3d_render").unlink()
    with KeptFrames(folder, {"scenes": "this"}, resume=True, fast=True) as again:
        assert again.count() == 0
