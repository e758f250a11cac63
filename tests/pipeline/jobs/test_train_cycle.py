"""Trainings of translators on two folders: what they write, that they resume, and what they refuse."""

from __future__ import annotations

import csv
import sys
from dataclasses import replace

import numpy as np
import pytest
from small_meshes import cube, mesh_of, noise

from nst3d import save
from nst3d.errors import ConfigError, InputError, OutputError
from nst3d.images.io import read_image, write_image
from nst3d.networks.translator import TranslatorShape, load_translator, trained_size
from nst3d.pipeline.jobs.train_cycle import CycleJob, run_cycle_training
from nst3d.pipeline.runtime.events import Counted, Handler
from nst3d.pipeline.settings.cycle import CycleOptions
from nst3d.representations.subdivide import paint_vertices

QUICK = CycleOptions(size=64, patch=40, steps=4, width=2, blocks=1, history=2, threads=1)
ENDINGS = (".safetensors", "_back.safetensors", "_sheet.png", "_losses.csv", "_losses.svg")


class Stop(Handler):
    """Presses Ctrl-C after a step."""

    def __init__(self, after: int) -> None:
        self.after = after

    def counted(self, event: Counted) -> None:
        if event.done == self.after:
            raise KeyboardInterrupt


@pytest.fixture
def folder(tmp_path):
    for number, name in enumerate("ab"):
        (tmp_path / name).mkdir()
        for k in range(2):
            write_image(tmp_path / name / f"{k}.png", noise(48, 64, 3, seed=10 * number + k))
    return tmp_path


def job(folder, options=QUICK, **more) -> CycleJob:
    return CycleJob(folder / "a", folder / "b", folder / "net.safetensors", options, **more)


def test_two_networks_a_sheet_and_curves_are_written(folder) -> None:
    trained = run_cycle_training(job(folder))
    assert [path.name for path in trained.paths] == [f"net{ending}" for ending in ENDINGS]
    for path in trained.paths[:2]:
        assert load_translator(path).shape == TranslatorShape(2, 1)
        assert trained_size(path) == 64
    # Two pairs of pictures, each of which is shown before, translated and translated back.
    assert read_image(folder / "net_sheet.png").pixels.shape == (2 * 48, 6 * 64, 3)
    with (folder / "net_losses.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["step"] for row in rows] == ["1", "2", "3", "4"]
    assert all(float(row[name]) > 0 for row in rows for name in ("real", "cycle", "identity", "critics"))
    assert (folder / "net_losses.svg").read_text().startswith("<svg")
    assert set(trained.metrics["losses"]["back"]) == {"untouched", "painted", "returned"}
    assert not list(folder.glob("*.checkpoint*"))


def test_an_interrupted_training_resumes_to_the_same(folder) -> None:
    run_cycle_training(job(folder))
    whole = [(folder / f"net{ending}").read_bytes() for ending in ENDINGS]
    stopped = run_cycle_training(job(folder, overwrite=True), Stop(2))
    assert stopped.interrupted
    assert stopped.metrics["steps"] == 2
    assert (folder / "net.safetensors").read_bytes() != whole[0]
    assert not run_cycle_training(job(folder, resume=True)).interrupted
    assert [(folder / f"net{ending}").read_bytes() for ending in ENDINGS] == whole


def test_another_training_does_not_resume(folder) -> None:
    run_cycle_training(job(folder), Stop(2))
    with pytest.raises(InputError, match="other styles, pictures or settings"):
        run_cycle_training(job(folder, replace(QUICK, cycle_weight=5.0), resume=True))


def test_views_of_a_scene_are_translated_too(folder) -> None:
    mesh = mesh_of(cube())
    paint = paint_vertices(mesh, float("inf"), 0)
    save(folder / "mesh.ply", mesh, noise(paint.num_colours, 3), paint=paint)
    run_cycle_training(replace(job(folder), first=folder / "mesh.ply"))
    sheet = read_image(folder / "net_sheet.png").pixels
    assert np.abs(sheet[2, 2] - 0.5).max() < 0.01  # over grey, as it is painted without a style


def test_time_decides_how_many_steps_are_taken(folder) -> None:
    trained = run_cycle_training(job(folder, replace(QUICK, steps=None, minutes=1e-6)), Stop(1))
    assert any(note.startswith("training 100 steps") for note in trained.metrics["notes"])


def test_without_matplotlib_the_plot_is_left_out_with_a_note(folder, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    trained = run_cycle_training(job(folder))
    assert trained.paths[-1].name == "net_losses.csv"
    assert any("net_losses.svg: is left out, as plots need matplotlib" in n for n in trained.metrics["notes"])


def test_what_cannot_be_trained_is_refused(folder) -> None:
    with pytest.raises(ConfigError, match="is given twice"):
        CycleJob(folder / "a", folder / "a", folder / "n.safetensors")
    with pytest.raises(ConfigError, match=r"written as \.safetensors"):
        CycleJob(folder / "a", folder / "b", folder / "n.pth")
    with pytest.raises(ConfigError, match="lies among the pictures to train on"):
        run_cycle_training(replace(job(folder), out=folder / "b" / "n.safetensors"))
    with pytest.raises(OutputError, match="its folder does not exist"):
        run_cycle_training(replace(job(folder), out=folder / "c" / "n.safetensors"))
    (folder / "net_back.safetensors").write_bytes(b"")
    with pytest.raises(OutputError, match=r"net_back\.safetensors: exists; give `overwrite`"):
        run_cycle_training(job(folder))
