"""Looks: presets on top of others, which change how a painting looks and nothing else."""

from __future__ import annotations

import itertools

import pytest

from nst3d.cli.main import main
from nst3d.errors import ConfigError
from nst3d.pipeline.settings.config import PaintConfig, load_preset, looks_of, with_preset
from nst3d.pipeline.settings.resources import resource

LOOKS = sorted(path.stem for path in (resource("configs") / "looks").glob("*.yaml"))


def test_there_are_twelve_and_no_two_are_alike() -> None:
    assert len(LOOKS) >= 12
    recipes = {name: load_preset(name).recipe for name in LOOKS}
    assert all(one != other for one, other in itertools.combinations(recipes.values(), 2))
    assert PaintConfig().recipe not in recipes.values()


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("preset", ["default", "capture", "quick", "picture"])
def test_a_look_changes_the_recipe_alone(look, preset) -> None:
    base = load_preset(preset)
    changed = with_preset(base, look)
    assert changed.recipe != base.recipe
    assert (changed.schedule, changed.rig, changed.table) == (base.schedule, base.rig, base.table)


def test_names_with_commas() -> None:
    assert looks_of("quick") == ("quick", [])
    assert looks_of("impasto") == ("default", ["impasto"])
    assert looks_of("quick,impasto, glaze") == ("quick", ["impasto", "glaze"])
    assert looks_of("my,own.yaml") == ("my,own.yaml", [])
    with pytest.raises(ConfigError, match="presets quick and fine do not add up"):
        looks_of("quick,fine")


def test_the_command_knows_them(capsys) -> None:
    command = ["paint", "a.glb", "--style", "b.jpg", "--out", "c", "--preset", "quick,impast"]
    assert main(command) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert "presets quick and impast do not add up" in line
    assert main([*command[:-1], "impast"]) == 1
    assert "choose one of default, " in (line := capsys.readouterr().err)
    assert "impasto" in line


def test_a_look_without_steps_is_refused(capsys) -> None:
    command = [
        "paint",
        "a.glb",
        "--style",
        "b.jpg",
        "--out",
        "c",
        "--method",
        "instant",
        "--preset",
        "impasto",
    ]
    assert main(command) == 1
    assert "--method instant takes no steps, in which a look (impasto) is painted" in capsys.readouterr().err
