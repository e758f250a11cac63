"""Runs that are evaluated."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from tiny_jobs import TINY, job

from nst3d import EvalJob, EvalResult, FlightOptions, run_eval
from nst3d.pipeline.jobs.paint import run_job

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
SHORT = FlightOptions(size=64, frames=24, clip=3, views=3, gaps=(1, 2))


@pytest.fixture(scope="session")
def weights(data_dir) -> Path:
    """Real weights of the networks that metrics use."""
    return data_dir / "weights" / "torchvision"


@pytest.fixture(scope="session")
def runs(inputs, tmp_path_factory) -> Path:
    """A folder with the finished runs "one" and "two" of a cube, and "photo" of a picture."""
    folder = tmp_path_factory.mktemp("runs")
    config = replace(TINY, output=replace(TINY.output, turntable=False))
    run_job(job(inputs, folder / "one", config))
    run_job(job(inputs, folder / "two", replace(config, recipe=replace(config.recipe, strength=0.3))))
    run_job(job(inputs, folder / "photo", config, "photo.png"))
    return folder


@pytest.fixture(scope="session")
def evaluated(runs, weights, tmp_path_factory) -> EvalResult:
    """Both runs of the cube, evaluated."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NST3D_WEIGHTS", str(weights))
        out = tmp_path_factory.mktemp("report")
        return run_eval(
            EvalJob((runs / "one", runs / "two"), out, runs / "one", SHORT, command="nst3d eval one two")
        )


@pytest.fixture
def browse(tmp_path) -> Callable[[Path], str]:
    """Opens a page in a real browser without a network, checks that it reports no error, and returns its DOM."""
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        pytest.skip(f"none of {', '.join(BROWSERS)} is installed")

    def opened(page: Path) -> str:
        options = [
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            f"--user-data-dir={tmp_path / 'profile'}",
        ]
        logs = ["--enable-logging=stderr", "--v=0", "--proxy-server=127.0.0.1:9", "--dump-dom"]
        done = subprocess.run(
            [browser, *options, *logs, page.resolve().as_uri()],
            capture_output=True,
            text=True,
            timeout=120,
            check=True,
        )
        assert "CONSOLE" not in done.stderr
        return done.stdout

    return opened
