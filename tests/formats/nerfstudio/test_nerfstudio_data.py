"""Where a nerfstudio run's data is."""

from __future__ import annotations

from pathlib import Path

import pytest

from nst3d.formats.io.files import OutsideError
from nst3d.formats.nerfstudio.data import find_data, told_data
from nst3d.limits import Limits, limited


@pytest.mark.parametrize(
    ("manager", "told"),
    [
        ({"data": "/a", "dataparser": {"data": "/b"}}, "/a"),
        ({"data": None, "dataparser": {"data": "/b"}}, "/b"),
        ({"data": "."}, None),
        ({"data": [1]}, None),
        ({"dataparser": None}, None),
        ([1], None),
        (None, None),
    ],
)
def test_what_a_config_says(manager, told) -> None:
    assert told_data({"pipeline": {"datamanager": manager}}) == told
    assert told_data({"pipeline": manager}) is None


def test_a_relative_path_is_looked_for_where_outputs_lies(tmp_path: Path) -> None:
    run = tmp_path / "outputs/rock/nerfacto/now"
    run.mkdir(parents=True)
    assert find_data(run, "data/rock") is None
    (tmp_path / "data/rock").mkdir(parents=True)
    assert find_data(run, "data/rock") == tmp_path / "data/rock"
    assert find_data(run, str(tmp_path)) == tmp_path
    assert find_data(run, "a\0b") is None


def test_data_elsewhere_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    elsewhere = tmp_path / "private/photos"
    for folder in (elsewhere, tmp_path / "work"):
        folder.mkdir(parents=True)
    for run in (tmp_path / "work/outputs/rock/nerfacto/now", tmp_path / "a/run/that/was/moved"):
        (run / "data").mkdir(parents=True)
        for here, told in (("", str(elsewhere)), ("", "private/photos"), ("work", "../private/photos")):
            monkeypatch.chdir(tmp_path / here)
            with pytest.raises(OutsideError, match="give `data`, its folder, or `allow_outside`"):
                find_data(run, told)
        with limited(Limits(outside=True)):
            assert find_data(run, str(elsewhere)) == elsewhere
        assert find_data(run, str(run / "data")) == run / "data"
