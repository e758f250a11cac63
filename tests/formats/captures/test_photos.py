from __future__ import annotations

import numpy as np
import pytest
from capture_samples import poses
from PIL import Image
from PIL.JpegImagePlugin import JpegImageFile

from nst3d.cameras.pinhole import Camera
from nst3d.errors import InputError
from nst3d.formats.captures import photos
from nst3d.formats.captures.photos import area_average, load_alpha, load_photo, load_reduced, load_small
from nst3d.images.io import read_image
from nst3d.representations.capture import Photo
from nst3d.tensors import ImageSize


def photo_of(size: tuple[int, int], **given) -> Photo:
    camera = Camera(poses(2)[0], 10.0, (size[1] / 2, size[0] / 2), ImageSize(*size))
    return Photo("p", camera, **given)


def test_averages_over_whole_blocks() -> None:
    image = np.random.default_rng(0).random((6, 8, 3)).astype(np.float32)
    found = area_average(image, ImageSize(2, 4))
    np.testing.assert_allclose(found, image.reshape(2, 3, 4, 2, 3).mean((1, 3)), atol=1e-7)
    assert found.dtype == np.float32


def test_averages_over_parts_of_pixels() -> None:
    row = np.arange(3, dtype=np.float32)[None, :, None]
    np.testing.assert_allclose(area_average(row, ImageSize(1, 2))[0, :, 0], [1 / 3, 5 / 3], atol=1e-7)
    column = row.transpose(1, 0, 2)
    np.testing.assert_allclose(area_average(column, ImageSize(2, 1))[:, 0, 0], [1 / 3, 5 / 3], atol=1e-7)


@pytest.mark.parametrize("size", [(1, 1), (5, 3), (7, 11), (13, 20)])
def test_the_mean_stays(size) -> None:
    image = np.random.default_rng(1).random((13, 20, 3)).astype(np.float32)
    found = area_average(image, ImageSize(*size))
    assert found.shape == (*size, 3)
    np.testing.assert_allclose(found.mean((0, 1)), image.mean((0, 1)), atol=1e-6)


def test_alpha_is_laid_over_the_background() -> None:
    pixels = np.zeros((2, 2, 4), np.uint8)
    pixels[..., 0] = 255
    pixels[0, 0, 3] = 255
    photo = photo_of((2, 2), pixels=pixels)
    np.testing.assert_allclose(load_photo(photo, ImageSize(1, 1), (0, 0, 1))[0, 0], [0.25, 0, 0.75])
    assert load_photo(photo)[1, 1].tolist() == [1, 1, 1]
    np.testing.assert_allclose(load_alpha(photo, ImageSize(1, 1)), [[0.25]])
    assert load_alpha(photo_of((2, 2), pixels=pixels[..., :3])) is None


def oriented(path, orientation: int) -> np.ndarray:
    pixels = np.random.default_rng(2).integers(0, 256, (4, 6, 3), np.uint8)
    image = Image.fromarray(pixels)
    exif = image.getexif()
    exif[0x0112] = orientation
    image.save(path, exif=exif)
    return pixels


def scenery(height: int, width: int) -> np.ndarray:
    """Waves down to 20 pixels and noise, uint8."""
    y, x = np.mgrid[:height, :width]
    waves = np.stack([np.sin(x / 9 + y / 30), np.sin(x / 40 - y / 7), np.cos((x + y) / 3.2)], -1)
    noise = np.random.default_rng(3).normal(0, 0.03, waves.shape)
    return ((waves * 0.4 + 0.5 + noise).clip(0, 1) * 255).astype(np.uint8)


def psnr(a: np.ndarray, b: np.ndarray) -> float:
    return float(-10 * np.log10(np.mean((a - b) ** 2) + 1e-12))


@pytest.mark.parametrize("suffix", ["jpg", "png", "rgba.png"])
@pytest.mark.parametrize("shape", [(432, 768), (431, 766)])
def test_a_reduced_decoding_shows_the_same(tmp_path, suffix, shape) -> None:
    """Also where neither the file's blocks nor the photograph's pixels fit together.

    A JPEG's decoder smooths colours in a way that the reduced one does not need, so that both are compared with what
    the file was made from.
    """
    path, pixels = tmp_path / f"p.{suffix}", scenery(*shape)
    if suffix == "rgba.png":
        pixels = np.dstack([pixels, scenery(*shape)[::-1, :, 0]])
    Image.fromarray(pixels).save(path, **({"quality": 92} if suffix == "jpg" else {}))
    stored = np.asarray(Image.open(path)).astype(np.float32) / 255
    photo = photo_of(shape, path=path)
    for size in (ImageSize(27, 48), ImageSize(36, 64), ImageSize(45, 80), ImageSize(216, 384)):
        exact, whole = (
            load_reduced(photo_of(shape, pixels=p), size) for p in (pixels.astype(np.float32) / 255, stored)
        )
        found = load_reduced(photo, size)
        assert found.shape == exact.shape
        assert psnr(found, exact) > min(45, psnr(whole, exact) - 1)
        assert abs((found - exact).mean()) < 2e-3


