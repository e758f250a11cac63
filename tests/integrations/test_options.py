"""What a run's config may say of its nerfacto, and what is refused."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
import yaml

from nst3d.errors import InputError
from nst3d.formats.nerfstudio.config import read_config

reason = "nerfstudio is not installed: pip install 'nst3d[nerfstudio]'"
pytest.importorskip("nerfstudio", reason=reason)
pytestmark = pytest.mark.filterwarnings("ignore")  # nerfstudio's own and those of what it imports


def options(**values: object) -> dict:
    from nst3d.integrations.nerfstudio.model.options import told_options

    return told_options(Path("run"), {"pipeline": {"model": values}})


@pytest.mark.parametrize("name", ["nerfacto", "nerfacto-big", "nerfacto-huge"])
def test_all_that_nerfstudio_itself_writes_is_read(tmp_path, name) -> None:
    from nerfstudio.configs.method_configs import method_configs
    from nerfstudio.models.nerfacto import NerfactoModelConfig

    from nst3d.integrations.nerfstudio.model.options import told_options

    (tmp_path / "config.yml").write_text(yaml.dump(method_configs[name]))
    found = told_options(tmp_path, read_config(tmp_path / "config.yml")[1])
    wanted = method_configs[name].pipeline.model
    fields = {f.name for f in dataclasses.fields(NerfactoModelConfig)} - {"_target", "camera_optimizer"}
    assert set(found) == fields
    for key, value in found.items():
        was = getattr(wanted, key)
        assert value == (list(was) if isinstance(was, tuple) else was)


def test_what_only_training_needs_may_be_nothing() -> None:
    values = {
        "distortion_loss_mult": 0,
        "near_plane": 0.0,
        "appearance_embed_dim": 0,
        "collider_params": None,
    }
    assert options(**values, far_plane=6, something_else=object()) == {**values, "far_plane": 6}


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("background_color", [1, 2], "a list for .*, expected one of random, last_sample, black, white"),
        ("background_color", "blue", "'blue' for"),
        ("proposal_initial_sampler", "foo", "expected one of piecewise, uniform"),
        ("far_plane", "abc", "'abc' for pipeline.model.far_plane, expected a positive number"),
        ("far_plane", float("nan"), "expected a positive number"),
        ("far_plane", 0, "expected a positive number"),
        ("far_plane", 10**400, "expected a positive number"),
        ("average_init_density", None, "None for .*, expected a positive number"),
        ("num_nerf_samples_per_ray", -4, "expected a positive whole number"),
        ("num_nerf_samples_per_ray", True, "expected a positive whole number"),
        ("features_per_level", 2.0, "expected a positive whole number"),
        ("max_res", float("inf"), "expected a positive whole number"),
        ("base_res", 0, "expected a positive whole number"),
        ("disable_scene_contraction", "maybe", "expected true or false"),
        ("num_proposal_samples_per_ray", [256, 0], "expected a list of positive whole numbers"),
        ("num_proposal_samples_per_ray", 256, "expected a list of positive whole numbers"),
        ("proposal_net_args_list", [{"max_res": float("inf")}], "a list of settings with positive numbers"),
        ("proposal_net_args_list", [3], "a list of settings with positive numbers"),
        ("loss_coefficients", {"rgb": float("nan")}, "settings with finite numbers"),
    ],
)
def test_other_values_are_refused_by_name(name, value, message) -> None:
    with pytest.raises(InputError, match=rf"^run: config.yml has .*pipeline.model.{name}, expected") as error:
        options(**{name: value})
    assert error.match(message)


@pytest.mark.parametrize(
    "config", [{}, {"pipeline": None}, {"pipeline": {"model": "abc"}}, {"pipeline": [1]}]
)
def test_a_config_without_a_model_is_refused(config) -> None:
    from nst3d.integrations.nerfstudio.model.options import told_options

    with pytest.raises(InputError, match=r"^run: config.yml has no settings under pipeline.model"):
        told_options(Path("run"), config)
