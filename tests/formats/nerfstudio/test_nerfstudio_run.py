"""nerfstudio runs and checkpoints: reading, writing back, and what is refused."""

from __future__ import annotations

import os
from dataclasses import replace
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import numpy as np
import pytest
import torch
from nerfstudio_samples import FRAME, splat_state, write_checkpoint, write_run

from nst3d.cameras.pinhole import Camera
from nst3d.errors import InputError, OutputError
from nst3d.formats.nerfstudio import run as nerfstudio_run
from nst3d.formats.nerfstudio.checkpoint import load_checkpoint
from nst3d.formats.nerfstudio.frame import in_frame_of
from nst3d.formats.nerfstudio.run import (
    check_place,
    is_run,
    load_run,
    run_files,
    run_method,
    save_run,
    version_notes,
)
from nst3d.pipeline.kinds.registry import open_path
from nst3d.representations.capture import Capture, Photo
from nst3d.tensors import ImageSize


def test_a_run_is_read_from_its_folder_config_and_checkpoint(tmp_path: Path) -> None:
    state = splat_state()
    config = write_run(tmp_path, state)
    checkpoint = config.parent / "nerfstudio_models" / "step-000000029.ckpt"
    for path in (config, config.parent, checkpoint, checkpoint.parent):
        assert is_run(path)
        run = load_run(path)
        assert (run.folder, run.method, run.step) == (config.parent, "splatfacto", 29)
        assert run.config["experiment_name"] == "rock"
        assert all(torch.equal(run.state[name], state[name]) for name in state)
        assert np.array_equal(run.transform, FRAME["transform"])
        assert run.scale == FRAME["scale"]
    assert not is_run(tmp_path)


def test_the_latest_checkpoint_is_taken(tmp_path: Path) -> None:
    config = write_run(tmp_path, splat_state())
    write_checkpoint(
        config.parent / "nerfstudio_models" / "step-000000100.ckpt", splat_state(count=7), step=100
    )
    write_checkpoint(config.parent / "nerfstudio_models" / "step-000000030.ckpt", splat_state(count=8))
    run = load_run(config)
    assert (run.step, len(run.state["gauss_params.means"])) == (100, 7)


def test_the_files_of_a_run_are_those_that_are_read(tmp_path: Path) -> None:
    config = write_run(tmp_path, splat_state())
    first = config.parent / "nerfstudio_models" / "step-000000029.ckpt"
    assert run_files(config) == run_files(config.parent) == run_files(first) == [config, first]
    later = first.with_name("step-000000030.ckpt")
    write_checkpoint(later, splat_state())
    assert run_files(config) == [config, later]
    assert run_files(first) == [config, first]
    config.unlink()
    assert run_files(first) == [first]


def test_a_written_run_is_the_same_in_its_own_place(tmp_path: Path) -> None:
    run = load_run(write_run(tmp_path / "a", splat_state()))
    state = dict(run.state) | {"gauss_params.features_dc": torch.ones(40, 3)}
    paths = save_run(tmp_path / "b", run, state, {"pipeline.model.hidden_dim": 128})
    folder = tmp_path / "b" / "rock" / "splatfacto" / "2024-05-06_070809"
    assert paths == [
        folder / "config.yml",
        folder / "dataparser_transforms.json",
        folder / "nerfstudio_models" / "step-000000029.ckpt",
    ]
    # nerfstudio takes every name in that folder for a checkpoint's.
    assert [p.name for p in paths[2].parent.iterdir()] == ["step-000000029.ckpt"]
    again = load_run(folder)
    assert again.config["pipeline"]["model"]["hidden_dim"] == 128
    assert again.config["output_dir"] == (tmp_path / "b").resolve().as_posix()
    assert all(torch.equal(again.state[name], state[name]) for name in state)
    assert again.scale == run.scale
    plain = torch.load(paths[2], weights_only=True)
    assert (plain["step"], plain["optimizers"], plain["scalers"]) == (29, {}, {})
    first = paths[2].read_bytes()
    save_run(tmp_path / "b", run, state)
    assert paths[2].read_bytes() == first


