from __future__ import annotations

import io
import os

import numpy as np
import pytest
import torch
from PIL import Image, ImageCms

from nst3d.errors import InputError, OutputError
from nst3d.images import decode_image, encode_png, read_image, write_image
from nst3d.images.io import LIMIT
from nst3d.images.levels import to_bytes


def eight_bit(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)


def saved(image: Image.Image, path, **options) -> str:
    image.save(path, **options)
    return str(path)


def test_every_8_bit_value_survives_a_round_trip(tmp_path) -> None:
    levels = np.arange(256, dtype=np.uint8).reshape(16, 16)
    pixels = np.stack([levels, levels[::-1], levels.T], axis=-1).astype(np.float32) / np.float32(255)
    alpha = levels.astype(np.float32) / np.float32(255)
    path = tmp_path / "übung mit leer.png"
    write_image(path, pixels, alpha)
    picture = read_image(path)
    assert np.array_equal(picture.pixels, pixels)
    assert np.array_equal(picture.alpha, alpha)
    assert picture.pixels.dtype == picture.alpha.dtype == np.float32
    assert picture.notes == ()
    assert np.array_equal(to_bytes(picture.pixels), np.stack([levels, levels[::-1], levels.T], axis=-1))
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


def test_rounding_is_to_the_nearest_and_clamped() -> None:
    values = np.array(
        [-1, 0, 0.499 / 255, 0.5 / 255, 0.501 / 255, 254.4 / 255, 254.6 / 255, 1, 7], np.float64
    )
    assert to_bytes(values).tolist() == [0, 0, 0, 1, 1, 254, 255, 255, 255]
    assert to_bytes(torch.tensor([0.25], requires_grad=True)).tolist() == [64]
    with pytest.raises(ValueError, match="NaN"):
        to_bytes(np.array([np.nan]))


@pytest.mark.parametrize("suffix", ["png", "webp", "tiff", "bmp", "tga", "gif"])
def test_formats_without_loss(tmp_path, suffix) -> None:
    levels = eight_bit(5, 7, 3) // 64 * 64
    options = {"lossless": True} if suffix == "webp" else {}
    path = saved(Image.fromarray(levels), tmp_path / f"picture.{suffix}", **options)
    picture = read_image(path)
    assert np.array_equal(to_bytes(picture.pixels), levels)
    assert picture.alpha is None


def test_jpeg_is_close_and_its_alpha_dropped(tmp_path) -> None:
    ramp = np.linspace(0, 1, 32 * 32 * 3, dtype=np.float32).reshape(32, 32, 3)
    write_image(tmp_path / "a.jpg", ramp, np.zeros((32, 32), np.float32))
    picture = read_image(tmp_path / "a.jpg")
    assert picture.alpha is None
    assert np.abs(picture.pixels - ramp).max() < 0.03


def test_modes_become_rgb(tmp_path) -> None:
    levels = eight_bit(4, 4)
    grey = Image.fromarray(levels)
    wanted = np.repeat(levels[..., None], 3, axis=-1)
    assert np.array_equal(to_bytes(read_image(saved(grey, tmp_path / "l.png")).pixels), wanted)
    both = Image.merge("LA", (grey, grey))
    picture = read_image(saved(both, tmp_path / "la.png"))
    assert np.array_equal(to_bytes(picture.alpha), levels)
    palette = Image.fromarray(np.array([[0, 1], [2, 1]], np.uint8), mode=None)
    palette = palette.convert("L").convert("P")
    palette.putpalette([255, 0, 0, 0, 255, 0, 0, 0, 255] + [0] * 759)
    palette.putdata([0, 1, 2, 1])
    picture = read_image(saved(palette, tmp_path / "p.png", transparency=1))
    assert picture.pixels.reshape(4, 3).tolist() == [[1, 0, 0], [0, 1, 0], [0, 0, 1], [0, 1, 0]]
    assert picture.alpha.reshape(-1).tolist() == [1, 0, 1, 0]
    bits = Image.fromarray(levels > 127)
    assert set(np.unique(read_image(saved(bits, tmp_path / "1.png")).pixels)) <= {0.0, 1.0}


def test_sixteen_bits_keep_their_depth(tmp_path) -> None:
    values = np.array([[0, 1, 257], [32768, 65534, 65535]], np.uint16)
    for name in ("a.png", "a.tiff"):
        picture = read_image(saved(Image.fromarray(values), tmp_path / name))
        np.testing.assert_array_equal(picture.pixels[..., 1], values.astype(np.float32) / np.float32(65535))
    floats = np.array([[-1, 0, 0.25], [0.5, 1, 2]], np.float32)
    picture = read_image(saved(Image.fromarray(floats), tmp_path / "f.tiff"))
    assert np.array_equal(picture.pixels[..., 0], floats.clip(0, 1))
    broken = Image.fromarray(np.full((2, 2), np.nan, np.float32))
    with pytest.raises(InputError, match="non-finite"):
        read_image(saved(broken, tmp_path / "nan.tiff"))


