"""What metrics.json says about grain."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from tiny_jobs import TINY, Losses

from nst3d.images.io import write_image
from nst3d.pipeline.jobs.paint import run_job
from nst3d.pipeline.kinds.paint_job import Job
from nst3d.stylize.schedule import Schedule, Stage


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """photo.png, noise beside grey; smooth.png, a style without noise; grey.png and noisy.png, masks."""
    noisy = np.random.default_rng(0).random((96, 96, 3), np.float32)
    noisy[:, 48:] = 0.5
    write_image(tmp_path / "photo.png", noisy)
    ramp = np.linspace(0.2, 0.8, 96, dtype=np.float32)
    write_image(tmp_path / "smooth.png", np.broadcast_to(ramp[:, None, None], (96, 96, 3)))
    right = np.zeros((96, 96, 3), np.float32)
    right[:, 52:] = 1
    write_image(tmp_path / "grey.png", right)
    write_image(tmp_path / "noisy.png", right[:, ::-1])
    return tmp_path


class Speckle:
    """Adds a little noise to everything."""

    def teach(self, pictures, looks, styles):
        noise = torch.randn(pictures[0].shape, generator=torch.Generator().manual_seed(0))
        return [picture + 0.03 * noise for picture in pictures]


def test_the_painted_region_of_a_finished_painting_is_measured_against_its_content(folder: Path) -> None:
    config = replace(TINY, schedule=Schedule((Stage(96, 2, 1e-4),)))

    def grain(out: str, region: str | None = None, stop: int = 9, speckle: bool = True) -> float | None:
        painted = replace(config, region=None if region is None else f"mask:{folder / region}")
        job = Job(folder / "photo.png", folder / "smooth.png", folder / out, painted)
        teachers = [Speckle()] if speckle else []
        return run_job(job, Losses(stop_after=stop), teachers=teachers).metrics.get("grain")

    bare, noisy, grey = grain("a", speckle=False), grain("b", "noisy.png"), grain("c", "grey.png")
    assert bare is not None
    assert noisy is not None
    assert grey is not None
    assert bare < 1 < 4 < min(noisy, grey)
    assert grain("d", stop=1) is None
