from __future__ import annotations

from pathlib import Path

import imageio_ffmpeg
import numpy as np
import pytest
from small_meshes import camera_at

from nst3d.cameras.pinhole import Camera
from nst3d.cameras.rigs import Orientation
from nst3d.errors import ConfigError
from nst3d.operators.base import ViewOperator
from nst3d.pipeline.kinds.radiance.hull import robust_hull
from nst3d.pipeline.kinds.radiance.shown import ShownRadiance, write_flight
from nst3d.pipeline.kinds.shown import Fade
from nst3d.renderers.radiance import Frame, RadianceRenderer
from nst3d.tensors import Array, Image

Y_UP = Orientation(np.array([0.0, 1.0, 0.0]), np.array([0.0, 0.0, 1.0]))


class Dots(RadianceRenderer):
    """Points that cover the pixel they fall on by a half, and shine by their number."""

    def __init__(self, positions: Array) -> None:
        self._positions, self.num_colours = positions, len(positions)
        self.draws = 0

    @property
    def positions(self) -> Array:
        return self._positions

    def compile(self, camera: Camera) -> ViewOperator:
        raise NotImplementedError

    def specular(self, camera: Camera, view: ViewOperator) -> Image:
        raise NotImplementedError

    def draw(self, camera: Camera, colours: Array, specular: float = 0.0) -> Frame:
        self.draws += 1
        pixels, _ = camera.project(self._positions)
        x, y = pixels.astype(int).T
        frame = Frame(
            np.zeros((*camera.size, 3), np.float32),
            np.zeros(camera.size, np.float32),
            np.zeros(camera.size, np.float32),
        )
        frame.colour[y, x] = 0.5 * colours + specular * np.arange(len(colours))[:, None]
        frame.opacity[y, x] = 0.5
        return frame


POSITIONS = np.random.default_rng(0).uniform(-0.5, 0.5, (6, 3))
CAMERA = camera_at((0, 0, 4), 32)


def shown(
    seed: int, positions: Array = POSITIONS, shine: float | None = None, specular: float = 1.0
) -> ShownRadiance:
    colours = np.random.default_rng(seed).random((len(positions), 3), dtype=np.float32)
    harmonics = None if shine is None else np.full((len(positions), 3, 3), shine, np.float32)
    return ShownRadiance(Dots(positions), colours, Y_UP, positions, harmonics=harmonics, specular=specular)


@pytest.mark.parametrize(
    ("shines", "specular", "product"),
    [((None, None), 1.0, True), ((2.0, 2.0), 1.0, True), ((2.0, 3.0), 0.0, True), ((2.0, 3.0), 1.0, False)],
)
def test_fading_mixes_colour_tables_where_that_is_all(shines, specular, product) -> None:
    before, after = (shown(i, shine=shines[i], specular=specular) for i in (0, 1))
    fade = Fade((before, after), (0.2, 0.8))
    mixed = fade.frame(CAMERA, 0.35)
    drawn = (before.renderer.draws, after.renderer.draws)
    assert drawn == ((1, 0) if product else (1, 1))
    a, b = before.frame(CAMERA), after.frame(CAMERA)
    np.testing.assert_allclose(mixed.colour, 0.75 * a.colour + 0.25 * b.colour, atol=1e-6)
    np.testing.assert_array_equal(fade.frame(CAMERA, 0.1).colour, a.colour)
    np.testing.assert_array_equal(fade.frame(CAMERA, 0.8).colour, b.colour)
    sudden = Fade((before, after), (0.5, 0.5))
    np.testing.assert_array_equal(sudden.frame(CAMERA, 0.5).colour, a.colour)
    np.testing.assert_array_equal(sudden.frame(CAMERA, 0.51).colour, b.colour)


def test_each_of_several_states_shows_alone_at_its_place() -> None:
    states = [shown(seed) for seed in range(3)]
    fade = Fade(states, (0.0, 0.4, 0.9))
    for share, number in ((0.0, 0), (0.4, 1), (0.9, 2), (1.0, 2)):
        expected = states[number].frame(CAMERA).colour
        np.testing.assert_array_equal(fade.frame(CAMERA, share).colour, expected)
    between = 0.8 * states[1].frame(CAMERA).colour + 0.2 * states[2].frame(CAMERA).colour
    np.testing.assert_allclose(fade.frame(CAMERA, 0.5).colour, between, atol=1e-6)


def test_only_states_of_one_scene_fade() -> None:
    for other in (shown(1, POSITIONS[:5]), shown(1, POSITIONS + 0.3)):
        with pytest.raises(ConfigError, match="are in other places"):
            Fade((shown(0), other), (0, 1))


def test_floaters_do_not_count() -> None:
    body = np.random.default_rng(1).normal(size=(4000, 3)) * [1, 2, 0.5]
    floaters = np.random.default_rng(2).normal(size=(40, 3)) * 50
    weights = np.concatenate([np.ones(4000), np.full(40, 0.5)])
    hull = robust_hull(np.concatenate([body, floaters]), weights, Y_UP)
    np.testing.assert_allclose(np.abs(hull).max(0), np.abs(body).max(0), rtol=0.35)
    assert len(hull) < 5100
    box = np.random.default_rng(3).uniform(-1, 1, (500, 3))
    np.testing.assert_allclose(robust_hull(box, np.ones(500), Y_UP).max(0), box.max(0))
    assert len(robust_hull(box[:1], np.zeros(1), Y_UP)) == 1


def test_a_flight_is_written(tmp_path: Path) -> None:
    cameras = [camera_at((x, 0, 4), 32) for x in (-0.2, 0.0, 0.2)]
    scene = shown(0)
    path = write_flight(tmp_path / "a.mp4", scene.renderer, cameras, scene.colours, fps=10)
    assert imageio_ffmpeg.count_frames_and_secs(str(path))[0] == 3
