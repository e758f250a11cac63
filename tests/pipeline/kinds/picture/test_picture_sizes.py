"""At what size a picture is painted, and what is said about it."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from PIL import Image as Pillow

from nst3d.errors import InputError
from nst3d.pipeline.kinds.picture.subject import PictureSubject
from nst3d.pipeline.settings.config import PaintConfig
from nst3d.stylize.coat import Coat
from nst3d.stylize.style import Style
from nst3d.tensors import Image


def subject(folder: Path, width: int, height: int, size: int = 64) -> PictureSubject:
    path = folder / "photo.png"
    Pillow.new("RGB", (width, height), (90, 120, 30)).save(path)
    style = Style((Image(torch.rand(8, 8, 3, generator=torch.Generator().manual_seed(0))),), "style")
    return PictureSubject(path, [Coat([style])], PaintConfig().with_size(size))


@pytest.mark.parametrize(
    ("own", "says"),
    [
        ((512, 512), ["512 x 512 pixels, reduced to 64 x 64 for painting"]),  # on reading, to 128 x 128
        ((100, 80), ["100 x 80 pixels, reduced to 64 x 51 for painting"]),
        ((64, 40), []),
        ((16, 12), ["16 x 12 pixels, enlarged to 64 x 48 for painting"]),
        ((1, 1), ["1 x 1 pixels, enlarged to 64 x 64 for painting"]),
    ],
)
def test_the_size_that_is_painted_is_said(tmp_path, own, says) -> None:
    painted = subject(tmp_path, *own)
    assert painted.notes == tuple(f"{tmp_path / 'photo.png'}: {text}" for text in says)
    (size,) = painted.layout.images
    assert all(f"to {size.width} x {size.height} for" in text for text in says)


def test_a_narrow_picture_is_refused_with_the_size_that_paints_it(tmp_path) -> None:
    with pytest.raises(
        InputError, match=r"200 x 3 pixels are too narrow to be painted at 64: .*`size` of 2134 or"
    ):
        subject(tmp_path, 200, 3)
    with pytest.raises(InputError, match="of 2134 or more"):
        subject(tmp_path, 200, 3, 2133)
    assert subject(tmp_path, 200, 3, 2134).layout.images == ((32, 2134),)


def test_a_photograph_on_its_side_is_said_upright(tmp_path) -> None:
    exif = Pillow.Exif()
    exif[0x0112] = 6
    Pillow.new("RGB", (400, 300)).save(tmp_path / "on_its_side.jpg", exif=exif)
    style = Style((Image(torch.rand(8, 8, 3)),), "style")
    (note,) = PictureSubject(tmp_path / "on_its_side.jpg", [Coat([style])], PaintConfig().with_size(64)).notes
    assert note.endswith("300 x 400 pixels, reduced to 48 x 64 for painting")
