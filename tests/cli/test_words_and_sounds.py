"""Options of words and sounds, from the command line to jobs."""

from __future__ import annotations

from pathlib import Path

import pytest

from nst3d.cli.main import main
from nst3d.cli.paint import asked_for


def test_options_of_words_and_sounds_reach_the_job(tmp_path: Path) -> None:
    line = [
        "no.glb",
        "--out",
        str(tmp_path),
        "--sound",
        "a.mp3",
        "--library",
        "pictures",
        "--words",
        "choose",
    ]
    job = asked_for([*line, "--text", "jade", "--avoid", "plastic"]).job
    assert (job.sound, job.library, job.words) == (Path("a.mp3"), Path("pictures"), "choose")
    assert (job.texts, job.avoid) == (("jade",), ("plastic",))
    assert asked_for(["no.glb", "--out", str(tmp_path), "--sound", "a.mp3"]).job.words == "auto"


def test_mistakes_name_flags(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = ["--out", str(tmp_path / "out.mp4")]
    (tmp_path / "scene.glb").write_bytes(b"glTF")
    for line, why in (
        (
            ["render", "scene.glb", "--sound", str(tmp_path / "no.wav"), *out],
            "no such file, expected a sound",
        ),
        (
            ["render", "a.glb", "--sound", "a.wav", "--before", "b.glb", "--fade", "0:1", *out],
            "leave out --fade",
        ),
        (
            ["paint", "no.glb", "--style", "a.jpg", "--library", str(tmp_path), *out],
            "--library is what words choose",
        ),
        (["paint", "no.glb", "--sound", str(tmp_path / "scene.glb"), *out], "cannot be read as a sound"),
    ):
        assert main(line) != 0
        assert why in capsys.readouterr().err
