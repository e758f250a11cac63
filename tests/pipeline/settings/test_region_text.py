"""The words that choose a region."""

from __future__ import annotations

import pytest

from nst3d.errors import ConfigError
from nst3d.pipeline.settings.region_text import (
    Feathered,
    Joined,
    Outside,
    Selector,
    parse_region,
    quoted,
    selectors_in,
)

ROOF, DOOR, WALL = Selector("material", "roof"), Selector("node", "door"), Selector("material", "wall")


@pytest.mark.parametrize(
    ("text", "region"),
    [
        ("material:roof", ROOF),
        ("  Material : roof ", ROOF),
        ("not material:roof", Outside(ROOF)),
        ("not not material:roof", Outside(Outside(ROOF))),
        (
            "material:roof or node:door and material:wall",
            Joined("or", (ROOF, Joined("and", (DOOR, WALL)))),
        ),
        ("(material:roof or node:door) and material:wall", Joined("and", (Joined("or", (ROOF, DOOR)), WALL))),
        ("not material:roof and node:door", Joined("and", (Outside(ROOF), DOOR))),
        ("material:roof or node:door feather 8px", Feathered(Joined("or", (ROOF, DOOR)), 8.0, True)),
        ("material:roof or (node:door feather .05)", Joined("or", (ROOF, Feathered(DOOR, 0.05, False)))),
        ("MATERIAL:roof AND node:door", Joined("and", (ROOF, DOOR))),
        ("material:red roof", Selector("material", "red roof")),
        ("material:Glass (1)", Selector("material", "Glass (1)")),
        ("(material:Glass (1))", Selector("material", "Glass (1)")),
        ('material:"black and white"', Selector("material", "black and white")),
        ("material:'a \"b\" or c'", Selector("material", 'a "b" or c')),
        ("material:sand", Selector("material", "sand")),
        ("views:C:\\masks\\and", Selector("views", "C:\\masks\\and")),
        ("axis:y:0.2..0.8", Selector("axis", "y:0.2..0.8")),
        ("colour:#c03020±0.1", Selector("colour", "#c03020±0.1")),
    ],
)
def test_what_is_read(text, region) -> None:
    assert parse_region(text) == region


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "expected a selector such as material:roof, but it ends"),
        ("roof", "expected a selector such as material:roof, not 'roof'"),
        ("material:", "material: is followed by nothing"),
        ("material:roof and", "but it ends"),
        ("material:roof or or node:door", "not 'or node:door'"),
        ("(material:roof", "a parenthesis is not closed"),
        ("material:roof)", r"'\)' is not understood; expected and, or, or feather"),
        ("material:black and white", "not 'white'; names with and, or: in quotes"),
        ("material:roof feather", r"expected a width after feather: 8px \(pixels\), or 0.05"),
        ("material:roof feather wide", "expected a width after feather"),
        ("material:roof feather -1px", "expected a width after feather"),
        ('material:"roof" node:door', "'node:door' is not understood"),
        ("not " * 60 + "material:roof", "more than 50 parentheses or nots"),
        ("(" * 60 + "material:roof" + ")" * 60, "more than 50 parentheses or nots"),
    ],
)
def test_what_is_not_read(text, says) -> None:
    with pytest.raises(ConfigError, match=says) as error:
        parse_region(text)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "name", ["roof", "red roof", "black and white", "a)", 'say "or"', "Glass (1)", " x "]
)
def test_a_name_is_read_as_it_is_quoted(name) -> None:
    assert parse_region(f"not material:{quoted(name)} and node:door") == Joined(
        "and", (Outside(Selector("material", name)), DOOR)
    )


def test_all_selectors_are_found_in_order() -> None:
    region = parse_region("not (material:roof or node:door) and material:wall feather 2px")
    assert list(selectors_in(region)) == [ROOF, DOOR, WALL]
    assert str(ROOF) == "material:roof"
