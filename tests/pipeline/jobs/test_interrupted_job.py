"""What a job that was stopped writes: the asset, and nothing that takes long or shows other paint."""

from __future__ import annotations

import json

import pytest
from small_meshes import cube, mesh_of, noise
from small_splats import ball
from tiny_jobs import TINY, Losses

from nst3d import Job, run_job, save
from nst3d.images.io import Picture, write_image
from nst3d.pipeline.jobs.paint import CHECKPOINT
from nst3d.representations.subdivide import paint_vertices


class Stops(Losses):
    """Presses Ctrl-C after a step, or when a phase begins, and hears notes."""

    def __init__(self, stop_after: int | None = None, phase: str = "") -> None:
        super().__init__(stop_after)
        self.notes: list[str] = []
        self._phase = phase

    def phase(self, name: str) -> None:
        if name == self._phase:
            raise KeyboardInterrupt

    def note(self, text: str) -> None:
        self.notes.append(text)


@pytest.fixture
def folder(tmp_path):
    mesh = mesh_of(cube())
    paint = paint_vertices(mesh, float("inf"), 0)
    save(tmp_path / "mesh.ply", mesh, noise(paint.num_colours, 3), paint=paint)
    save(tmp_path / "splats.ply", ball(60))
    save(tmp_path / "photo.png", Picture(noise(48, 48, 3), None))
    write_image(tmp_path / "style.png", noise(48, 48, 3, seed=1))
    return tmp_path


@pytest.mark.parametrize("scene", ["mesh.ply", "splats.ply"])
def test_films_are_left_out_and_those_of_an_earlier_painting_do_not_stay(folder, scene) -> None:
    out = folder / "out put"
    out.mkdir()
    for name in ("sheet.png", "turntable.mp4", "flight.mp4", "mine.txt"):
        (out / name).write_text("old")
    hears = Stops(2)
    result = run_job(Job(folder / scene, folder / "style.png", out, TINY, overwrite=True), hears)
    assert result.interrupted
    names = {p.name for p in result.paths}
    assert {p.name for p in out.iterdir()} == names | {"checkpoint.pt", "mine.txt"}
    assert not names & {"sheet.png", "turntable.mp4", "flight.mp4"}
    asset = result.paths[0]
    assert hears.notes[-1] == (
        "stopped early: sheet and video are left out; see the scene so far with"
        f" nst3d render '{asset}' `out` '{out / 'film.mp4'}', or finish it with the same job and `resume`"
    )


def test_a_picture_s_sheet_costs_nothing_and_is_written(folder) -> None:
    hears = Stops(2)
    result = run_job(Job(folder / "photo.png", folder / "style.png", folder / "out", TINY), hears)
    assert result.interrupted
    assert "sheet.png" in {p.name for p in result.paths}
    assert not any("left out" in note for note in hears.notes)


RECORDED = ("iterations", "loss", "losses", "loss_first")


@pytest.mark.parametrize("scene", ["mesh.ply", "photo.png"])
def test_losses_survive_a_ctrl_c_while_writing(folder, scene) -> None:
    """The painting was done; the resumed run takes no step and records what the first one saw."""
    whole = run_job(Job(folder / scene, folder / "style.png", folder / "whole", TINY))
    out = folder / "out"
    with pytest.raises(KeyboardInterrupt):
        run_job(Job(folder / scene, folder / "style.png", out, TINY), Stops(phase="writing"))
    assert not (out / "metrics.json").exists()
    assert (out / CHECKPOINT).is_file()
    run_job(Job(folder / scene, folder / "style.png", out, TINY, resume=True))
    metrics = json.loads((out / "metrics.json").read_text())
    assert {k: metrics[k] for k in RECORDED} == {k: whole.metrics[k] for k in RECORDED}


def test_losses_survive_a_ctrl_c_while_painting(folder) -> None:
    """The first loss is that of the first run's first step."""
    out = folder / "out"
    stopped = run_job(Job(folder / "photo.png", folder / "style.png", out, TINY), Stops(2))
    resumed = run_job(Job(folder / "photo.png", folder / "style.png", out, TINY, resume=True))
    assert resumed.metrics["loss_first"] == stopped.metrics["loss_first"]
    assert resumed.metrics["iterations"] == 6
