"""A direction as data and as a file: what it means, what config.yaml keeps, and what is wrong in which line."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import yaml

from nst3d.errors import ConfigError, InputError
from nst3d.images.colour import luminance
from nst3d.images.grade import Grade
from nst3d.images.io import write_image
from nst3d.pipeline.runtime.events import Events
from nst3d.pipeline.settings.direction import Direction, PaintEntry, StyleEntry, named_pictures
from nst3d.pipeline.settings.direction_file import read_direction
from nst3d.pipeline.settings.gradient import Gradient
from nst3d.pipeline.settings.resources import resource
from nst3d.pipeline.styles import read_coats
from nst3d.stylize.recipe import Recipe

WHOLE = """\
styles:
  night: night.png
  wave: {images: [wave.png, night.png], weight: 2, scale: 1.5}
regions:
  roof: material:roof
  sky: mask:sky.png
  lamp: material:lamp
  door: material:door
paint:
  - {region: sky, keep: true}
  - region: roof
    style: {night: 1, wave: 3}
    strength: 0.5
    stroke: 2
    terms: {gram: 2, content: {weight: 0.4}}
  - region: box:0,0,0,1,1,1
    gradient: {from: wave, to: {night: 2, wave: 1}, along: -z, steps: 3}
  - {region: lamp, style: night, match: 4}
  - {region: door, match: auto}
  - style: wave.png
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for number, name in enumerate(("night", "wave", "sky")):
        write_image(tmp_path / f"{name}.png", np.random.default_rng(number).random((20, 24, 3)))
    return tmp_path


def written(folder: Path, text: str) -> Path:
    (folder / "look.yaml").write_text(text)
    return folder / "look.yaml"


def test_a_whole_direction(folder) -> None:
    found = read_direction(written(folder, WHOLE))
    assert found.styles["wave"] == StyleEntry((folder / "wave.png", folder / "night.png"), 2.0, 1.5)
    assert found.selector("roof") == "material:roof"
    assert found.selector("sky") == f'mask:"{folder / "sky.png"}"'
    assert found.paint[0] == PaintEntry("sky", keep=True)
    assert found.paint[1].style == {"night": 1, "wave": 3}
    assert found.paint[2].gradient == Gradient({"wave": 1.0}, {"night": 2.0, "wave": 1.0}, "-z", 3)
    assert found.paint[3:5] == (PaintEntry("lamp", {"night": 1.0}, match=4), PaintEntry("door", match="auto"))
    assert list(found.paint[5].style) == ["wave.png"]
    assert found.styles["wave.png"].images == (folder / "wave.png",)


def test_what_config_yaml_keeps_is_the_same_direction(folder) -> None:
    found = read_direction(written(folder, WHOLE))
    (folder / "out").mkdir()
    (folder / "out" / "config.yaml").write_text(
        yaml.safe_dump({"scene": "a.glb", "direction": found.plain()})
    )
    assert read_direction(folder / "out" / "config.yaml") == found


def test_a_direction_of_relative_paths_is_used_again_from_anywhere(folder, monkeypatch) -> None:
    monkeypatch.chdir(folder)
    plain = Direction.of(named_pictures([Path("night.png")])).plain()
    (folder / "out").mkdir()
    (folder / "out" / "config.yaml").write_text(yaml.safe_dump({"direction": plain}))
    monkeypatch.chdir(folder / "out")
    assert read_direction("config.yaml").styles["night"].images == (folder / "night.png",)


def test_its_coats(folder) -> None:
    kept, roof, *bands, lamp, door, rest = read_coats(
        read_direction(written(folder, WHOLE)), Recipe(), Events()
    )
    assert (kept.region, list(kept.styles)) == ("sky", [])
    assert [(s.name, s.weight, s.scale, len(s.images)) for s in roof.styles] == [
        ("night", 1, 2, 1),
        ("wave", 6, 3, 2),
    ]
    assert (roof.selector, roof.strength, roof.changes["gram"]) == ("material:roof", 0.5, 2)
    assert rest.region is None
    assert [[(s.name, s.weight) for s in band.styles] for band in bands] == [
        [("wave", 2)],
        [("wave", pytest.approx(4 / 3)), ("night", pytest.approx(1 / 3))],
        [("wave", pytest.approx(2 / 3)), ("night", pytest.approx(2 / 3))],
    ]
    assert bands[0].selector == "(box:0,0,0,1,1,1) and ramp:z:0.583333..0.75"
    assert bands[-1].region == "box:0,0,0,1,1,1"
    assert [style.name for style in lamp.styles] == ["night"]
    assert [style.name for style in door.styles] == ["night", "wave", "wave.png"]


def test_what_of_a_style_counts(folder) -> None:
    text = "styles: {a: {images: night.png, detail: coarse}, b: {images: wave.png, detail: fine}}"
    found = read_direction(written(folder, text))
    assert found.styles["a"].plain()["detail"] == "coarse"
    (coat,) = read_coats(found, Recipe(), Events())
    assert [style.detail for style in coat.styles] == ["coarse", "fine"]
    with pytest.raises(ConfigError, match=r"look\.yaml:1: styles\.a.*detail.*coarse"):
        read_direction(written(folder, "styles: {a: {images: night.png, detail: big}}"))


