"""COLMAP models as other programs and other people leave them."""

from __future__ import annotations

from pathlib import Path

import pytest
from capture_samples import SIZE, write_colmap, write_pictures

from nst3d.errors import InputError
from nst3d.formats.captures.registry import load_capture
from nst3d.formats.io.files import OutsideError
from nst3d.limits import Limits, limited
from nst3d.representations.capture import Capture

LENS = [40.0, SIZE[1] / 2, SIZE[0] / 2]


def model(root: Path, place: str = "sparse/0", binary: bool = False) -> Path:
    return write_colmap(root, "SIMPLE_PINHOLE", LENS, binary, place)


def rewrite(file: Path, old: str, new: str) -> None:
    file.write_text(file.read_text().replace(old, new))


def named(capture: Capture) -> list[str]:
    return [p.name for p in capture.photos]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A text model of ten photographs, images/sub/p 0.png to p 9.png."""
    model(tmp_path)
    return tmp_path


def test_poses_without_lines_of_points(root: Path) -> None:
    whole = load_capture(root)
    file = root / "sparse/0/images.txt"
    lines = [line for line in file.read_text().splitlines() if line.endswith(".png")]
    file.write_text("# Number of images: 10, mean observations per image: 0\n" + "\n".join(lines))
    capture = load_capture(root)
    assert named(capture) == named(whole)
    assert capture.notes == ()
    assert all((a.camera.position == b.camera.position).all() for a, b in zip(whole.photos, capture.photos))


def test_a_count_that_does_not_fit_is_a_problem(root: Path) -> None:
    rewrite(root / "sparse/0/images.txt", "# Image list", "# Number of images: 12, mean 3\n# Image list")
    assert any("declares 12 images, but has 10" in n for n in load_capture(root).notes)


def test_lines_that_are_neither_poses_nor_points(root: Path) -> None:
    rewrite(root / "sparse/0/images.txt", "1.5 2.5 -1 3.5 4.5 9", "1.5 2.5 -1 3.5 4.5")
    with pytest.raises(InputError, match=r"images\.txt: not an image: '1\.5 2\.5"):
        load_capture(root)


def test_photographs_without_a_pose_are_named(root: Path) -> None:
    write_pictures(root / "images/sub", ["extra.png", "._p 0.png"])
    assert any("1 photographs beside the 10" in n and "extra.png" in n for n in load_capture(root).notes)


def test_the_largest_model_is_taken(tmp_path: Path) -> None:
    model(tmp_path, "sparse/1", binary=True)
    small = model(tmp_path, "sparse/0", binary=True)
    count = (3).to_bytes(8, "little")
    for name in ("images.bin",):
        (small / name).write_bytes(count + (small / name).read_bytes()[8:])
    capture = load_capture(tmp_path)
    assert len(capture.photos) == 10
    assert any("sparse/1 (10 photographs) is used" in n and "sparse/0 (3 photographs) left out" in n
               for n in capture.notes)  # fmt: skip
    assert len(load_capture(tmp_path / "sparse").photos) == 10  # the photographs lie beside it
    assert not any("COLMAP models" in n for n in load_capture(tmp_path / "sparse/1").notes)


def test_files_in_another_case(root: Path) -> None:
    (root / "sparse").rename(root / "Sparse")
    for name in ("cameras", "images"):
        (root / f"Sparse/0/{name}.txt").rename(root / f"Sparse/0/{name.title()}.TXT")
    (root / "images").rename(root / "Images")
    assert len(load_capture(root).photos) == 10
    assert len(load_capture(root / "Sparse/0/Cameras.TXT").photos) == 10


@pytest.mark.parametrize(
    "listed",
    ["sub/p 3.PNG", "sub/p 3.jpg", "SUB/P 3.png", "sub\\p 3.png", "p 3.png", r"C:\cap\images\sub\p 3.png",
     "/home/me/cap/images/sub/p 3.png", "/home/me/cap/p 3.png"],
)  # fmt: skip
def test_photographs_under_other_names(root: Path, listed: str) -> None:
    rewrite(root / "sparse/0/images.txt", "sub/p 3.png", listed)
    if "sub" not in listed.lower():  # flat in the folder, as the name says
        (root / "images/sub/p 3.png").rename(root / "images/p 3.png")
    found = {p.path.name for p in load_capture(root).photos if p.path}
    assert len(found) == 10
    assert "p 3.png" in found


def test_two_names_for_one_file_are_no_match(root: Path) -> None:
    rewrite(root / "sparse/0/images.txt", "sub/p 3.png", "left/p 4.png")
    (root / "images/sub/p 4.png").rename(root / "images/p 4.png")
    capture = load_capture(root)
    assert len(capture.photos) == 8
    assert any("missing: left/p 4.png, sub/p 4.png" in n for n in capture.notes)


def test_the_folder_whose_sizes_fit(root: Path) -> None:
    (root / "images").rename(root / "input")
    write_pictures(root / "images/sub", [f"p {i}.png" for i in range(10)], (20, 32))
    assert {p.path.parent.parent.name for p in load_capture(root).photos if p.path} == {"input"}


def test_photographs_in_a_folder_of_any_name(root: Path) -> None:
    (root / "images").rename(root / "photos of the ball")
    assert len(load_capture(root).photos) == 10


def test_what_lies_outside_is_listed(root: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    write_pictures(elsewhere, ["p.png"])
    (root / "images/sub/p 3.png").unlink()
    rewrite(root / "sparse/0/images.txt", "sub/p 3.png", f"{elsewhere}/p.png")
    with pytest.raises(
        OutsideError, match=r"1 of its 10 photographs lie outside.*/p\.png; give `allow_outside`"
    ):
        load_capture(root)
    with limited(Limits(outside=True)):
        assert len(load_capture(root).photos) == 10


def test_a_linked_folder_of_photographs_is_outside(
    root: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "photos"
    (root / "images").rename(elsewhere)
    (root / "images").symlink_to(elsewhere)
    with pytest.raises(OutsideError, match="10 of its 10 photographs lie outside"):
        load_capture(root)
    with limited(Limits(outside=True)):
        assert len(load_capture(root).photos) == 10