def test_a_run_is_not_painted_into_itself(tmp_path: Path) -> None:
    config = write_run(tmp_path, splat_state())
    first = config.parent / "nerfstudio_models" / "step-000000029.ckpt"
    for out, run in ((tmp_path, config), (config.parent, config), (tmp_path, first), (config.parent, first)):
        with pytest.raises(OutputError, match="the run being painted; give another folder"):
            check_place(out, run)
    check_place(tmp_path / "painted", config)


def test_only_what_a_tensor_shows_is_written(tmp_path: Path) -> None:
    run = load_run(write_run(tmp_path / "a", splat_state()))
    large = torch.zeros(1_000_000)
    paths = save_run(tmp_path / "b", run, dict(run.state) | {"lpips.part": large[:5]})
    assert paths[-1].stat().st_size < 100_000


def test_names_that_lead_elsewhere_are_not_followed(tmp_path: Path) -> None:
    run = load_run(write_run(tmp_path / "a", splat_state()))
    run = replace(run, config={**run.config, "experiment_name": "../../up", "timestamp": "a/b"})
    paths = save_run(tmp_path / "b", run, run.state)
    assert paths[0] == tmp_path / "b" / "painted" / "splatfacto" / "painted" / "config.yml"


def test_nothing_of_the_user_is_overwritten(tmp_path: Path) -> None:
    run = load_run(write_run(tmp_path, splat_state()))
    with pytest.raises(OutputError, match="the run being painted"):
        save_run(tmp_path, run, run.state)
    models = save_run(tmp_path / "b", run, run.state)[-1].parent
    write_checkpoint(models / "step-000000100.ckpt", splat_state())
    with pytest.raises(OutputError, match=r"ckpt: later than"):
        save_run(tmp_path / "b", run, run.state)


@pytest.mark.parametrize("prefix", ["_model.", "module._model.", "_model.module."])
def test_prefixes_of_distributed_training(tmp_path, prefix) -> None:
    state = splat_state()
    path = tmp_path / "step-000000005.ckpt"
    tensors = {f"{prefix}{name}": t for name, t in state.items()} | {"datamanager.poses": torch.ones(2)}
    torch.save({"pipeline": tensors}, path)
    loaded = load_checkpoint(path)
    assert set(loaded.state) == set(state)
    assert set(loaded.others) == {"datamanager.poses"}
    assert loaded.step == 5


def test_a_model_may_have_a_part_called_module(tmp_path: Path) -> None:
    path = tmp_path / "a.ckpt"
    names = ("_model.module.a", "_model.b")
    torch.save({"step": 1, "pipeline": {name: torch.ones(1) for name in names}}, path)
    assert set(load_checkpoint(path).state) == {"module.a", "b"}


def test_numbers_of_numpy_are_read_as_plain_ones(tmp_path: Path) -> None:
    """nerfstudio's schedulers hold them, and PyTorch by itself refuses such a checkpoint."""
    path = write_checkpoint(
        tmp_path / "a.ckpt", splat_state(), schedulers={"means": {"last": np.float64(0.25)}}
    )
    known = set(torch.serialization.get_safe_globals())
    assert set(load_checkpoint(path).state) == set(splat_state())
    assert set(torch.serialization.get_safe_globals()) == known


class _Attack:
    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self):
        return os.mkdir, (str(self.mark),)


