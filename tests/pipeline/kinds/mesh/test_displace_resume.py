"""Ctrl-C while a job's mesh is displaced."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tiny_jobs import SHAPE, TINY, Listener, job

from nst3d.pipeline.jobs.paint import CHECKPOINT, run_job

CONFIG = replace(TINY, displace=SHAPE)


@pytest.fixture(scope="module")
def whole(inputs, tmp_path_factory) -> bytes:
    """What a job that is not stopped paints."""
    out = tmp_path_factory.mktemp("unbroken") / "whole"
    run_job(job(inputs, out, CONFIG))
    return (out / "painted.glb").read_bytes()


@pytest.mark.parametrize("stop_after", [3, 11])
def test_a_job_stopped_at_its_shape_goes_on(inputs, whole, tmp_path, stop_after) -> None:
    broken = tmp_path / "broken"
    with pytest.raises(KeyboardInterrupt):
        run_job(job(inputs, broken, CONFIG), Listener(stop_after))
    assert [p.name for p in broken.iterdir()] == [CHECKPOINT]
    result = run_job(job(inputs, broken, CONFIG, resume=True))
    assert result.metrics["displace"]["steps"] == 11
    assert (broken / "painted.glb").read_bytes() == whole
    assert not (broken / CHECKPOINT).exists()


def test_a_painting_stopped_after_its_shape_goes_on(inputs, whole, tmp_path) -> None:
    class Stops(Listener):
        painting = False

        def phase(self, name: str) -> None:
            self.painting = name == "painting"

        def step(self, event) -> None:
            progress = event.progress
            if self.painting and progress.iteration == 2:
                raise KeyboardInterrupt

    broken = tmp_path / "broken"
    assert run_job(job(inputs, broken, CONFIG), Stops()).interrupted
    goes_on = Listener()
    run_job(job(inputs, broken, CONFIG, resume=True), goes_on)
    assert goes_on.steps == 4  # of the painting's six
    assert (broken / "painted.glb").read_bytes() == whole
