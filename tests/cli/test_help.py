"""What --help shows."""

from __future__ import annotations

import dataclasses
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import tyro

from nst3d.cli import (
    blend,
    capture,
    demo,
    doctor,
    export,
    inspect,
    paint,
    reconstruct,
    regions,
    render,
    sweep,
    video,
    view,
    weights,
)
from nst3d.cli.every_command import GLOBAL
from nst3d.cli.main import COMMANDS, main
from nst3d.cli.parse import parse
from nst3d.pipeline.settings.config import PaintConfig

ARGUMENTS = [
    blend.BlendArguments, capture.CaptureArguments, demo.DemoArguments, export.ExportArguments,
    inspect.InspectArguments, paint.PaintArguments, reconstruct.ReconstructArguments,
    regions.RegionsArguments, render.RenderArguments, sweep.SweepArguments,
    video.VideoArguments, view.ViewArguments, weights.FetchArguments,
]  # fmt: skip


def shown(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    """The help as running text, without frames and line breaks."""
    with pytest.raises(SystemExit) as end:
        main([*words])
    assert end.value.code == 0
    return " ".join(re.sub(r"[│╭╮╰╯─]", " ", capsys.readouterr().out).split())


@pytest.mark.parametrize("command", COMMANDS)
def test_help_is_made_of_plain_words(command: str, capsys: Any) -> None:
    text = shown(capsys, command, "--help")
    assert "None" not in text
    assert "(default: False)" not in text
    assert not re.search(r"\b(?:STR|told|so many|goes on|what there is)\b", text)


@pytest.mark.parametrize("command", ["paint", "reconstruct"])
def test_all_settings_have_help(command: str, capsys: Any) -> None:
    text = shown(capsys, command, "--help-all")
    assert "{None" not in text
    assert "(default: None)" not in text
    assert "--settings.device" in text


@pytest.mark.parametrize("kind", ARGUMENTS, ids=lambda kind: kind.__name__)
def test_every_option_is_described_in_phrases(kind: type, capsys: Any) -> None:
    required = sum(f.default is dataclasses.MISSING for f in dataclasses.fields(kind))
    with pytest.raises(SystemExit):
        parse(kind(*[tyro.MISSING] * required), ["--help"], "a", "b")
    output = capsys.readouterr().out
    for line in re.split(r"│ (?=--)", output)[1:]:
        words = " ".join(re.sub(r"[│╭╮╰╯─]", " ", line).split())
        text = re.sub(r"^(?:--\S+(?:,? |$))+", "", words)
        assert re.search(r"[A-Z].*\.", text), words


def test_paragraphs_are_not_broken_where_the_source_is(capsys: Any, monkeypatch: Any) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    with pytest.raises(SystemExit):
        main(["paint", "--help"])
    lines = [line.strip("│ \n") for line in capsys.readouterr().out.splitlines()]
    (place,) = [i for i, line in enumerate(lines) if line.startswith("--size")]
    assert lines[place].endswith("(for pictures, the long side);")
    assert lines[place + 1] == "coarser stages and those of --displace scale accordingly."


def test_none_is_still_a_value() -> None:
    default = paint.AllArguments(
        Path("a"), Path("b"), settings=dataclasses.replace(PaintConfig(), nerf="head")
    )
    given = parse(default, ["--settings.nerf", "None", "--size", "64"], "nst3d paint", "")
    assert given.settings.nerf is None
    assert given.size == 64
    assert doctor.DoctorArguments() == parse(doctor.DoctorArguments(), [], "nst3d doctor", "")


@pytest.mark.parametrize("command", COMMANDS)
def test_options_of_every_command_are_in_each_help(command: str, capsys: Any) -> None:
    assert all(option in shown(capsys, command, "--help") for option in GLOBAL)


def test_the_package_runs_as_a_module() -> None:
    command = [sys.executable, "-m", "nst3d", "--version"]
    assert re.fullmatch(
        r"\d+\.\d+.*\n", subprocess.run(command, capture_output=True, text=True, check=True).stdout
    )