def test_hostile_pickles_are_refused_and_not_run(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    path = write_checkpoint(tmp_path / "a.ckpt", splat_state(), schedulers=_Attack(mark))
    with pytest.raises(InputError, match=r"a\.ckpt: contains \w+\.mkdir, .* not run") as error:
        load_checkpoint(path)
    assert "\n" not in str(error.value)
    assert "weights_only" not in str(error.value)
    assert not mark.exists()


@pytest.mark.parametrize("share", [0.0, 0.01, 0.5, 0.99])
def test_checkpoints_that_are_cut_short(tmp_path, share) -> None:
    config = write_run(tmp_path, splat_state())
    path = config.parent / "nerfstudio_models" / "step-000000029.ckpt"
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
    with pytest.raises(
        InputError, match=r"step-000000029\.ckpt: truncated or not a nerfstudio checkpoint"
    ) as error:
        load_run(config)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([1, 2], "no pipeline state"),
        ({"state_dict": {}}, "no pipeline state"),
        ({"pipeline": {"datamanager.a": torch.ones(1)}}, "no model state"),
        ({"pipeline": {"_model.a": torch.ones(1).expand(10**9)}}, "not a plain tensor"),
    ],
)
def test_other_checkpoints(tmp_path, content, message) -> None:
    torch.save(content, tmp_path / "a.ckpt")
    with pytest.raises(InputError, match=message):
        load_checkpoint(tmp_path / "a.ckpt")


def test_other_methods(tmp_path: Path) -> None:
    config = write_run(tmp_path, splat_state(), method="instant-ngp")
    for read in (load_run, run_method, open_path):
        with pytest.raises(
            InputError, match="a run of instant-ngp; supported are runs of nerfacto and splatfacto"
        ):
            read(config)


@pytest.mark.parametrize("named", ["null", "[1, 2]", "*b29"])
def test_a_method_that_is_no_name(tmp_path, named) -> None:
    levels = "".join(f"b{k}: &b{k} [{', '.join([f'*b{k - 1}'] * 9)}]\n" for k in range(1, 30))
    config = write_run(tmp_path, splat_state())
    text = config.read_text().replace("method_name: splatfacto", f"method_name: {named}")
    first, rest = text.split("\n", 1)
    config.write_text(f"{first}\nb0: &b0 [x]\n{levels}{rest}")
    with pytest.raises(InputError, match=r"a run of an unknown method; supported are runs of"):
        load_run(config)


def test_the_trainers_own_run_names_the_one_that_it_painted(tmp_path: Path) -> None:
    own = write_run(tmp_path, splat_state(), method="nst3d")
    with pytest.raises(InputError, match=r"a run of nst3d; supported are runs of nerfacto and splatfacto$"):
        load_run(own)
    painted = write_run(tmp_path, splat_state(), method="nerfacto")
    with pytest.raises(InputError, match=rf"splatfacto; its painted result is {painted}$"):
        load_run(own)


def test_runs_that_lack_something(tmp_path: Path) -> None:
    config = write_run(tmp_path, splat_state())
    alone = config.parent / "nerfstudio_models" / "step-000000029.ckpt"
    nerf = write_checkpoint(tmp_path / "step-000000001.ckpt", {"field.aabb": torch.ones(2, 3)})
    with pytest.raises(
        InputError, match=r"not a splatfacto checkpoint; other methods need the run's config\.yml"
    ):
        load_run(nerf)
    (config.parent / "dataparser_transforms.json").write_text('{"transform": [[1]], "scale": 0}')
    with pytest.raises(InputError, match=r"dataparser_transforms\.json: expected a transform"):
        load_run(config)
    (config.parent / "dataparser_transforms.json").unlink()
    assert load_run(config).scale == 1
    alone.unlink()
    with pytest.raises(InputError, match=r"nerfstudio_models: has no step-\*\.ckpt"):
        load_run(config)
    with pytest.raises(InputError, match="no such file"):
        load_run(alone)


def test_kinds(tmp_path: Path) -> None:
    for method, kind in (("nerfacto", "nerf"), ("splatfacto", "splats")):
        config = write_run(tmp_path, splat_state(), method=method)
        assert [open_path(p).kind.name for p in (config, config.parent)] == [kind] * 2
    for content in (b"a: 1", b"", b"\x80\x04"):
        config.write_bytes(content)
        for path in (config, config.parent):
            with pytest.raises(InputError, match=r"config\.yml: not the config\.yml of a nerfstudio run"):
                open_path(path)


