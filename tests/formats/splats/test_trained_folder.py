"""Folders of 3DGS training: the splats that are read, and how they are painted."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from splat_samples import other_colours
from trained_folder import write_trained_folder

from nst3d.errors import InputError
from nst3d.formats.io.files import OutsideError
from nst3d.formats.splats.registry import is_splats, load_splats, save_splats, suffix_of
from nst3d.formats.splats.trained_folder import read_trained_folder


def test_the_last_iteration_is_read(tmp_path: Path) -> None:
    write_trained_folder(tmp_path, (30000, 7000, 500))
    assert is_splats(tmp_path)
    splats = load_splats(tmp_path)
    np.testing.assert_allclose(splats.colours, 30000 % 97 / 97, atol=1e-6)
    assert splats.notes[0] == "point_cloud/iteration_30000/point_cloud.ply is read, the last of 3 iterations"
    assert suffix_of(splats) == ".ply"


def test_it_is_painted_like_the_file_in_it(tmp_path: Path) -> None:
    write_trained_folder(tmp_path)
    whole, file = load_splats(tmp_path), load_splats(tmp_path / "point_cloud/iteration_7000/point_cloud.ply")
    colours = other_colours(whole)
    save_splats(tmp_path / "a.ply", whole, colours)
    save_splats(tmp_path / "b.ply", file, colours)
    assert (tmp_path / "a.ply").read_bytes() == (tmp_path / "b.ply").read_bytes()
    assert whole.notes == ()


def test_a_training_that_saved_nothing(tmp_path: Path) -> None:
    write_trained_folder(tmp_path, ())
    assert not is_splats(tmp_path)
    with pytest.raises(InputError, match="the training saved no splats"):
        read_trained_folder(tmp_path)


def test_splats_behind_a_link(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    cloud = write_trained_folder(tmp_path) / "point_cloud"
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "x"
    cloud.rename(elsewhere)
    cloud.symlink_to(elsewhere)
    with pytest.raises(OutsideError):
        load_splats(tmp_path)
