"""nst3d eval --pairs, and which of its options belong together."""

from __future__ import annotations

import pytest

from nst3d.cli.eval import eval as command
from nst3d.errors import ConfigError


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--out", "x"], "no run"),
        (["run"], "give `out`"),
        (["run", "--votes", "v.json", "--out", "x"], "belong to `pairs`"),
        (["run", "--seed", "2", "--out", "x"], "belong to `pairs`"),
        (["--pairs", "a", "b"], "give `out`"),
        (["run", "--pairs", "a", "b", "--out", "x"], "`runs` changes nothing"),
        (["--pairs", "a", "b", "--out", "x", "--flow", "dis"], "`flow` changes nothing with `pairs`"),
        (["--pairs", "a", "b", "--out", "x", "--gaps", "2"], "`gaps` changes nothing with `pairs`"),
        (["--pairs", "a", "b", "--votes", "v.json", "--out", "x"], "`out` changes nothing with `votes`"),
        (["--pairs", "a", "b", "--votes", "v.json", "--views", "3"], "`views` changes nothing with `votes`"),
    ],
)
def test_options_that_do_nothing_are_refused(words, message) -> None:
    with pytest.raises(ConfigError, match=message):
        command(words)
