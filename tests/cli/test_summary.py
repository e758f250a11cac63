"""What a run changed, left out or could not do stands at its end, and in metrics.json."""

from __future__ import annotations

import json

import pytest

from nst3d.cli.main import main


@pytest.mark.parametrize("quiet", [False, True])
def test_notes_of_a_run_are_summed_up(inputs, tmp_path, capsys, quiet) -> None:
    (tmp_path / "a.obj").write_text(
        "mtllib none.mtl\nv 0 0 0\nv 1 0 0\nv 0 1 0\nv 0 0 1\nf 1 3 2\nf 1 2 4\nf 1 4 3\nf 2 3 4\n"
    )
    command = ["paint", tmp_path / "a.obj", "--style", inputs / "style.png", "--out", tmp_path / "out"]
    command += [
        "--size",
        "64",
        "--iterations",
        "2",
        "--settings.rig.views",
        "4",
        "--settings.output.frames",
        "2",
    ]
    assert main([str(part) for part in command] + ["--quiet"] * quiet) == 0
    notes = json.loads((tmp_path / "out" / "metrics.json").read_text())["notes"]
    assert any("none.mtl" in note for note in notes)
    assert len(notes) == len(set(notes))
    printed = capsys.readouterr().err
    assert printed.count("note: ") == len(notes)
    end = "\n".join(["summary:", *(f"  {note}" for note in notes), ""])
    assert printed.endswith(end) != quiet
