"""The picture of a painting in progress."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from tiny_jobs import TINY, job

from nst3d import Handler, run_job
from nst3d.images.io import read_image
from nst3d.pipeline.runtime.early_look import EarlyLook
from nst3d.pipeline.runtime.events import Events, Stepped
from nst3d.renderers.radiance import Frame
from nst3d.stylize.engine import Progress, RunState


class Clock:
    """A clock set by hand."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def step(draw: Callable[[object], Frame]) -> Stepped:
    return Stepped(Progress(0, 1, 2, 0.0, {}, 0.0, 1), draw, RunState)


def test_it_comes_early_and_costs_little(tmp_path: Path, clock: Clock) -> None:
    drawn: list[float] = []

    def draw(camera: object) -> Frame:
        assert camera is None
        drawn.append(clock.now)
        clock.now += 2.0
        half = np.full((3, 4), 0.5, np.float32)
        return Frame(np.full((3, 4, 3), 0.25, np.float32), half, half)

    look, began = EarlyLook(tmp_path, clock), clock.now
    while clock.now < began + 300:
        look.step(step(draw))
        clock.now += 0.5
        assert [p.name for p in tmp_path.iterdir()] == (["preview.png"] if drawn else [])
    assert 0 < drawn[0] - began <= 10
    assert 2.0 * len(drawn) <= 0.1 * (clock.now - began)
    assert len(drawn) >= 4
    np.testing.assert_allclose(read_image(tmp_path / "preview.png").pixels, 0.75, atol=1 / 255)


def test_a_cheap_picture_is_drawn_every_few_seconds(tmp_path: Path, clock: Clock) -> None:
    drawn: list[float] = []

    def draw(camera: object) -> Frame:
        drawn.append(clock.now)
        return Frame(*(np.zeros(shape, np.float32) for shape in ((2, 2, 3), (2, 2), (2, 2))))

    look = EarlyLook(tmp_path, clock)
    for _ in range(60):
        clock.now += 1.0
        look.step(step(draw))
    assert all(4 <= after - before <= 8 for before, after in itertools.pairwise(drawn))
    look.remove()
    look.remove()
    assert not list(tmp_path.iterdir())


def test_a_full_disk_does_not_stop_the_job(tmp_path: Path, clock: Clock) -> None:
    look = EarlyLook(tmp_path / "missing", clock)
    notes: list[str] = []
    events = Events([look, lambda event: notes.append(getattr(event, "text", ""))])
    clock.now += 60
    events.tell(step(lambda camera: Frame(*(np.zeros(s, np.float32) for s in ((2, 2, 3), (2, 2), (2, 2))))))
    assert any("EarlyLook failed" in note and "preview.png: cannot be written" in note for note in notes)


@pytest.mark.parametrize("scene", ["photo.png", "cube.obj"])
def test_the_first_picture_is_there_before_the_first_step(scene: str, inputs: Path, tmp_path: Path) -> None:
    class Watch(Handler):
        """Keeps the picture that is there at the first step."""

        picture: np.ndarray | None = None

        def step(self, event: Stepped) -> None:
            if self.picture is None:
                self.picture = read_image(tmp_path / "out" / "preview.png").pixels

    watch = Watch()
    run_job(job(inputs, tmp_path / "out", TINY, scene), [EarlyLook(tmp_path / "out"), watch])
    assert watch.picture is not None
    assert watch.picture.std() > 0.01
