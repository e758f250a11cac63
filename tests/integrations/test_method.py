"""ns-train nst3d: nerfstudio's trainer paints a nerfacto, and what it writes opens again."""

from __future__ import annotations

import copy
import importlib
import os
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import numpy as np
import pytest
import torch
from trained_nerf import SAMPLES, SIZE, frames

from nst3d.formats.nerfstudio.run import load_run

reason = "nerfstudio is not installed: pip install 'nst3d[nerfstudio]'"
pytest.importorskip("nerfstudio", reason=reason)
pytestmark = pytest.mark.filterwarnings("ignore")  # nerfstudio's own and those of what it imports

DRIVER = SAMPLES / "method_driver.py"
METHOD = "nst3d=nst3d.integrations.nerfstudio.method:method"


def ns_train(*arguments: object) -> str:
    surroundings = os.environ | {"CUDA_VISIBLE_DEVICES": "", "OMP_NUM_THREADS": "1", "COLUMNS": "200"}
    surroundings.pop("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD", None)
    command = [sys.executable, str(DRIVER), *map(str, arguments)]
    done = subprocess.run(command, env=surroundings, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


@pytest.fixture(scope="module")
def trained(made) -> Path:
    """The folder in which ns-train painted the nerfacto, in six steps."""
    out = made.folder / "method"
    settings = made.folder / "small.yaml"
    settings.write_text(
        "{photos: true, capture_views: 4, schedule: {stages: [{size: 32, iterations: 4, learning_rate: 0.05}]}}\n"
    )
    ns_train(
        "nst3d", "--load-dir", made.run.parent / "nerfstudio_models", "--output-dir", out,
        "--experiment-name", "ball", "--timestamp", "now", "--vis", "tensorboard",
        "--machine.device-type", "cpu", "--max-num-iterations", 6, "--pipeline.model.style-image", made.style,
        "--pipeline.model.preset", settings, "nerfstudio-data", "--data", made.folder / "capture",
    )  # fmt: skip
    return out / "ball"


def test_help_lists_the_method(made) -> None:
    assert "nst3d" in ns_train("--help")


def test_what_was_painted_opens_as_a_plain_nerfacto(made, trained) -> None:
    from nst3d.integrations.nerfstudio.model.nerfacto import Nerfacto

    config = trained / "nerfacto/now/config.yml"
    before, after = frames(made, made.run, "first", old=True), frames(made, config, "last")
    nerf, width = Nerfacto(load_run(config)), SIZE.width
    for view, was, now in zip(made.views, before, after):
        assert np.abs(now[:, :width] - np.clip(nerf.draw(view).colour, 0, 1)).max() <= 2 / 255
        assert np.abs(now[:, :width] - was[:, :width]).mean() > 0.01
        assert np.array_equal(now[:, width:], was[:, width:])


def test_the_trainers_own_run_shows_the_same(made, trained, monkeypatch) -> None:
    monkeypatch.setenv("NERFSTUDIO_METHOD_CONFIGS", METHOD)
    own = frames(made, trained / "nst3d/now/config.yml", "own")
    monkeypatch.undo()
    for ours, plain in zip(own, frames(made, trained / "nerfacto/now/config.yml", "plain")):
        assert np.array_equal(ours, plain)


def test_checkpoints_hold_tensors_and_plain_numbers(trained) -> None:
    path = next((trained / "nst3d/now/nerfstudio_models").glob("*.ckpt"))
    assert torch.load(path, weights_only=True)["step"] == 5


def test_errors_are_one_line(made, tmp_path) -> None:
    from nst3d.integrations.nerfstudio.trainer.trainer import specification

    def ending(**values: object) -> str:
        config = copy.deepcopy(specification.config)
        config.output_dir, config.experiment_name, config.timestamp = tmp_path, "none", "now"
        config.machine.device_type = "cpu"
        config.pipeline.model.style_image = values.pop("style", made.style)
        config.pipeline.model.preset = values.pop("preset", "capture")
        config.pipeline.datamanager.data = values.pop("data", None)
        for key, value in values.items():
            setattr(config, key, value)
        with pytest.raises(SystemExit) as ended:
            config.setup(local_rank=0, world_size=1).setup()
        return str(ended.value)

    assert ending() == "nst3d: no run to paint: set --load-dir RUN/nerfstudio_models, of a nerfacto"
    assert ending(style=None) == "nst3d: no style image: set --pipeline.model.style-image IMAGE"
    gone = tmp_path / "no-run" / "nerfstudio_models"
    expected = "expected RUN/nerfstudio_models, of a nerfacto"
    assert ending(load_dir=gone) == f"nst3d: --load-dir {gone}: no such folder, {expected}"
    assert ending(load_dir=tmp_path).startswith(f"nst3d: --load-dir {tmp_path}: has no ")
    # Before the photographs are read, which takes long.
    assert f"nst3d: {gone}: no such file or folder; give the run's photographs" in ending(data=gone)
    assert "no such file" in ending(style=tmp_path / "none.png")
    assert "preset 'loud' is not known" in ending(preset="loud")


def test_the_runs_own_folder_will_do_as_well(made) -> None:
    from nst3d.integrations.nerfstudio.trainer.trainer import _folder

    run = made.run.parent
    models = run / "nerfstudio_models"
    assert _folder(run, None) == _folder(models, None) == run
    assert _folder(run, 7) == _folder(models, 7) == models / "step-000000007.ckpt"


def test_a_start_that_fails_leaves_nothing(made, tmp_path) -> None:
    from nst3d.integrations.nerfstudio.trainer.trainer import specification

    def fail() -> None:
        config = copy.deepcopy(specification.config)
        config.output_dir, config.experiment_name, config.timestamp = tmp_path, "none", "now"
        config.machine.device_type = "cpu"
        config.save_config()  # as ns-train does before
        with pytest.raises(SystemExit):
            config.setup(local_rank=0, world_size=1).setup()

    fail()
    assert [*tmp_path.iterdir()] == []
    other = tmp_path / "none/nst3d/then/config.yml"
    other.parent.mkdir(parents=True)
    other.touch()
    fail()
    assert [p for p in tmp_path.rglob("*") if p.is_file()] == [other]
    kept = tmp_path / "none/nst3d/now/notes.txt"
    kept.parent.mkdir()
    kept.touch()
    fail()
    assert (kept.parent / "config.yml").is_file()


def test_nerfstudio_goes_on_where_the_method_cannot_be_had(monkeypatch) -> None:
    from nst3d.integrations.nerfstudio import method

    monkeypatch.setitem(sys.modules, "nst3d.integrations.nerfstudio.trainer.trainer", None)
    assert importlib.reload(method).method is None
    monkeypatch.undo()
    assert importlib.reload(method).method.config.method_name == "nst3d"


def test_the_entry_point_names_the_method() -> None:
    found = entry_points(group="nerfstudio.method_configs", name="nst3d")
    if not found:
        pytest.skip("nst3d is not installed here, so it has no entry points")
    assert next(iter(found)).value == METHOD.partition("=")[2]
