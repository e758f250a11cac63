"""What cameras note in their photographs."""

from __future__ import annotations

import math

import pytest
from PIL import Image

from nst3d.errors import InputError
from nst3d.images.exif import read_camera_notes
from nst3d.tensors import ImageSize


def photograph(path, turn=None, focal=None, mode="RGB", details=None):
    exif = Image.Exif()
    if turn is not None:
        exif[0x0112] = turn
    if focal is not None:
        exif.get_ifd(0x8769)[0xA405] = focal
    exif.get_ifd(0x8769).update(details or {})
    exif[0x010F], exif[0x0110] = "Maker", "Model 3\0#17"
    Image.new(mode, (60, 40)).save(path, exif=exif)
    return path


def test_focal_length_is_that_of_the_diagonal(tmp_path) -> None:
    noted = read_camera_notes(photograph(tmp_path / "a.jpg", focal=28))
    assert noted.focal == pytest.approx(28 * math.hypot(60, 40) / math.hypot(36, 24))
    assert noted.camera == "Maker Model 3"
    assert noted.upright
    assert noted.plain


@pytest.mark.parametrize("focal", [None, 0, 3, 60000])
def test_focal_lengths_that_cannot_be(tmp_path, focal) -> None:
    assert read_camera_notes(photograph(tmp_path / "a.jpg", focal=focal)).focal is None


SENSOR = {0x920A: 5.8, 0xA20E: 2272 / (5.69 / 25.4), 0xA210: 2, 0xA002: 2272, 0xA003: 1704}
"""Of 5.69 millimetres across."""


@pytest.mark.parametrize("turn", [1, 6])
@pytest.mark.parametrize("unit", [2, 3, None])
def test_without_an_equivalent_the_focal_length_follows_from_the_sensor(tmp_path, unit, turn) -> None:
    """Also for a picture that was reduced, and cropped from 4:3."""
    details = SENSOR | ({} if unit == 2 else {0xA210: unit, 0xA20E: 2272 / 0.569} if unit else {})
    if unit is None:
        del details[0xA210]
    noted = read_camera_notes(photograph(tmp_path / "a.jpg", turn, details=details))
    assert noted.focal == pytest.approx(5.8 / 5.69 * 60, rel=1e-4)
    given = read_camera_notes(photograph(tmp_path / "b.jpg", focal=28, details=details))
    assert given.focal == pytest.approx(28 * math.hypot(60, 40) / math.hypot(36, 24))


@pytest.mark.parametrize("wrong", [{0xA002: 100, 0xA003: 75}, {0xA210: 1}, {0xA20E: 0.0}, {0x920A: 0.0}])
def test_sensors_that_cannot_be(tmp_path, wrong) -> None:
    assert read_camera_notes(photograph(tmp_path / "a.jpg", details=SENSOR | wrong)).focal is None


@pytest.mark.parametrize(
    ("turn", "upright", "size"),
    [
        (None, True, (40, 60)),
        (1, True, (40, 60)),
        (3, False, (40, 60)),
        (6, False, (60, 40)),
        (99, True, (40, 60)),
    ],
)
def test_how_it_was_held(tmp_path, turn, upright, size) -> None:
    noted = read_camera_notes(photograph(tmp_path / "a.jpg", turn))
    assert (noted.upright, noted.size) == (upright, ImageSize(*size))


@pytest.mark.parametrize(
    ("name", "mode", "plain"),
    [("a.png", "RGB", True), ("a.png", "L", True), ("a.png", "RGBA", False), ("a.png", "I;16", False),
     ("a.tif", "RGB", False), ("a.jpg", "CMYK", False)],
)  # fmt: skip
def test_what_every_program_reads_alike(tmp_path, name, mode, plain) -> None:
    assert read_camera_notes(photograph(tmp_path / name, mode=mode)).plain == plain


def test_no_picture(tmp_path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"\xff\xd8\xff nothing")
    with pytest.raises(InputError, match=r"a\.jpg: not a readable picture"):
        read_camera_notes(tmp_path / "a.jpg")
    with pytest.raises(InputError, match="no such file"):
        read_camera_notes(tmp_path / "b.jpg")
