"""The settings as a whole: documented, bounded, and the presets that ship with nst3d."""

from __future__ import annotations

import ast
import dataclasses
import inspect
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numba
import pytest
import torch
import yaml

from nst3d.bounds import bounded_fields
from nst3d.features.kinds import ENCODERS
from nst3d.features.layers import conv_shape, layer_names
from nst3d.features.vgg import VGG
from nst3d.pipeline.jobs.export import SightOptions
from nst3d.pipeline.runtime.machine import use_threads
from nst3d.pipeline.settings.config import PaintConfig, load_preset, preset
from nst3d.pipeline.settings.overrides import as_plain, override
from nst3d.pipeline.settings.reconstruct import ReconstructConfig
from nst3d.reconstruct.options import Level
from nst3d.stylize.coat import Coat
from nst3d.stylize.feature_guide import Viewing
from nst3d.stylize.look import Look
from nst3d.stylize.schedule import Stage
from nst3d.stylize.stage_guide import StageInputs, build_guide
from nst3d.stylize.stage_scene import StageScene
from nst3d.stylize.style import Style
from nst3d.stylize.terms import Term

CONFIGS = sorted((Path(__file__).resolve().parents[3] / "configs").glob("*.yaml"))
NAMES = ["default", *(path.stem for path in CONFIGS)]


