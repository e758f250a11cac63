"""Installed packages that cannot be used are notes on the command line, not warnings with a traceback's looks."""

from __future__ import annotations

import warnings

import pytest

from nst3d.cli import main
from nst3d.plugins import PluginWarning


def test_a_package_that_cannot_be_used_is_a_note(capsys, monkeypatch) -> None:
    def answer(arguments: list[str]) -> int:
        warnings.warn("entry point 'fbx' cannot be loaded; pip install fbx", PluginWarning, stacklevel=2)
        return 0

    monkeypatch.setattr(main, "_answer", answer)
    assert main.main([]) == 0
    assert capsys.readouterr().err == "note: entry point 'fbx' cannot be loaded; pip install fbx\n"


def test_other_warnings_are_left_alone(monkeypatch) -> None:
    monkeypatch.setattr(main, "_answer", lambda arguments: warnings.warn("something else", stacklevel=2))
    with pytest.warns(UserWarning, match="something else"):
        main.main([])