@pytest.mark.parametrize(
    ("size", "decoded"),
    [
        ((20, 32), (20, 32)),  # 30 times as large: 1/2, then blocks of 15
        ((50, 80), (50, 80)),
        ((200, 320), (200, 320)),  # 3 times, which no JPEG decoder reduces by
        ((18, 29), (75, 120)),  # 33.1 times: blocks of 8 meet no borders
        ((110, 176), (600, 960)),
    ],
)
@pytest.mark.parametrize("suffix", ["jpg", "png"])
def test_a_large_photograph_is_decoded_in_blocks(tmp_path, monkeypatch, suffix, size, decoded) -> None:
    path = tmp_path / f"p.{suffix}"
    Image.fromarray(scenery(600, 960)).save(path)
    sides = []
    monkeypatch.setattr(photos, "area_average", lambda image, *given: sides.append(image.shape) or image)
    load_photo(photo_of((600, 960), path=path), ImageSize(*size))
    assert sides == [(*decoded, 3)]


def test_a_jpeg_is_decoded_at_the_coarsest_size_that_its_blocks_allow(tmp_path, monkeypatch) -> None:
    asked = []
    draft = JpegImageFile.draft
    monkeypatch.setattr(
        JpegImageFile, "draft", lambda image, mode, size: asked.append(size) or draft(image, mode, size)
    )
    Image.fromarray(scenery(480, 960)).save(tmp_path / "p.jpg")
    for width in (60, 80, 160, 320, 70):
        load_photo(photo_of((480, 960), path=tmp_path / "p.jpg"), ImageSize(width // 2, width))
    assert [960 // width for width, _ in asked] == [8, 4, 2, 1, 2]


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_reduced_photograph_is_turned_as_a_whole_one(tmp_path, orientation) -> None:
    image = Image.fromarray(scenery(200, 301))
    exif = image.getexif()
    exif[0x0112] = orientation
    image.save(tmp_path / "p.png", exif=exif)
    upright = read_image(tmp_path / "p.png").pixels
    if orientation < 5:  # it fits as it is stored, and stays so
        upright = np.asarray(image).astype(np.float32) / 255
    height, width = upright.shape[:2]
    size = ImageSize(height // 10, width // 10)
    found = load_photo(photo_of((height, width), path=tmp_path / "p.png"), size)
    assert np.abs(found - area_average(upright, size)).max() < 0.05


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_photographs_are_taken_as_they_are_stored(tmp_path, orientation) -> None:
    pixels = oriented(tmp_path / "p.png", orientation)
    found = load_photo(photo_of((4, 6), path=tmp_path / "p.png"))
    np.testing.assert_allclose(found, pixels / 255, atol=1e-6)


def test_photographs_are_turned_where_only_that_fits(tmp_path) -> None:
    pixels = oriented(tmp_path / "p.png", 6)
    found = load_photo(photo_of((6, 4), path=tmp_path / "p.png"))
    np.testing.assert_allclose(found, np.rot90(pixels, -1) / 255, atol=1e-6)
    oriented(tmp_path / "q.png", 3)
    with pytest.raises(InputError, match=r"q.png: the photograph is 6 x 4, but its pose is for 4 x 6"):
        load_photo(photo_of((6, 4), path=tmp_path / "q.png"))


def test_what_the_camera_sees_is_what_the_photograph_shows(tmp_path) -> None:
    """A point's pixel in the small photograph is where the resized camera projects it, also for odd sizes."""
    size, small = ImageSize(101, 67), ImageSize(13, 9)
    y, x = np.mgrid[: size.height, : size.width] + 0.5
    pixels = np.stack([x / 67, y / 101, 0 * x], axis=-1).astype(np.float32)
    photo = photo_of(size, pixels=pixels)
    seen = load_photo(photo, small)
    across = photo.camera.resized(small)
    y, x = np.mgrid[: small.height, : small.width] + 0.5
    full, _ = photo.camera.project(
        photo.camera.position + across.directions(np.stack([x, y], axis=-1)).reshape(-1, 3)
    )
    np.testing.assert_allclose(seen[..., :2].reshape(-1, 2), full / [67, 101], atol=5e-4)  # of 0.08 a pixel


def test_small_ones(tmp_path) -> None:
    pixels, alpha = load_small(photo_of((40, 60), pixels=np.zeros((40, 60, 4), np.uint8)), 600)
    assert pixels.shape[:2] == alpha.shape == (20, 30)


def test_a_photograph_of_nothing() -> None:
    with pytest.raises(InputError, match="the photograph is not here"):
        load_photo(photo_of((2, 2)))