def test_folders_around_runs_name_them(tmp_path: Path) -> None:
    config = write_run(tmp_path, splat_state())
    for folder in (config.parent.parent, config.parent.parent.parent, tmp_path):
        with pytest.raises(InputError) as told:
            open_path(folder)
        assert (
            str(told.value) == f"{folder}: a folder with {config.relative_to(folder)}; give the path of one"
        )
    (config.parent.parent / "a.glb").touch()
    assert open_path(config.parent.parent).kind.name == "mesh"


def test_versions(monkeypatch) -> None:
    def absent(name: str) -> str:
        raise PackageNotFoundError(name)

    for version, words in (
        (lambda name: "1.1.5", ()),
        (lambda name: "0.3.4", ("0.3.4", "1.1.5")),
        (absent, ()),
    ):
        monkeypatch.setattr(nerfstudio_run, "version", version)
        notes = version_notes()
        assert len(notes) == bool(words)
        assert all(word in notes[0] for word in words)


def capture_of(path: Path, kind: str = "transforms.json") -> Capture:
    pose = np.eye(4)
    pose[:3, 3] = 1, 2, 3
    photo = Photo("a", Camera(pose, 50.0, (4, 4), ImageSize(8, 8)))
    return Capture(path, (photo, photo), np.array([0.0, 0.0, 1.0]), kind)


def test_cameras_are_turned_into_the_world_of_the_run(tmp_path: Path) -> None:
    config = write_run(tmp_path, splat_state())
    source = tmp_path / "transforms.json"
    source.write_text("{}")
    turned = in_frame_of(config, capture_of(source))
    transform, scale = np.array(FRAME["transform"]), FRAME["scale"]
    pose = turned.photos[0].camera.camera_to_world
    assert np.allclose(pose[:3, 3], scale * (transform @ [1, 2, 3, 1]))
    assert np.allclose(pose[:3, :3], transform[:, :3])
    assert len(turned.notes) == 1
    assert in_frame_of(tmp_path / "a.ply", turned) is turned


def test_what_was_done_to_saved_poses_is_undone_first(tmp_path: Path) -> None:
    """nerfstudio's transform starts before transforms.json's own."""
    config = write_run(tmp_path, splat_state())
    source = tmp_path / "transforms.json"
    source.write_text(
        '{"applied_transform": [[0, 1, 0, 3], [1, 0, 0, 0], [0, 0, -1, 0]], "applied_scale": 2}'
    )
    applied = np.array([[0, 1, 0, 3], [1, 0, 0, 0], [0, 0, -1, 0], [0, 0, 0, 1.0]])
    original = np.linalg.inv(applied) @ [1, 2, 3, 1]
    pose = in_frame_of(config, capture_of(source)).photos[0].camera.camera_to_world
    assert np.allclose(pose[:3, 3], FRAME["scale"] / 2 * (np.array(FRAME["transform"]) @ original))
    # A model of COLMAP's is in the original world.
    pose = in_frame_of(config, capture_of(source, "COLMAP")).photos[0].camera.camera_to_world
    assert np.allclose(pose[:3, 3], FRAME["scale"] * (np.array(FRAME["transform"]) @ [1, 2, 3, 1]))
    source.write_text('{"applied_transform": [[0, 0, 0, 3], [1, 0, 0, 0], [0, 0, -1, 0]]}')
    with pytest.raises(InputError, match="cannot be inverted"):
        in_frame_of(config, capture_of(source))


def test_a_run_that_does_not_say_where_its_world_lies(tmp_path: Path) -> None:
    config = write_run(tmp_path, splat_state())
    (config.parent / "dataparser_transforms.json").unlink()
    turned = in_frame_of(config, capture_of(tmp_path))
    assert np.array_equal(turned.photos[0].camera.position, [1, 2, 3])
    assert "used as they are" in turned.notes[0]
