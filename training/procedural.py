"""Textures made from nothing but random numbers: what photographs and paintings have in common, and what they lack."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from nst3d.tensors import Array

Random = np.random.Generator


def texture(random: Random, side: int) -> Array:
    """A square texture (side, side, 3), uint8, of a random sort."""
    return _SORTS[random.integers(len(_SORTS))](random, side)


def _palette(random: Random, count: int) -> Array:
    """Colours (count, 3) in [0, 1], around a few that are anything."""
    centres = random.random((max(2, count // 3), 3))
    return (centres[random.integers(len(centres), size=count)] + random.normal(0, 0.12, (count, 3))).clip(
        0, 1
    )


def _noise(random: Random, side: int, channels: int) -> Array:
    """Sums of smooth noise at several scales, (side, side, channels), about -1 to 1."""
    total, slope = np.zeros((side, side, channels)), random.uniform(0.3, 1.2)
    for octave in range(1, 8):
        cells = 2**octave
        small = random.normal(size=(min(cells, side), min(cells, side), channels)).astype(np.float32)
        layers = [
            Image.fromarray(small[..., c]).resize((side, side), Image.Resampling.BICUBIC)
            for c in range(channels)
        ]
        total += np.stack([np.asarray(layer) for layer in layers], 2) * cells**-slope
    return total / np.abs(total).max()


def clouds(random: Random, side: int) -> Array:
    """Noise at several scales between the colours of a palette."""
    colours = _palette(random, 5)
    height = (_noise(random, side, 1)[..., 0] * 0.5 + 0.5) * random.choice([1.0, 3.0])
    where = np.abs((height % 2) - (height % 2 > 1) * 2 * ((height % 2) - 1)) * 4
    picture = np.stack([np.interp(where, range(5), colours[:, c]) for c in range(3)], 2)
    grain = random.uniform(0, 0.3) * _noise(random, side, 3)
    return _bytes(picture + grain)


def gradient(random: Random, side: int) -> Array:
    """A ramp with stripes of sine waves."""
    y, x = np.mgrid[:side, :side] / side
    turn = random.uniform(0, 2 * np.pi)
    along, across = x * np.cos(turn) + y * np.sin(turn), y * np.cos(turn) - x * np.sin(turn)
    low, high, third = _palette(random, 3)
    waves = np.sin(2 * np.pi * random.uniform(1, 40) * across + 2 * _noise(random, side, 1)[..., 0])
    mix = random.uniform(0, 0.6) * (waves > 0 if random.random() < 0.5 else waves * 0.5 + 0.5)
    picture = low + (high - low) * along[..., None]
    return _bytes(picture + (third - picture) * mix[..., None])


def strokes(random: Random, side: int) -> Array:
    """Brush strokes that follow a flow of noise, with bristles."""
    image = Image.fromarray(clouds(random, side))
    colours, flow = _palette(random, 12), _noise(random, side, 1)[..., 0] * random.uniform(1, 6)
    draw = ImageDraw.Draw(image)
    width, length = int(random.integers(2, 10)), int(random.integers(8, 60))
    for _ in range(side * side * 2 // (width * length)):
        x, y = random.uniform(0, side, 2)
        colour, points = colours[random.integers(12)] + random.normal(0, 0.06, 3), [(x, y)]
        for _ in range(length // 4):
            turn = flow[int(y) % side, int(x) % side]
            x, y = x + 4 * np.cos(turn), y + 4 * np.sin(turn)
            points.append((x, y))
        draw.line(points, _colour(colour), width, joint="curve")
        if width > 3:
            draw.line([(a + width / 4, b + width / 4) for a, b in points], _colour(colour * 0.8), 1)
    return np.asarray(image)


def polygons(random: Random, side: int) -> Array:
    """Overlapping polygons, some with outlines, smoothed a little or not at all."""
    image = Image.new("RGB", (side, side), _colour(random.random(3)))
    draw, outline = ImageDraw.Draw(image), random.random() < 0.4
    for colour in _palette(random, int(random.integers(10, 80))):
        centre, radius = random.uniform(0, side, 2), random.uniform(0.03, 0.3) * side
        turns = np.sort(random.uniform(0, 2 * np.pi, random.integers(3, 8)))
        points = [(centre[0] + radius * np.cos(t), centre[1] + radius * np.sin(t)) for t in turns]
        draw.polygon(points, _colour(colour), (0, 0, 0) if outline else None, 2)
    return np.asarray(image.filter(ImageFilter.GaussianBlur(float(random.choice([0.0, 0.5, 1.0])))))


def dead_leaves(random: Random, side: int) -> Array:
    """Discs that hide each other, with radii of a power law, as objects in photographs do."""
    image = Image.fromarray(clouds(random, side))
    draw, grain = ImageDraw.Draw(image), random.uniform(0, 0.15)
    for colour in _palette(random, 500):
        radius = min(side / 3, 2 / random.random() ** 0.7)
        x, y = random.uniform(-radius, side + radius, 2)
        draw.ellipse((x - radius, y - radius, x + radius, y + radius), _colour(colour))
    return _bytes(np.asarray(image) / 255 + grain * _noise(random, side, 3))


def dots(random: Random, side: int) -> Array:
    """Dots or a weave on a regular grid, and noise of single pixels."""
    image = Image.fromarray(gradient(random, side))
    draw, step = ImageDraw.Draw(image), int(random.integers(4, 20))
    colours = _palette(random, 6)
    for y in range(0, side, step):
        for x in range(0, side, step):
            dx, dy = random.normal(0, 0.2 * step, 2)
            size = step * random.uniform(0.2, 0.6)
            draw.ellipse(
                (x + dx - size, y + dy - size, x + dx + size, y + dy + size),
                _colour(colours[random.integers(6)]),
            )
    return _bytes(np.asarray(image) / 255 + random.choice([0.0, 0.08]) * random.normal(size=(side, side, 3)))


_SORTS: tuple[Callable[[Random, int], Array], ...] = (clouds, gradient, strokes, polygons, dead_leaves, dots)


def _colour(colour: Array) -> tuple[int, int, int]:
    red, green, blue = (int(v) for v in (np.asarray(colour).clip(0, 1) * 255).round())
    return red, green, blue


def _bytes(picture: Array) -> Array:
    return (picture.clip(0, 1) * 255).round().astype(np.uint8)
