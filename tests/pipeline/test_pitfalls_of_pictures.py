"""Faults that style transfer is known for, looked for in pictures that are painted with the preset's own settings."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import odd_pictures as odd
import pytest
import torch
import torch.nn.functional as F

from nst3d import Job, run_job
from nst3d.images.io import read_image, write_image
from nst3d.pipeline.settings.config import load_preset
from nst3d.tensors import Array

SIZE = 96
Paint = Callable[..., Array]


@pytest.fixture(scope="module")
def paint(tmp_path_factory) -> Paint:
    """Paints a picture (h, w, 3) in the style of another, in so many steps."""

    def painted(content: Array, style: Array, steps: int = 40) -> Array:
        folder = tmp_path_factory.mktemp("painted")
        write_image(folder / "content.png", content)
        write_image(folder / "style.png", style)
        config = load_preset("picture").with_size(SIZE).with_iterations(steps)
        run_job(Job(folder / "content.png", folder / "style.png", folder / "out", config))
        return read_image(folder / "out" / "painted.png").pixels

    return painted


@pytest.fixture(scope="module")
def face(data_dir: Path) -> Array:
    return read_image(data_dir / "content" / "astronaut.png").pixels[30:230, 140:320]


def detail(picture: Array, sigma: float = 5.0) -> Array:
    """What luminance (h, w) has beyond its blurred self."""
    luminance = picture @ np.array([0.2126, 0.7152, 0.0722])
    return luminance - odd.blurred(luminance, sigma)


def test_a_face_keeps_its_eyes_and_its_nose(paint, face, data_dir) -> None:
    """Without the content loss it is 0.44."""
    style = read_image(data_dir / "styles" / "the_scream_munch_1893.jpg").pixels
    found = paint(face, style, 80)
    height, width = found.shape[:2]
    between = np.s_[int(0.3 * height) : int(0.62 * height), int(0.24 * width) : int(0.7 * width)]
    ours, own = detail(found)[between], detail(odd.resized(face, height, width))[between]
    assert np.corrcoef(ours.ravel(), own.ravel())[0, 1] > 0.55


def disc_amplitude(plane: Array, radius: int) -> float:
    """The contrast of the strongest disc of a radius in a plane (h, w) against its surroundings."""
    reach = radius + 4
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    disc = np.clip(radius - np.hypot(y, x) + 0.5, 0, 1)
    kernel = torch.from_numpy(disc - disc.mean())[None, None]
    found = F.conv2d(torch.from_numpy(plane)[None, None], kernel) / kernel.square().sum()
    return float(found.max())


def test_an_object_of_the_style_does_not_come_up_in_an_empty_sky(paint) -> None:
    style = odd.sun_in_the_blue()
    found = paint(odd.hill_before_a_bare_sky(), style)
    yellow = np.array([0.5, 0.5, -1])
    sky = (found @ yellow)[: int(0.6 * SIZE)].astype(float)
    sun = float(odd.SUN @ yellow - np.median(style @ yellow))
    assert disc_amplitude(sky, 9) < 0.1 * sun
    assert np.quantile(sky, 0.99) - np.median(sky) < 0.5 * sun
    y, x = np.mgrid[: sky.shape[0], : sky.shape[1]]
    assert disc_amplitude(np.where(np.hypot(y - 25, x - 50) < 9, sky + sun, sky), 9) > 0.8 * sun


def grain(picture: Array) -> tuple[float, Array]:
    """The lightness in waves of less than 2.5 pixels, and the colour's deviations from a blur of one pixel (2,)."""
    values = odd.in_oklab(picture)
    light = values[..., 0] - values[..., 0].mean()
    window = np.hanning(light.shape[0])[:, None] * np.hanning(light.shape[1])
    power = np.abs(np.fft.fft2(light * window)) ** 2 / (window**2).sum() / light.size
    rows, columns = (np.abs(np.fft.fftfreq(n)) for n in light.shape)
    shortest = (rows[:, None] > 0.4) | (columns > 0.4)
    colour = values[..., 1:] - odd.blurred(values[..., 1:], 1.0)
    return float(np.sqrt(power[shortest].sum())), colour.std((0, 1))


def test_bare_grey_gets_neither_a_checkerboard_nor_coloured_grain(paint) -> None:
    found = paint(np.full((SIZE, SIZE, 3), 0.5), odd.smooth())
    checked, coloured = grain(found)
    assert checked < 0.5 / 255  # steps of ten times the size make five times as much
    assert (coloured < 0.6 / 255).all()


def clipped(picture: Array) -> float:
    """The share of pixels with a channel at either end of its range."""
    return float(((picture <= 0.5 / 255) | (picture >= 254.5 / 255)).any(-1).mean())


def apart(picture: Array, other: Array) -> Array:
    """How far the quantiles of lightness and both axes of colour are apart (3,)."""
    levels = np.linspace(0.02, 0.98, 25)
    ours, theirs = (np.quantile(odd.in_oklab(p).reshape(-1, 3), levels, axis=0) for p in (picture, other))
    return np.abs(ours - theirs).mean(0)


def photograph(data_dir: Path) -> Array:
    return read_image(data_dir / "content" / "coffee.png").pixels[:300, 100:400]


@pytest.mark.parametrize("name", ["neon", "sketch", "flat", "photograph"])
def test_odd_styles_are_painted_in_their_own_colours(paint, face, data_dir, name) -> None:
    style = photograph(data_dir) if name == "photograph" else getattr(odd, name)()
    found = paint(face, style)
    assert np.isfinite(found).all()
    assert clipped(found) <= clipped(style) + 0.01
    ours, before = apart(found, style), apart(face, style)
    assert ours.mean() < 0.07
    assert ours.mean() < 0.6 * before.mean()