def test_styles_alone_are_mixed_everywhere(folder) -> None:
    (entry,) = read_direction(written(folder, "styles: {night: night.png, wave: wave.png}")).entries
    assert entry == PaintEntry(style={"night": 1.0, "wave": 1.0})


def test_a_weight_of_zero_leaves_a_style_out(folder) -> None:
    text = "styles: {a: night.png, b: wave.png}\npaint: [{style: {a: 1, b: 0}}]"
    (coat,) = read_coats(read_direction(written(folder, text)), Recipe(), Events())
    assert [style.name for style in coat.styles] == ["a"]


def test_a_recipe_weakens_all_coats_and_grades_their_styles(folder) -> None:
    text = "styles: {a: night.png}\npaint: [{region: 'box:0,0,0,1,1,1', style: a, strength: 0.5}, {style: a}]"
    direction = read_direction(written(folder, text))
    plain = read_coats(direction, Recipe(), Events())
    recipe = Recipe(strength=0.4, grade=Grade(saturation=0.0, brightness=0.1))
    roof, rest = read_coats(direction, recipe, Events())
    assert [roof.strength, rest.strength] == [pytest.approx(0.2), 0.4]
    grey, own = rest.styles[0].images[0], plain[1].styles[0].images[0]
    np.testing.assert_allclose(grey, grey[..., :1].expand(-1, -1, 3), atol=1e-6)
    np.testing.assert_allclose(grey[..., :1], (luminance(own) + 0.1).clamp(max=1), atol=1e-6)


def test_pictures_of_one_name_are_two_styles() -> None:
    found = Direction.of(
        named_pictures([Path("a/wave.png"), Path("b/wave.png")]), "material:roof", stroke=2.0
    )
    assert found.plain()["paint"][0]["stroke"] == 2
    assert list(found.styles) == ["wave", "wave 2"]
    assert found.entries[0].region == "material:roof"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("styles: {a: night.png}\npiant: []", r"look\.yaml:2: piant is not known \(did you mean paint\?\)"),
        (
            "styles: {a: night.png}\npaint:\n  - style: a\n    regoin: x",
            r"look\.yaml:4: paint\[0\]\.regoin is not known \(did you mean region\?\); known are region, style",
        ),
        (
            "styles: {a: {image: night.png}}",
            r"look\.yaml:1: styles\.a\.image is not known \(did you mean images\?\)",
        ),
        ("styles: {a: 3}", r"look\.yaml:1: styles\.a is 3: expected a picture"),
        (
            "styles: {a: {images: [night.png], scale: 90}}",
            r":1: styles\.a: scale is 90: expected a number from 0\.05 to 20",
        ),
        ("regions: {a: material:b}", "no style is given"),
        ("styles: {a: night.png,\n a: wave.png}", r":2: styles\.a is given twice, first in line 1"),
        (
            "styles: {on: night.png}",
            r":1: styles is .*: expected 'name: \.\.\.', names such as on, no or 1 in quotes",
        ),
        (
            "styles: {a: night.png}\npaint: [{region: r, keep: true, stroke: 2}, {style: a}]",
            r":2: paint\[0\]: it keeps its colours: leave out strength",
        ),
        (
            "styles: {a: night.png}\npaint: [{style: b}]",
            r":2: paint\[0\]\.style: 'b' is not among the styles: a",
        ),
        (
            "styles: {a: night.png}\npaint: [{region: r}]",
            r":2: paint\[0\]: it has no style: give style, or keep: true",
        ),
        (
            "styles: {a: night.png}\npaint: [{keep: true, style: a}]",
            r":2: paint\[0\]: it has a style and keeps",
        ),
        ("styles: {a: night.png}\npaint: [{keep: true}]", r":2: paint: nothing is painted"),
        (
            "styles: {a: night.png}\npaint: [{style: {a: 0}}]",
            r":2: paint\[0\]: all weights of its styles are 0",
        ),
        (
            "styles: {a: night.png}\npaint: [{style: {a: -1}}]",
            r":2: paint\[0\]: style 'a' is -1: expected a number from 0",
        ),
        (
            "styles: {a: night.png}\npaint: [{style: a, strength: 2}]",
            r":2: paint\[0\]: strength is 2: expected a number from 0 to 1",
        ),
        (
            "styles: {a: night.png}\npaint:\n  - gradient: {from: a, to: b}",
            r":3: paint\[0\]\.gradient\.to: 'b' is not among the styles: a",
        ),
        (
            "styles: {a: night.png}\npaint:\n  - gradient:\n      from: a\n      to: a\n      steps: 1",
            r":6: paint\[0\]\.gradient: steps is 1: expected a number from 2 to 16",
        ),
        (
            "styles: {a: night.png}\npaint: [{gradient: {from: a, to: a, along: w}}]",
            r":2: paint\[0\]\.gradient: along is 'w': expected x, y, z",
        ),
        (
            "styles: {a: night.png}\npaint: [{gradient: {from: {a: 0}, to: a}}]",
            r":2: paint\[0\]\.gradient: from has no style with a weight above 0",
        ),
        (
            "styles: {a: night.png}\npaint: [{gradient: {from: a}}]",
            r":2: paint\[0\]\.gradient is .*: expected 'from: style, to: style, along: y'",
        ),
        (
            "styles: {a: night.png}\npaint: [{gradient: {from: a, to: a, stepps: 3}}]",
            r":2: paint\[0\]\.gradient\.stepps is not known \(did you mean steps\?\)",
        ),
        (
            "styles: {a: night.png}\npaint: [{style: a, gradient: {from: a, to: a}}]",
            r":2: paint\[0\]: gradient says which styles it has: leave out style and match",
        ),
        (
            "styles: {a: night.png}\npaint: [{style: a, match: 7}]",
            r":2: paint\[0\]: match is 7: expected a number from 2 to 6",
        ),
        (
            "styles: {a: night.png}\npaint: [{style: a, match: many}]",
            r":2: paint\[0\]: match is 'many': expected ",
        ),
        ("styles: {a: night.png}\npaint: {style: a}", r":2: paint is .*: expected a list"),
        ("styles: {a: night.png}\nregions: {r: 3}", r":2: regions\.r is 3: expected a selector"),
        (
            "styles: {a: night.png}\nregions:\n  r: roof\n",
            r":3: regions\.r: region 'roof': expected a selector such as material:roof",
        ),
        (
            "styles: {a: night.png}\nregions: {roof: material:roof}\npaint:\n  - style: a\n    region: rof",
            r":5: paint\[0\]\.region: 'rof' is not among the regions; did you mean roof\?",
        ),
        (
            "styles: {a: night.png}\npaint:\n  - style: a\n    region: material:roof and",
            r":4: paint\[0\]\.region: region 'material:roof and': ",
        ),
        (
            "styles: {a: night.png}\npaint:\n  - style: a\n    terms:\n      nnfm: 1\n      gramm: 2",
            r":6: paint\[0\]\.terms: gramm: loss or guide 'gramm' is not known; did you mean 'gram'",
        ),
        (
            "styles: {a: night.png}\npaint:\n  - style: a\n    terms:\n      gram: {wait: 2}",
            r":5: paint\[0\]\.terms: gram: setting 'wait' is not known here",
        ),
        (
            "styles: {a: night.png}\npaint:\n  - style: a\n    terms:\n      gram:\n        weight: -1",
            r":6: paint\[0\]\.terms: gram: weight is -1: expected a number from 0",
        ),
        (
            "styles: {a: night.png}\npaint:\n  - style: a\n  - {region: material:roof, style: a}",
            r":4: paint\[1\]: nothing is left for it, as paint\[0\] has no region",
        ),
    ],
)
def test_what_a_direction_cannot_have_is_named_with_its_line(folder, text, says) -> None:
    with pytest.raises(ConfigError, match=says) as error:
        read_direction(written(folder, text))
    assert "\n" not in str(error.value)


