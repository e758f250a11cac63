"""Where a nerfstudio run's data is."""

from __future__ import annotations

from pathlib import Path

import pytest

from nst3d.formats.nerfstudio.data import find_data, told_data


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
