"""Options of every command, and errors that nothing foresaw."""

from __future__ import annotations

from pathlib import Path

import pytest

from nst3d.cli.main import main


def test_unforeseen_errors_are_one_line_and_a_log(tmp_path: Path, capfd, monkeypatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))

    def broken(arguments):
        raise ZeroDivisionError("x" * 500)

    monkeypatch.setattr("nst3d.cli.main._answer", broken)
    assert main(["inspect", "a.glb"]) == 1
    told = capfd.readouterr().err
    assert told.count("\n") == 1
    assert "Traceback" not in told
    assert "unexpected ZeroDivisionError" in told
    log = Path(told.split("with the file ")[1].strip())
    assert "Traceback" in log.read_text()


@pytest.mark.parametrize("memory", ["nan", "0", "much", ""])
def test_memory_is_a_number_above_zero(capfd, memory: str) -> None:
    assert main(["inspect", "a.glb", "--memory", memory]) == 1
    assert "--memory is" in capfd.readouterr().err


def test_large_files_are_refused_before_they_are_read(tmp_path: Path, capfd) -> None:
    with (tmp_path / "a.glb").open("wb") as file:
        file.write(b"glTF")
        file.truncate(5 * 2**30)  # sparse: takes no disk
    assert main(["inspect", str(tmp_path / "a.glb")]) == 1
    assert "more than 4 GiB" in capfd.readouterr().err
