"""Painting a nerfacto as a run: previews leave no trace, and a run that was stopped ends as if it had not been."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from tiny_jobs import Losses

from nst3d.formats.nerfstudio.run import load_run
from nst3d.pipeline.jobs.paint import CHECKPOINT, run_job
from nst3d.pipeline.jobs.painter import Painter
from nst3d.pipeline.kinds.paint_job import Job, Result
from nst3d.pipeline.runtime.checkpoints import Keeper
from nst3d.pipeline.runtime.events import Events
from nst3d.pipeline.settings.config import PaintConfig, load_preset
from nst3d.pipeline.styles import read_style
from nst3d.renderers.radiance import Frame
from nst3d.stylize.coat import Coat
from nst3d.stylize.schedule import Stage

reason = "nerfstudio is not installed: pip install 'nst3d[nerfstudio]'"
pytest.importorskip("nerfstudio", reason=reason)
pytestmark = pytest.mark.filterwarnings("ignore")  # nerfstudio's own and those of what it imports

FIT = 3
"""Steps of the stage in which a native painting is brought to its start, shortened for the tests."""


@pytest.fixture
def quick(monkeypatch) -> Iterator[None]:
    """A short fit before native paintings."""
    from nst3d.integrations.nerfstudio.native import subject

    with monkeypatch.context() as patch:
        patch.setattr(subject, "_FIT", (FIT, 0.05, 0.01))
        yield


def settings(way: str, steps: int) -> PaintConfig:
    """The preset of NeRFs, with its full recipe, on small views in two stages of `steps`."""
    base = load_preset("capture")
    stages = (Stage(32, steps, 0.04), Stage(40, steps, 0.03))
    return replace(
        base,
        schedule=replace(base.schedule, stages=stages),
        output=replace(base.output, turntable=False, size=48),
        nerf=way,
        threads=1,
    )


def paint(made, out: Path, hears: Losses, resume: bool = False) -> Result:
    from nst3d.integrations.bridges import BRIDGES

    job = Job(made.run, (made.style,), out, settings("native", steps=12), resume=resume)
    return run_job(job, hears, BRIDGES)


@pytest.fixture(scope="module")
def unbroken(made, tmp_path_factory) -> tuple[Path, Result, list[dict[str, float]]]:
    """A native painting that nobody stops: its folder, its result, and the parts of the loss at each step."""
    from nst3d.integrations.nerfstudio.native import subject

    out, hears = tmp_path_factory.mktemp("unbroken") / "whole", Losses()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(subject, "_FIT", (FIT, 0.05, 0.01))
        return out, paint(made, out, hears), hears.parts


@pytest.mark.parametrize(
    "stops",
    [(2,), (FIT,), (FIT + 11, FIT + 23)],
    ids=["in the fit", "after the fit", "in each stage"],
)
def test_a_native_painting_that_was_stopped_ends_as_the_unbroken_one(
    made, tmp_path, quick, unbroken, stops
) -> None:
    out, parts = tmp_path / "broken", list[dict[str, float]]()
    for number, stop in enumerate((*stops, None)):
        hears = Losses(stop)
        ended = paint(made, out, hears, resume=number > 0)
        parts += hears.parts
        assert ended.interrupted == (stop is not None) == (out / CHECKPOINT).exists()
    whole, result, whole_parts = unbroken
    assert parts == whole_parts
    assert any(found["consistency"] > 0 for found in parts[-2:])  # views were compared with remembered ones
    for name in ("iterations", "loss", "losses", "loss_first"):
        assert ended.metrics[name] == result.metrics[name]
    before, after = load_run(whole / "tiny/nerfacto/made").state, load_run(out / "tiny/nerfacto/made").state
    assert before.keys() == after.keys()
    assert all(torch.equal(before[name], after[name]) for name in before)
    assert (out / "sheet.png").read_bytes() == (whole / "sheet.png").read_bytes()


@pytest.mark.parametrize("way", ["native", "head", "baked"])
def test_previews_show_the_paint_and_change_nothing(made, quick, way) -> None:
    def paint_with(looks: list[Frame] | None) -> list[torch.Tensor]:
        from nst3d.integrations.nerfstudio.dataparsers import run_cameras
        from nst3d.integrations.nerfstudio.open_run import open_nerf

        own, *_, other = (p.camera for p in run_cameras(load_run(made.run)).of("train"))
        pose = np.concatenate([own.camera_to_world[:, :3], other.camera_to_world[:, 3:]], axis=1)
        coats, events = [Coat([read_style(made.style, Events())])], Events()
        job = Job(made.run, (made.style,), made.folder / "none", settings(way, steps=2))
        subject, config = open_nerf(job, None, coats, events)
        painter = Painter(config, subject, coats, Keeper(Path(), "", 0, False), events)
        for stepped in painter.steps():
            if looks is not None:
                assert max(stepped.preview(None).colour.shape) <= 40  # no larger than it is painted
                looks.append(stepped.preview(replace(own.scaled(0.5), camera_to_world=pose)))
            last = stepped.snapshot()
        return [*last.canvas, torch.tensor(last.history), last.generator]

    looks: list[Frame] = []
    plain, watched = paint_with(None), paint_with(looks)
    assert len(plain) == len(watched)
    assert all(torch.equal(one, other) for one, other in zip(plain, watched))
    first, last = looks[0], looks[-1]
    assert first.colour.shape == (20, 24, 3)
    assert np.isfinite(last.colour).all()
    np.testing.assert_array_equal(first.opacity, last.opacity)
    np.testing.assert_array_equal(first.depth, last.depth)
    assert np.abs(last.colour - first.colour).mean() > 0.005
