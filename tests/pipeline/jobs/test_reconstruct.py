"""Whole reconstructions of a capture of the lighthouse: what is written, resumed, refused."""

from __future__ import annotations

import json
import shutil
import signal
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import yaml

from nst3d.cameras.orbits import Orbit
from nst3d.cameras.rigs import views_from
from nst3d.errors import ConfigError, InputError, OutputError
from nst3d.formats.captures.registry import load_capture, save_transforms
from nst3d.formats.fields.registry import load_field
from nst3d.formats.mesh_files import load_mesh
from nst3d.images.io import read_image
from nst3d.pipeline.captures.photographs import plain_background
from nst3d.pipeline.jobs.make_capture import CaptureOptions, capture_mesh
from nst3d.pipeline.jobs.reconstruct import ReconstructJob, run_reconstruct
from nst3d.pipeline.kinds.mesh.shown import show_mesh
from nst3d.pipeline.runtime.events import Counted, Fitted, Handler
from nst3d.pipeline.settings.reconstruct import QUALITIES, ReconstructConfig, quality
from nst3d.reconstruct.options import FitOptions, Level
from nst3d.renderers.frames import draw_frame
from nst3d.renderers.voxels import VoxelRenderer
from nst3d.tensors import ImageSize

TINY = ReconstructConfig(FitOptions(levels=(Level(16, 30), Level(28, 50)), batch=512), size=40)
RESULTS = {"field.npz", "heldout.png", "config.yaml", "metrics.json"}


class Listener(Handler):
    """Keeps what it hears, and presses Ctrl-C after a step if it is told to."""

    def __init__(self, stop: int = 0) -> None:
        self.notes: list[str] = []
        self.steps: list[Fitted] = []
        self.counts: list[Counted] = []
        self._stop = stop

    def note(self, text: str) -> None:
        self.notes.append(text)

    def counted(self, event: Counted) -> None:
        self.counts.append(event)

    def fitted(self, event: Fitted) -> None:
        self.steps.append(event)
        if event.iteration == self._stop:
            signal.raise_signal(signal.SIGINT)


@pytest.fixture(scope="module")
def mesh(scenes_dir) -> Path:
    return scenes_dir / "lighthouse" / "lighthouse.glb"


@pytest.fixture(scope="module")
def cut_out(mesh, tmp_path_factory) -> Path:
    """Photographs with alpha."""
    folder = tmp_path_factory.mktemp("cut out")
    capture_mesh(mesh, folder, CaptureOptions(views=18, size=ImageSize(40, 48), background=None))
    return folder


def run(capture: Path, out: Path, listener: Listener | None = None, **changes) -> dict:
    job = replace(ReconstructJob(capture, out, TINY), **changes)
    return run_reconstruct(job, listener or Listener()).metrics


