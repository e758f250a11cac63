"""Settings: what numbers and YAML files can hold, and how wrong ones are told."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

from nst3d.errors import ConfigError, InputError
from nst3d.pipeline.jobs.paint_options import Job
from nst3d.pipeline.runtime.machine import resolve_device
from nst3d.pipeline.settings.config import PaintConfig, override, preset, read_yaml


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
        ({"recipe": {"terms": {"gram": {"schedule": [[1, 1], [0, 1]]}}}}, "must rise from 0 to 1"),
        ({"recipe": {"terms": [1]}}, "expected a term as 'name: …, weight: …'"),
        ({"schedule": {"stages": []}}, "schedule.stages is empty"),
        ({"schedule": {"seed": -1}}, "schedule.seed"),
        ({"table": {"pyramid_levels": 0}}, "table.pyramid_levels is 0: expected a number from 1 to 16"),
        ({"rig": {"views": 0}}, "rig.views is 0"),
        ({"output": {"size": 0}}, "output.size is 0"),
        ({"output": {"background": [2, 0, 0]}}, "output.background is 2"),
        ({"output": {"background": [1]}}, "background has 1 values: expected 3"),
        ({"output": {"formats": ["xyz"]}}, "formats is 'xyz': choose glb, gltf, obj, ply"),
        ({"threads": -1}, "threads is -1"),
    ],
)
def test_settings_that_make_no_sense(values: dict[str, Any], says: str) -> None:
    for stage in values.get("schedule", {}).get("stages", []):
        stage["learning_rate"] = 0.1
    with pytest.raises(ConfigError, match=says.replace(".", r"\.")):
        override(PaintConfig(), values, "here")


def test_layers_are_not_missed_where_their_loss_is_off() -> None:
    recipe = override(PaintConfig(), {"recipe": {"terms": {"gram": {"weight": 0, "layers": []}}}}, "").recipe
    assert recipe.weight("gram") == 0


def test_views_have_a_largest_size() -> None:
    stage = {"size": 10_000, "iterations": 1, "learning_rate": 0.1}
    with pytest.raises(ConfigError, match="--size 10000: views have at most 8192"):
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
