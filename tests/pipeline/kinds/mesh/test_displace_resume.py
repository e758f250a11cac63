"""Ctrl-C while a job's mesh is displaced."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tiny_jobs import ALONE, SHAPE, Listener, job

from nst3d.pipeline.jobs.paint import CHECKPOINT, run_job


@pytest.mark.parametrize("stop_after", [3, 11])
def test_a_job_stopped_at_its_shape_goes_on(inputs, tmp_path, stop_after) -> None:
    config = replace(ALONE, displace=SHAPE)
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    run_job(job(inputs, whole, config))
    with pytest.raises(KeyboardInterrupt):
        run_job(job(inputs, broken, config), Listener(stop_after))
    assert [p.name for p in broken.iterdir()] == [CHECKPOINT]
    result = run_job(job(inputs, broken, config, resume=True))
    assert result.metrics["displace"]["steps"] == 11
    assert (broken / "painted.glb").read_bytes() == (whole / "painted.glb").read_bytes()
    assert not (broken / CHECKPOINT).exists()


def test_a_painting_stopped_after_its_shape_goes_on(inputs, tmp_path) -> None:
    config = replace(ALONE, displace=SHAPE)

    class Stops(Listener):
        painting = False

        def phase(self, name: str) -> None:
            self.painting = name == "painting"

        def step(self, progress) -> None:
            if self.painting and progress.iteration == 2:
                raise KeyboardInterrupt

    whole, broken = tmp_path / "whole", tmp_path / "broken"
    run_job(job(inputs, whole, config))
    assert run_job(job(inputs, broken, config), Stops()).interrupted
    goes_on = Listener()
    run_job(job(inputs, broken, config, resume=True), goes_on)
    assert goes_on.steps == 4  # of the painting's six
    assert (broken / "painted.glb").read_bytes() == (whole / "painted.glb").read_bytes()
