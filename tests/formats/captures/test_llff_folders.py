"""LLFF captures as they arrive from other systems: hidden files, links, names in another case."""

from __future__ import annotations

from pathlib import Path

import pytest
from capture_samples import write_llff

from nst3d.formats.captures.registry import load_capture
from nst3d.formats.io.files import OutsideError
from nst3d.limits import Limits, limited


def test_hidden_files_are_no_photographs(tmp_path: Path) -> None:
    write_llff(tmp_path)
    for name in ("._000.png", "._001.png", ".DS_Store", "Thumbs.db", ".hidden.jpg"):
        (tmp_path / "images" / name).write_bytes(b"junk")
    assert len(load_capture(tmp_path).photos) == 10


def test_names_in_another_case(tmp_path: Path) -> None:
    write_llff(tmp_path)
    (tmp_path / "images").rename(tmp_path / "Images")
    (tmp_path / "poses_bounds.npy").rename(tmp_path / "Poses_Bounds.npy")
    assert len(load_capture(tmp_path).photos) == 10


@pytest.mark.parametrize("whole", [True, False])
def test_links_out_of_the_folder_are_not_followed(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, whole: bool
) -> None:
    write_llff(tmp_path)
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "x"
    link = tmp_path / ("images" if whole else "images/003.png")
    link.rename(elsewhere)
    link.symlink_to(elsewhere)
    with pytest.raises(OutsideError, match=r"outside its folder.*`allow_outside`"):
        load_capture(tmp_path)
    with limited(Limits(outside=True)):
        assert len(load_capture(tmp_path).photos) == 10