def test_a_region_remembers_its_line_but_files_do_not_have_it(folder) -> None:
    path = written(folder, WHOLE)
    found = read_direction(path)
    lines = [int(entry.origin.removeprefix(f"{path}:")) for entry in found.paint]
    text = WHOLE.splitlines()
    assert [text[line - 1].split(":")[0].strip() for line in lines[:2]] == ["sky", "roof"]
    assert "box:0" in text[lines[2] - 1]
    assert "wave.png" in text[lines[-1] - 1]
    assert "origin" not in str(found.plain())
    with pytest.raises(ConfigError, match=r"paint\[0\]\.origin is not known"):
        read_direction(written(folder, "styles: {a: night.png}\npaint: [{style: a, origin: here}]"))


def test_a_file_that_is_none(folder) -> None:
    with pytest.raises(InputError, match=r"look\.yaml: not valid YAML"):
        read_direction(written(folder, "styles: [a"))
    with pytest.raises(InputError, match=r"none\.yaml: no such file"):
        read_direction(folder / "none.yaml")


def test_editors_are_told_the_same_keys() -> None:
    schema = json.loads((resource("configs") / "direction.schema.json").read_text())
    assert set(schema["properties"]) == {"styles", "regions", "paint"}
    entry = schema["$defs"]["entry"]["properties"]
    assert set(entry) == {"region", "style", "gradient", "match", "keep", "strength", "stroke", "terms"}
    assert set(schema["$defs"]["gradient"]["properties"]) == {"from", "to", "along", "steps"}
    style = schema["$defs"]["style"]["properties"]
    assert set(style) == {"images", "weight", "scale", "detail", "text", "avoid", "sound"}
    assert schema["additionalProperties"] is schema["$defs"]["entry"]["additionalProperties"] is False