def settings(config: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Names and values of all settings, those of nested groups too."""
    for field in dataclasses.fields(config):
        value = getattr(config, field.name)
        if dataclasses.is_dataclass(value):
            yield from settings(value, f"{prefix}{field.name}.")
        else:
            yield f"{prefix}{field.name}", value


def kinds() -> list[type]:
    config = PaintConfig()
    groups = [getattr(config, f.name) for f in dataclasses.fields(config)]
    return [PaintConfig, Stage, *(type(g) for g in groups if dataclasses.is_dataclass(g))]


@pytest.mark.parametrize("kind", kinds(), ids=lambda kind: kind.__name__)
def test_every_setting_is_documented(kind: type) -> None:
    (tree,) = ast.parse(inspect.getsource(kind)).body
    assert isinstance(tree, ast.ClassDef)
    following = [*tree.body[1:], ast.Pass()]
    for node, after in zip(tree.body, following):
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            nested = isinstance(node.annotation, ast.Name) and node.annotation.id in {
                k.__name__ for k in kinds()
            }
            text = isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant)
            assert nested or text, f"{kind.__name__}.{node.target.id} has no docstring"


def test_every_number_has_limits() -> None:
    numbers = {
        n for n, v in settings(PaintConfig()) if isinstance(v, int | float) and not isinstance(v, bool)
    }
    bounded = {name for name, _ in bounded_fields(PaintConfig())}
    assert numbers <= bounded <= {name for name, _ in settings(PaintConfig())}


@pytest.mark.parametrize("part", [ReconstructConfig(), Level(8, 1), Stage(16, 1, 0.1), SightOptions()])
def test_every_number_of_other_jobs_has_limits(part: Any) -> None:
    numbers = {n for n, v in settings(part) if isinstance(v, int | float) and not isinstance(v, bool)}
    assert numbers <= {name for name, _ in bounded_fields(part)}


def test_a_configuration_survives_yaml() -> None:
    config = override(PaintConfig(), preset("arf"), "arf")
    plain = yaml.safe_load(yaml.safe_dump(as_plain(config)))
    assert override(PaintConfig(), plain, "config.yaml") == config


def test_the_settings_of_a_run_are_a_preset(tmp_path: Path) -> None:
    values = {"scene": "a.glb", "styles": ["b.jpg"], "settings": {"recipe": {"gram": 3.0}}}
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(values))
    assert preset(str(tmp_path / "config.yaml")) == {"recipe": {"gram": 3.0}}


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_presets_hold_what_differs_and_say_what_for(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.startswith("# ")
    usual = dict(settings(PaintConfig()))
    changed = {n for n, v in settings(override(PaintConfig(), preset(path.stem), path.stem)) if v != usual[n]}
    assert changed


def test_gatys_is_the_paper_s_but_for_how_it_gets_there() -> None:
    quick, paper = load_preset("gatys"), load_preset("gatys-paper")
    assert [(stage.size, stage.learning_rate) for stage in paper.schedule.stages] == [(512, 1.0)]
    assert paper.precision == "float32"
    half, full = quick.schedule.stages
    assert (half.size, full.size) == (256, 512)
    cost = full.iterations + half.iterations / 4  # in passes at the final size
    assert cost < paper.schedule.total
    assert replace(quick, schedule=paper.schedule, precision=paper.precision) == paper


@pytest.fixture(scope="module")
def encoders() -> dict[str, VGG]:
    """Every architecture, with seeded random weights."""
    made = {}
    for architecture in ("vgg16", "vgg19"):
        generator = torch.Generator().manual_seed(3)
        convs = {}
        for layer in layer_names(architecture):
            if layer.startswith("conv"):
                out, inside = conv_shape(layer)
                weight = torch.empty(out, inside, 3, 3).uniform_(-1, 1, generator=generator)
                convs[layer] = weight / (3 * inside) ** 0.5, torch.zeros(out)
        made[architecture] = VGG(architecture, convs, ENCODERS["vgg19"].normalisation)
    return made


@pytest.mark.parametrize("name", NAMES)
def test_the_recipe_of_every_preset_builds_and_judges(name: str, encoders: dict[str, VGG]) -> None:
    recipe = override(PaintConfig(), preset(name), name).recipe
    image = torch.rand(3, 64, 64, generator=torch.Generator().manual_seed(0))
    for encoder in filter(None, (recipe.encoder, recipe.fallback_encoder)):
        style = Style((image.flip(1).permute(1, 2, 0),))
        scene = StageScene(1, content=lambda view: image.flip(2))
        inputs = StageInputs([Coat([style])], scene, 64, Viewing(torch.zeros(3), reduce=recipe.reduce))
        guide = build_guide(recipe, encoders[ENCODERS[encoder].architecture], inputs)
        loss, parts = guide.judge(Look(image, torch.ones(64, 64)))
        assert torch.isfinite(loss)
        wanted = {
            n
            for n in ("content", "excess", "grain", "gram", "moments", "nnfm", "variation")
            if recipe.weight(n)
        }
        assert {n for n, value in parts.items() if value > 0} == wanted


def test_settings_of_version_0_1_still_load() -> None:
    """The ARF preset as it was: what were fields are terms now."""
    old = {
        "encoder": "vgg16-torchvision", "normalise": "mean", "content": 0.005, "content_forward_facing": 0.001,
        "content_layers": ["relu3_1", "relu3_2"], "gram": 0.0, "nnfm": 1.0, "nnfm_layers": ["relu3_1", "relu3_2"],
        "nnfm_concatenate": True, "style_positions": None, "consistency": 0.0, "agree": 0.0, "moments": 0.0,
        "moments_layers": ["relu1_1"], "palette_after": 1.0,
    }  # fmt: skip
    recipe = override(PaintConfig(), {"recipe": old}, "old").recipe
    terms = {term.name: term for term in recipe.terms}
    assert terms["content"] == Term("content", 0.005, ("relu3_1", "relu3_2"), {"forward_facing": 0.001})
    found = terms["nnfm"]
    assert (found.weight, found.layers) == (1.0, ("relu3_1", "relu3_2"))
    assert found.options == {"concatenate": True, "style_positions": None, "agree": 0.0}
    assert {name for name, term in terms.items() if term.weight} == {"content", "nnfm", "variation"}
    assert recipe.palette_after == 1.0
    assert recipe.weight("grain") == recipe.weight("excess") == 0  # that version had neither


def test_a_run_s_own_terms_come_back_as_they_were() -> None:
    recipe = PaintConfig().recipe.with_terms(
        {"gram": {"weight": 0.3, "layers": ["relu1_1"], "schedule": [[0, 1], [1, 0.5]]}, "moments": 2}
    )
    config = dataclasses.replace(PaintConfig(), recipe=recipe)
    again = override(PaintConfig(), as_plain(config), "config.yaml")
    assert again == config


def test_threads_bind_torch_and_numba() -> None:
    threads = torch.get_num_threads()
    numba.get_num_threads()  # starts its threads, which sets torch's number, too, where both use OpenMP
    torch.set_num_threads(threads)
    before = threads, numba.get_num_threads()
    try:
        use_threads(0)
        assert (torch.get_num_threads(), numba.get_num_threads()) == before
        use_threads(1)
        assert (torch.get_num_threads(), numba.get_num_threads()) == (1, 1)
        use_threads(100_000)  # more than there are
        assert numba.get_num_threads() == numba.config.NUMBA_NUM_THREADS
    finally:
        torch.set_num_threads(before[0])
        numba.set_num_threads(before[1])
