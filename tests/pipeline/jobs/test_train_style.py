"""Training jobs: what they read and write, that they resume, and that a painting uses the network."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from small_meshes import cube, mesh_of, noise
from tiny_jobs import TINY

from nst3d import Job, run_job, save
from nst3d.errors import ConfigError, InputError, OutputError
from nst3d.images.io import Picture, read_image, write_image
from nst3d.networks.style_network import load_style_network
from nst3d.pipeline.jobs.train_style import TrainJob, run_training
from nst3d.pipeline.runtime.events import Counted, Handler
from nst3d.pipeline.settings.config import TeachOptions
from nst3d.pipeline.settings.train import TrainOptions
from nst3d.representations.subdivide import paint_vertices
from nst3d.weights.tensors import read_tensors

QUICK = TrainOptions(size=64, patch=32, patches=4, steps=4, widths=(4, 6, 8), blocks=1, threads=1)


class Heard(Handler):
    """Hears notes, and presses Ctrl-C after a step."""

    def __init__(self, stop_after: int | None = None) -> None:
        self.stop_after, self.notes, self.last = stop_after, [], 0

    def counted(self, event: Counted) -> None:
        self.last = event.done
        if event.done == self.stop_after:
            raise KeyboardInterrupt

    def note(self, text: str) -> None:
        self.notes.append(text)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "photos").mkdir()
    for number in range(7):
        save(tmp_path / "photos" / f"{number}.png", Picture(noise(48, 80, 3, seed=number), None))
    for number in (1, 2):
        write_image(tmp_path / f"style{number}.png", noise(48, 48, 3, seed=10 + number))
    return tmp_path


def job(folder, *, options=QUICK, styles=1, **more) -> TrainJob:
    paths = [folder / f"style{n + 1}.png" for n in range(styles)]
    source = more.pop("source", folder / "photos")
    return TrainJob(paths, source, folder / "net.safetensors", options, **more)


def test_photographs_train_a_network_of_several_styles(folder) -> None:
    trained = run_training(job(folder, styles=2))
    network = load_style_network(folder / "net.safetensors")
    assert network.styles == ("style1", "style2")
    assert network.size == 64
    assert set(trained.metrics["losses"]["style2"]) == {"untouched", "painted"}
    assert not list(folder.glob("*.checkpoint*"))
    # One of seven is held out, shown before, in both styles, and mixed.
    assert read_image(folder / "net_sheet.png").pixels.shape == (38, 4 * 64, 3)


def test_an_interrupted_training_writes_what_it_has_and_resumes_to_the_same(folder, tmp_path) -> None:
    run_training(job(folder))
    unbroken = read_tensors(folder / "net.safetensors")
    stopped = run_training(job(folder, overwrite=True), Heard(stop_after=2))
    assert stopped.interrupted
    assert stopped.metrics["steps"] == 2
    early = read_tensors(folder / "net.safetensors")
    resumed = run_training(job(folder, resume=True), heard := Heard())
    assert not resumed.interrupted
    assert heard.last == 2
    for name, value in read_tensors(folder / "net.safetensors").items():
        assert np.array_equal(value.numpy(), unbroken[name].numpy()), name
    assert not np.array_equal(early["last.weight"].numpy(), unbroken["last.weight"].numpy())


def test_another_training_does_not_resume(folder) -> None:
    run_training(job(folder), Heard(stop_after=2))
    other = dataclasses.replace(QUICK, seed=1)
    with pytest.raises(InputError, match="other styles, pictures or settings"):
        run_training(job(folder, options=other, resume=True))


def test_a_scene_trains_a_network_that_paints_it(folder) -> None:
    mesh = mesh_of(cube())
    paint = paint_vertices(mesh, float("inf"), 0)
    scene = folder / "mesh.ply"
    save(scene, mesh, noise(paint.num_colours, 3), paint=paint)
    run_training(job(folder, source=scene, options=dataclasses.replace(QUICK, size=80)))
    options = {"file": str(folder / "net.safetensors")}
    config = dataclasses.replace(TINY, teach=TeachOptions("network", options=options)).with_iterations(0)
    heard = Heard()
    result = run_job(Job(scene, folder / "style1.png", folder / "out", config), heard)
    assert result.paths[0].is_file()
    assert any("was trained at 80 pixels" in note for note in heard.notes)


def test_time_decides_how_many_steps_are_taken(folder) -> None:
    options = dataclasses.replace(QUICK, steps=None, minutes=1e-6)
    trained = run_training(job(folder, options=options), heard := Heard(stop_after=1))
    assert trained.interrupted
    assert any(note.startswith("training 100 steps") for note in heard.notes)


def test_what_cannot_be_trained_is_refused(folder) -> None:
    with pytest.raises(ConfigError, match="no style"):
        TrainJob([], folder / "photos", folder / "n.safetensors")
    with pytest.raises(ConfigError, match=r"written as \.safetensors"):
        TrainJob(folder / "style1.png", folder / "photos", folder / "n.pth")
    (folder / "empty").mkdir()
    with pytest.raises(InputError, match="empty"):
        run_training(job(folder, source=folder / "empty"))
    (folder / "net.safetensors").write_bytes(b"")
    with pytest.raises(OutputError, match="exists; give `overwrite`"):
        run_training(job(folder))


def test_a_folder_of_narrow_pictures_is_refused(folder) -> None:
    (folder / "narrow").mkdir()
    write_image(folder / "narrow" / "a.png", noise(12, 80, 3))
    with pytest.raises(InputError, match="no picture whose short side has 32 pixels"):
        run_training(job(folder, source=folder / "narrow"))


def test_pictures_that_it_was_given_are_never_overwritten(folder) -> None:
    write_image(folder / "net_sheet.png", noise(48, 48, 3))
    with pytest.raises(OutputError, match=r"net_sheet\.png: exists"):
        run_training(job(folder))
    own = dataclasses.replace(job(folder), styles=[folder / "net_sheet.png"], overwrite=True)
    with pytest.raises(ConfigError, match=r"net_sheet\.png: is a style"):
        run_training(own)
    inside = dataclasses.replace(job(folder), out=folder / "photos" / "0.safetensors")
    with pytest.raises(ConfigError, match="lies among the pictures to train on"):
        run_training(inside)