def test_cmyk_with_and_without_a_profile(tmp_path) -> None:
    cmyk = Image.new("CMYK", (8, 8), (0, 255, 255, 0))
    red = read_image(saved(cmyk, tmp_path / "c.tiff")).pixels[0, 0]
    assert red.tolist() == [1, 0, 0]
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()  # not one of inks: ignored
    assert read_image(saved(cmyk, tmp_path / "d.tiff", icc_profile=srgb)).pixels[0, 0].tolist() == [1, 0, 0]


def test_exif_turns_a_photo_but_not_a_texture(tmp_path) -> None:
    levels = eight_bit(2, 3, 3)
    exif = Image.Exif()
    exif[0x0112] = 6  # turn a quarter clockwise to see it upright
    path = saved(Image.fromarray(levels), tmp_path / "turned.png", exif=exif)
    assert np.array_equal(to_bytes(read_image(path).pixels), np.rot90(levels, -1))
    stored = decode_image((tmp_path / "turned.png").read_bytes(), "texture 0")
    assert np.array_equal(to_bytes(stored.pixels), levels)


@pytest.mark.parametrize("suffix", ["png", "jpg"])
def test_a_large_picture_is_reduced_and_that_is_said(tmp_path, suffix) -> None:
    gradient = np.linspace(0, 255, 400)[None, :, None].repeat(200, 0).repeat(3, 2).astype(np.uint8)
    path = saved(Image.fromarray(gradient), tmp_path / f"large.{suffix}")
    picture = read_image(path, max_pixels=5000)
    assert picture.pixels.shape == (50, 100, 3)
    assert picture.notes == (f"{path}: 400 x 200 pixels, reduced to 100 x 50",)
    assert picture.full == (200, 400)
    assert np.abs(picture.pixels[:, :, 0].mean() - 0.5) < 0.01
    whole = read_image(path, max_pixels=80_000)
    assert (whole.notes, whole.full) == ((), None)


def test_one_pixel(tmp_path) -> None:
    path = saved(Image.new("RGB", (1, 1), (255, 0, 0)), tmp_path / "one.png")
    assert read_image(path, max_pixels=10).pixels.tolist() == [[[1, 0, 0]]]


def test_what_cannot_be_read_is_said_in_one_line(tmp_path) -> None:
    whole = io.BytesIO()
    Image.fromarray(eight_bit(64, 64, 3)).save(whole, "PNG")
    cases = {
        "empty.png": (b"", "is empty"),
        "text.png": (b"hello, I am no picture", "not a readable picture"),
        "half.png": (whole.getvalue()[: len(whole.getvalue()) // 2], "damaged"),
        "postscript.eps": (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 1 1\n", "not a readable picture"),
    }
    for name, (content, message) in cases.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(InputError, match=rf"{name}.*{message}") as caught:
            read_image(tmp_path / name)
        assert "\n" not in str(caught.value)
    with pytest.raises(InputError, match="no such file"):
        read_image(tmp_path / "none.png")
    with pytest.raises(InputError, match="is a folder"):
        read_image(tmp_path)


def test_a_decompression_bomb_is_refused(tmp_path) -> None:
    side = int(LIMIT**0.5) + 1
    bomb = saved(Image.new("1", (side, side)), tmp_path / "bomb.png")
    with pytest.raises(InputError, match=r"limit of 178 megapixels"):
        read_image(bomb, max_pixels=1000)


def test_what_cannot_be_written_leaves_the_old_file(tmp_path) -> None:
    pixels = np.zeros((2, 2, 3), np.float32)
    with pytest.raises(OutputError, match=r"missing.*No such file"):
        write_image(tmp_path / "missing" / "a.png", pixels)
    with pytest.raises(OutputError, match=r"use \.png or \.jpg"):
        write_image(tmp_path / "a.gif", pixels)
    with pytest.raises(OutputError, match="at most 65535"):
        write_image(tmp_path / "a.jpg", np.zeros((1, 65536, 3), np.float32))
    (tmp_path / "folder.png").mkdir()
    with pytest.raises(OutputError, match=r"folder\.png"):
        write_image(tmp_path / "folder.png", pixels)
    assert [p.name for p in tmp_path.iterdir()] == ["folder.png"]


def test_a_full_disk_leaves_the_old_file(tmp_path, monkeypatch) -> None:
    path = tmp_path / "a.png"
    write_image(path, np.zeros((2, 2, 3), np.float32))
    before = path.read_bytes()

    def full(*_args: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(OutputError, match="No space left on device"):
        write_image(path, np.ones((2, 2, 3), np.float32))
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["a.png"]


def test_encoded_png_is_what_is_written(tmp_path) -> None:
    pixels = eight_bit(3, 3, 3).astype(np.float32) / np.float32(255)
    write_image(tmp_path / "a.png", torch.from_numpy(pixels))
    assert (tmp_path / "a.png").read_bytes() == encode_png(pixels)


def test_real_paintings(data_dir) -> None:
    picture = read_image(data_dir / "styles" / "starry_night_vangogh_1889.jpg", max_pixels=250_000)
    height, width = picture.pixels.shape[:2]
    assert height * width <= 250_000
    assert width / height == pytest.approx(1280 / 1014, rel=0.01)
    assert picture.pixels[..., 2].mean() > picture.pixels[..., 0].mean()  # a blue night
