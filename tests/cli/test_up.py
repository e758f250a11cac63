"""--up is the same for all commands that take it: every axis, in both spellings."""

from __future__ import annotations

from pathlib import Path
from typing import Any, get_args

import pytest

from nst3d.cameras.axes import Up
from nst3d.cli import inspect, paint, render, view
from nst3d.cli.main import main
from nst3d.errors import InputError
from nst3d.pipeline.settings.config import PaintConfig

COMMANDS = {
    "paint": ["a.glb", "--style", "b.png", "--out", "c", "--quiet"],
    "inspect": ["a.glb"],
    "render": ["a.glb", "--out", "c.png"],
    "view": ["a.glb", "--desktop"],
}


@pytest.fixture
def heard(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What reaches the jobs as up; they end there."""
    said: list[str] = []

    def end(up: str) -> Any:
        said.append(up)
        raise InputError("enough")

    monkeypatch.setattr(paint, "run_job", lambda job, *rest, **more: end(job.config.up))
    monkeypatch.setattr(inspect, "inspect_file", lambda path, config, reader: end(config.up))
    monkeypatch.setattr(render, "run_render", lambda job, *rest: end(job.look.up))
    monkeypatch.setattr(view, "open_window_content", lambda path, up: end(up))
    return said


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("up", get_args(Up))
def test_every_axis_in_both_spellings(heard: list[str], command: str, up: str, capsys: Any) -> None:
    for words in (["--up", up], [f"--up={up}"]):
        assert main([command, *COMMANDS[command], *words]) == 1
        assert capsys.readouterr().err == "nst3d: enough\n"
    assert heard == [up, up]


@pytest.mark.parametrize("command", COMMANDS)
def test_other_axes_are_refused(heard: list[str], command: str) -> None:
    with pytest.raises(SystemExit) as end:
        main([command, *COMMANDS[command], "--up", "w"])
    assert end.value.code == 2
    assert not heard


def test_presets_hold_all_axes(heard: list[str], tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("up: -x")
    main(["paint", *COMMANDS["paint"], "--preset", str(tmp_path / "a.yaml")])
    assert heard == ["-x"]
    assert PaintConfig.up == "auto"
