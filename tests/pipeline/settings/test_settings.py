"""Settings: what numbers and YAML files can hold, and how wrong ones are told."""

from __future__ import annotations

import dataclasses
import math
import re
from pathlib import Path
from typing import Any

import pytest

from nst3d.errors import ConfigError, InputError
from nst3d.pipeline.kinds.paint_job import Job
from nst3d.pipeline.runtime.machine import resolve_device
from nst3d.pipeline.settings.config import PaintConfig, load_preset, preset
from nst3d.pipeline.settings.overrides import override, read_yaml
from nst3d.stylize.schedule import Schedule, Stage


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"recipe": {"content": -1}}, "recipe: terms: content: weight is -1: expected a number from 0"),
        ({"recipe": {"gram": math.nan}}, "recipe: terms: gram: weight is nan"),
        ({"recipe": {"nnfm": math.inf}}, "recipe: terms: nnfm: weight is inf"),
        ({"recipe": {"style_scale": 0}}, "recipe.style_scale is 0: expected a number from 0.05 to 8"),
        ({"recipe": {"reduce": 0}}, "recipe.reduce is 0"),
        ({"recipe": {"reduce": 8}, "schedule": {"stages": [{"size": 64, "iterations": 1}]}}, "64"),
        (
            {"recipe": {"terms": {"gram": {"layers": "relu1_1"}}}},
            "terms: gram: layers is 'relu1_1': expected a list",
        ),
        ({"recipe": {"terms": {"grum": 1}}}, "'grum' is not known; did you mean 'gram'"),
        (
            {"recipe": {"terms": {"nnfm": {"agreed": 1}}}},
            "nnfm: setting 'agreed' is not known here; known are weight",
        ),
        (
            {"recipe": {"terms": {"nnfm": {"options": {"x": 1}}}}},
            "term nnfm has no option 'x'; its options are: ",
        ),
        ({"recipe": {"terms": {"gram": {"schedule": [[1, 1], [0, 1]]}}}}, "must increase within 0 to 1"),
        ({"recipe": {"terms": [1]}}, "expected a term as 'name: …, weight: …'"),
        ({"schedule": {"stages": []}}, "schedule.stages is empty"),
        ({"schedule": {"seed": -1}}, "schedule.seed"),
        ({"table": {"pyramid_levels": 0}}, "table.pyramid_levels is 0: expected a number from 1 to 16"),
        ({"rig": {"views": 0}}, "rig.views is 0"),
        ({"output": {"size": 0}}, "output.size is 0"),
        ({"output": {"background": [2, 0, 0]}}, "output.background[0] is 2: expected a number from 0 to 1"),
        ({"output": {"background": [1]}}, "here: setting output.background has 1 values: expected 3"),
        (
            {"output": {"formats": ["xyz"]}},
            "here: setting output.formats is 'xyz': choose glb, gltf, obj, ply, vox",
        ),
        ({"threads": -1}, "here: setting threads is -1"),
        ({"schedule": {"min_gain": math.inf}}, "schedule.min_gain is inf: expected a finite number"),
        (
            {"recipe": {"style_positions": 2.5}},
            "recipe: terms: nnfm: term nnfm: option style_positions is 2.5: expected a whole number or null",
        ),
        ({"threads": True}, "here: setting threads is True: expected a whole number"),
        ({"cache_gb": False}, "here: setting cache_gb is False: expected a number"),
        ({"photos": 1}, "here: setting photos is 1: expected true or false"),
        ({"device": 0}, "here: setting device is 0: expected text"),
        ({"start": "grey"}, "here: setting start is 'grey': choose content, noise"),
        ({"nerf": "new"}, "here: setting nerf is 'new': choose native, head, baked, null"),
        ({"recipe": 3}, "here: setting recipe is 3: expected settings as 'name: value'"),
        (
            {"recipe": {"gram_layers": "relu1_1"}},
            "recipe: terms: gram: layers is 'relu1_1': expected a list of layers",
        ),
        ({"schedule": {"stages": [{"size": 64}]}}, "schedule.stages[0] lacks iterations"),
        (
            {"recipe": {"grams": 1}},
            "here: setting recipe.grams is not known (did you mean terms?); known are encoder",
        ),
        ({"rig": {1: 2}}, "here: setting rig.1 is not known; known are views, max_views"),
        (
            {"displace": {"stages": [{"size": 64, "iterations": 1, "final": 1}]}},
            "here: setting displace.stages[0].final is not known (did you mean final_rate?); known are size",
        ),
    ],
)
def test_settings_that_make_no_sense(values: dict[str, Any], says: str) -> None:
    for stage in values.get("schedule", {}).get("stages", []):
        stage["learning_rate"] = 0.1
    with pytest.raises(ConfigError, match=re.escape(says)):
        override(PaintConfig(), values, "here")