@pytest.fixture(scope="module")
def unbroken(cut_out, tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("unbroken") / "out"
    run(cut_out, out)
    return out


def test_everything_is_written(cut_out, unbroken) -> None:
    assert {p.name for p in unbroken.iterdir()} == RESULTS
    numbers = json.loads((unbroken / "metrics.json").read_text())
    assert numbers["psnr"] > 16
    assert 0.4 < numbers["ssim"] < 1
    assert (numbers["photographs"], numbers["held_out"], numbers["iterations"]) == (15, 3, 80)
    assert len(numbers["views"]) == 3
    assert numbers["psnr"] == pytest.approx(np.mean([v["psnr"] for v in numbers["views"]]), abs=0.01)
    fitted = [row["psnr"] for row in numbers["train_views"]]
    assert len(fitted) == 15
    assert fitted == sorted(fitted)
    assert fitted[0] > 10
    assert {"psnr_train", "fit_s", "wall_s", "peak_rss_gb", "nodes", "kind"} <= set(numbers)
    assert read_image(unbroken / "heldout.png").pixels.shape[1] % 3 == 0
    again = yaml.safe_load((unbroken / "config.yaml").read_text())
    assert again["capture"] == str(cut_out)
    assert quality(str(unbroken / "config.yaml")) == TINY


def test_the_field_that_is_read_back_shows_the_photographs(cut_out, unbroken) -> None:
    field, capture = load_field(unbroken / "field.npz"), load_capture(cut_out)
    assert field.background == (1, 1, 1)
    assert len(field.cameras) == len(capture.of("train"))
    assert np.allclose(field.up, capture.up)
    assert Path(field.capture) == cut_out.resolve()
    numbers = json.loads((unbroken / "metrics.json").read_text())
    sheet = read_image(unbroken / "heldout.png").pixels
    camera = capture.of("test")[0].camera.resized(ImageSize(sheet.shape[0] // 2, sheet.shape[1] // 3))
    shown = VoxelRenderer(field).draw(camera, field.colours, 1.0).over(1.0)
    rows, columns = shown.shape[:2]
    assert np.abs(shown - sheet[:rows, :columns]).max() < 0.01
    error = np.mean((shown - sheet[rows:, :columns]) ** 2)
    assert -10 * np.log10(error) == pytest.approx(numbers["views"][0]["psnr"], abs=0.1)


def test_a_stopped_run_is_kept_and_resumed_bit_for_bit(cut_out, unbroken, tmp_path) -> None:
    out, first = tmp_path / "out", Listener(stop=21)
    job = ReconstructJob(cut_out, out, TINY)
    stopped = run_reconstruct(job, first)
    assert stopped.interrupted
    assert [(c.done, c.total) for c in first.counts] == [(n, 18) for n in range(1, 19)]
    assert stopped.metrics["iterations"] == 21
    assert {p.name for p in out.iterdir()} == {*RESULTS, "checkpoint.npz"} - {"heldout.png"}
    assert stopped.metrics["psnr"] is None  # measuring takes long
    assert "heldout.png is left out" in first.notes[-1]
    with pytest.raises(OutputError, match="not empty; give `overwrite`"):
        run_reconstruct(job, Listener())
    second = Listener()
    done = run_reconstruct(replace(job, resume=True), second)
    assert [s.iteration for s in second.steps] == list(range(22, 81))
    assert not done.interrupted
    assert {p.name for p in out.iterdir()} == RESULTS
    assert (out / "field.npz").read_bytes() == (unbroken / "field.npz").read_bytes()
    assert (out / "heldout.png").read_bytes() == (unbroken / "heldout.png").read_bytes()
    assert done.metrics["train_views"] == json.loads((unbroken / "metrics.json").read_text())["train_views"]


def test_seconds_are_of_this_run_and_fit_into_the_whole(cut_out, tmp_path) -> None:
    out, job = tmp_path / "out", ReconstructJob(cut_out, tmp_path / "out", TINY)
    run_reconstruct(job, Listener(stop=60))
    with np.load(out / "checkpoint.npz") as kept:
        np.savez(out / "checkpoint.npz", **{**kept, "seconds": np.array(1234.5)})
    numbers = run(cut_out, out, resume=True)
    parts = sum(numbers[name] for name in ("read_s", "fit_s", "write_s"))
    assert numbers["wall_s"] == pytest.approx(parts, abs=0.03)
    assert numbers["earlier_fit_s"] == 1234.5
    assert numbers["wall_s"] < 600


def test_checkpoints_of_something_else_are_refused(cut_out, tmp_path) -> None:
    out, job = tmp_path / "out", ReconstructJob(cut_out, tmp_path / "out", TINY)
    with pytest.raises(InputError, match="nothing to resume"):
        run_reconstruct(replace(job, resume=True), Listener())
    assert not out.exists()
    run_reconstruct(job, Listener(stop=3))
    other = replace(TINY, fit=replace(TINY.fit, seed=5))
    with pytest.raises(InputError, match="other photographs or settings"):
        run_reconstruct(replace(job, config=other, resume=True), Listener())
    with pytest.raises(InputError, match="other photographs or settings"):
        run_reconstruct(replace(job, config=replace(TINY, size=30), resume=True), Listener())
    checkpoint = out / "checkpoint.npz"
    data = checkpoint.read_bytes()
    checkpoint.write_bytes(data[: len(data) // 2])
    with pytest.raises(InputError, match="broken or truncated"):
        run_reconstruct(replace(job, resume=True), Listener())
    np.savez(checkpoint, links=np.zeros(3))
    with pytest.raises(InputError, match="not a reconstruction checkpoint"):
        run_reconstruct(replace(job, resume=True), Listener())
    np.savez(checkpoint, links=np.array([object()], dtype=object))
    with pytest.raises(InputError, match="pickled"):
        run_reconstruct(replace(job, resume=True), Listener())


def test_an_npz_as_output_has_its_records_beside_it(cut_out, unbroken, tmp_path) -> None:
    (tmp_path / "other.txt").write_text("stays")
    run(cut_out, tmp_path / "light.npz")
    names = {"light.npz", "light.heldout.png", "light.config.yaml", "light.metrics.json", "other.txt"}
    assert {p.name for p in tmp_path.iterdir()} == names
    assert (tmp_path / "light.npz").read_bytes() == (unbroken / "field.npz").read_bytes()
    with pytest.raises(OutputError, match="exists; give `overwrite`"):
        run(cut_out, tmp_path / "light.npz")


def test_a_plain_background_is_left_out(mesh, tmp_path) -> None:
    capture_mesh(mesh, tmp_path / "in", CaptureOptions(views=18, size=ImageSize(40, 40)))
    listener = Listener()
    numbers = run(tmp_path / "in", tmp_path / "out", listener)
    assert numbers["kind"] == "bounded"
    assert numbers["psnr"] > 15
    assert any("plain background" in note for note in listener.notes)
    assert load_field(tmp_path / "out" / "field.npz").background == pytest.approx((1, 1, 1), abs=0.01)


def test_plain_backgrounds_are_told_from_others() -> None:
    rng = np.random.default_rng(0)
    thing = np.full((12, 16, 3), 0.3, np.float32)
    thing[3:9, 4:12] = rng.random((6, 8, 3))
    assert plain_background([thing, thing]) == pytest.approx([0.3] * 3)
    assert plain_background([thing, rng.random((12, 16, 3), np.float32)]) is None


def test_a_forward_facing_capture_is_contracted(mesh, tmp_path) -> None:
    shown = show_mesh(load_mesh(mesh), Orbit(1, ImageSize(36, 36)))
    front = np.array([0.0, 0.25, 1.0])
    spread = np.stack([front + 0.16 * np.array([np.cos(a), np.sin(2 * a), 0]) for a in range(12)])
    directions = spread / np.linalg.norm(spread, axis=1, keepdims=True)
    cameras = views_from(directions, shown.surface.up, 2.4, ImageSize(36, 36), 0.9)
    images = []
    for camera in cameras:  # before a sky that brightens upwards
        image = draw_frame(shown.renderer, camera, shown.colours, "none")
        sky = np.linspace(1, 0.3, 36)[:, None, None] * [0.5, 0.7, 1.0]
        images.append((image[..., :3] + (1 - image[..., 3:]) * sky).astype(np.float32))
    save_transforms(tmp_path / "in", cameras, images, up=shown.surface.up)
    numbers = run(tmp_path / "in", tmp_path / "out")
    field = load_field(tmp_path / "out" / "field.npz")
    assert numbers["kind"] == "forward"
    assert field.space.contracted
    assert field.near > 0
    assert numbers["psnr"] > 17


def test_captures_that_cannot_be_used_are_told_in_a_line(cut_out, tmp_path) -> None:
    folder = tmp_path / "in"
    shutil.copytree(cut_out, folder)
    values = json.loads((folder / "transforms.json").read_text())
    values["frames"] = values["frames"][:2]
    (folder / "transforms.json").write_text(json.dumps(values))
    with pytest.raises(InputError, match="too few photographs to reconstruct from: 1, and 1 held out"):
        run(folder, tmp_path / "out")
    with pytest.raises(InputError, match="no such file"):
        run(tmp_path / "nowhere", tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"levels": ()}, "levels is empty"),
        ({"levels": (Level(4, 5),)}, "nodes is 4"),
        ({"levels": (Level(300, 5),)}, r"levels\[0\]\.nodes is 300: expected a number from 8 to 160$"),
        ({"levels": (Level(30, 0),)}, "iterations is 0"),
        ({"degree": 3}, "fit.degree is 3"),
        ({"density_rate": float("nan")}, "density_rate is nan"),
        ({"seed": -1}, "fit.seed"),
    ],
)
def test_settings_that_make_no_sense_are_refused(changes, says) -> None:
    with pytest.raises(ConfigError, match=says):
        ReconstructConfig(replace(FitOptions(), **changes))


def test_qualities() -> None:
    assert quality("default") == ReconstructConfig()
    assert len(quality("quick").fit.levels) < len(quality("fine").fit.levels)
    with pytest.raises(ConfigError, match="choose one of " + ", ".join(QUALITIES)):
        quality("best")
