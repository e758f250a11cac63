"""What a job that was stopped writes: the asset, and nothing that takes long or shows other paint."""

from __future__ import annotations

import json
import signal

import pytest
from small_meshes import cube, mesh_of, noise
from small_splats import ball
from tiny_jobs import TINY, Losses

from nst3d import Job, run_job, save
from nst3d.images.io import Picture, write_image
from nst3d.pipeline.jobs.paint import CHECKPOINT
from nst3d.representations.subdivide import paint_vertices
from nst3d.stylize.feature_guide import FeatureGuide


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


@pytest.fixture
def press(monkeypatch):
    """Has the terminal send Ctrl-C so many times while the loss is computed in a certain step."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    judge, steps = FeatureGuide.judge, [0]

    def press(step: int, times: int) -> None:
        def pressed(self, look):
            steps[0] += 1
            for _ in range(times if steps[0] == step else 0):
                signal.raise_signal(signal.SIGINT)
            return judge(self, look)

        monkeypatch.setattr(FeatureGuide, "judge", pressed)

    yield press
    signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize("step", [2, 3, 5])
def test_ctrl_c_in_the_middle_of_a_step_waits_for_its_end(folder, press, step) -> None:
    whole = run_job(Job(folder / "mesh.ply", folder / "style.png", folder / "whole", TINY))
    press(step, 1)
    out = folder / "out"
    stopped = run_job(Job(folder / "mesh.ply", folder / "style.png", out, TINY))
    assert stopped.interrupted
    assert stopped.metrics["iterations"] == step
    resumed = run_job(Job(folder / "mesh.ply", folder / "style.png", out, TINY, resume=True))
    assert resumed.metrics["losses"] == whole.metrics["losses"]
    assert resumed.paths[0].read_bytes() == whole.paths[0].read_bytes()


def test_a_second_ctrl_c_breaks_a_step_off_and_keeps_no_half_of_it(folder, press) -> None:
    press(3, 2)
    out = folder / "out"
    with pytest.raises(KeyboardInterrupt):
        run_job(Job(folder / "mesh.ply", folder / "style.png", out, TINY))
    assert not (out / CHECKPOINT).exists()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