def test_layers_are_not_missed_where_their_loss_is_off() -> None:
    recipe = override(PaintConfig(), {"recipe": {"terms": {"gram": {"weight": 0, "layers": []}}}}, "").recipe
    assert recipe.weight("gram") == 0


def test_views_have_a_largest_size() -> None:
    stage = {"size": 10_000, "iterations": 1, "learning_rate": 0.1}
    with pytest.raises(ConfigError, match=r"stages\[0\].size is 10000: expected a number from 16 to 8192"):
        override(PaintConfig(), {"schedule": {"stages": [stage]}}, "here")


def test_a_number_without_a_point_is_a_number(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("recipe: {terms: {content: 1e-3, gram: 2}}")
    recipe = override(PaintConfig(), preset(str(tmp_path / "a.yaml")), "a").recipe
    assert (recipe.weight("content"), recipe.weight("gram")) == (0.001, 2.0)


@pytest.mark.parametrize("text", ["x: 2020-99-99", "[" * 3000, "a: b: c", "\0", "!!python/name:os.system"])
def test_broken_yaml(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.yaml").write_text(text)
    with pytest.raises(InputError, match=r"a\.yaml: not valid YAML"):
        read_yaml(tmp_path / "a.yaml")


@pytest.mark.parametrize("name", ["abacus", "meta", "cuda:99"])
def test_devices_that_cannot_be_had(name: str) -> None:
    with pytest.raises(ConfigError, match="device"):
        resolve_device(name)


def test_a_job_takes_one_style_by_itself_and_needs_one(tmp_path: Path) -> None:
    assert Job("a.glb", "b.png", tmp_path).styles == (Path("b.png"),)  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="no style"):
        Job(Path("a.glb"), (), tmp_path)


def test_mappings_are_merged_and_lists_replaced() -> None:
    stages = [{"size": 64, "iterations": 5, "learning_rate": 1}]
    config = override(PaintConfig(), {"schedule": {"stages": stages, "patience": 3}, "up": "-z"}, "here")
    assert config == dataclasses.replace(
        PaintConfig(), schedule=Schedule((Stage(64, 5, 1.0),), patience=3), up="-z"
    )
    assert isinstance(config.schedule.stages[0].learning_rate, float)


def test_settings_of_older_files_are_read_and_said() -> None:
    said: list[str] = []
    values = {"recipe": {"gram": 3, "style_scale": 2}, "threads": 2}
    moved = override(PaintConfig(), values, "old.yaml", said.append)
    assert (moved.recipe.weight("gram"), moved.recipe.style_scale, moved.threads) == (3.0, 2.0, 2)
    assert said == ["old.yaml: recipe: gram are settings of an older version; reading them as terms"]
    override(PaintConfig(), {"recipe": {"style_scale": 2}}, "new.yaml", said.append)
    assert len(said) == 1
    assert values == {"recipe": {"gram": 3, "style_scale": 2}, "threads": 2}


@pytest.mark.parametrize("text", ["1e-7", "-1E+3", "2e5", "1.5", "3"])
def test_numbers_of_all_spellings(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.yaml").write_text(f"schedule: {{min_gain: {text}}}")
    assert load_preset(str(tmp_path / "a.yaml")).schedule.min_gain == float(text)


def test_errors_name_the_file(tmp_path: Path) -> None:
    path = tmp_path / "own.yaml"
    path.write_text("recipe: {gram: much}")
    with pytest.raises(
        ConfigError, match=r"own\.yaml: recipe: terms: gram: weight is 'much': expected a number$"
    ):
        load_preset(str(path))
