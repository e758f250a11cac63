"""Gradients of styles: bands, their mixes and their borders, and what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from nst3d import Gradient
from nst3d.errors import ConfigError
from nst3d.pipeline.kinds.regions import Selectors, coated_regions
from nst3d.pipeline.kinds.selectors.places import place_selectors
from nst3d.pipeline.settings.direction import Direction, PaintEntry, StyleEntry
from nst3d.stylize.coat import Coat
from nst3d.stylize.style import Style
from nst3d.tensors import Image

STYLES = {name: StyleEntry((Path(f"{name}.png"),)) for name in ("wave", "night")}
PLACES = np.random.default_rng(0).uniform(0, 2, (900, 3))
PLAIN = Style((Image(torch.zeros(16, 16, 3)),))


def gradient(**given) -> Gradient:
    return Gradient({"wave": 2.0}, {"night": 1.0}, **given)


def bands(entry: PaintEntry) -> tuple[Direction, list[torch.Tensor]]:
    """The direction with bands, and the weights of each of them in a cube."""
    found = Direction(STYLES, {"left": "axis:x:..0.5"}, (entry,)).expanded
    coats = [
        Coat([PLAIN], e.region, None if e.region is None else found.selector(e.region)) for e in found.paint
    ]
    selectors = Selectors(place_selectors(lambda: PLACES), lambda: PLACES, lambda: 0.01)
    regions = coated_regions(coats, selectors, len(PLACES))
    return found, [regions.columns[coat.name] for coat in coats]


def test_the_styles_change_in_equal_steps_and_the_ends_are_pure() -> None:
    assert gradient(steps=3).mixes() == [{"wave": 1.0}, {"wave": 0.5, "night": 0.5}, {"night": 1.0}]
    both = Gradient({"wave": 1.0, "night": 3.0}, {"night": 5.0}, steps=2).mixes()
    assert both == [{"wave": 0.25, "night": 0.75}, {"night": 1.0}]


def test_the_ends_are_painted_like_the_styles_alone() -> None:
    entry = PaintEntry(gradient=gradient(steps=4), strength=0.5, stroke=2.0, terms={"gram": 3})
    first, *_, last = bands(entry)[0].paint
    for end, style in ((first, "wave"), (last, "night")):
        assert end == PaintEntry(end.region, {style: 1.0}, strength=0.5, stroke=2.0, terms={"gram": 3})


@pytest.mark.parametrize("along", ["x", "-z", "0,0,0 -> 2,2,2"])
def test_bands_add_up_to_one_in_each_row_and_follow_the_axis(along) -> None:
    _, columns = bands(PaintEntry(gradient=gradient(along=along)))
    torch.testing.assert_close(sum(columns), torch.ones(len(PLACES), 1))
    assert all(float(((c > 0) & (c < 1)).float().mean()) > 0.004 for c in columns)  # soft
    way = PLACES.sum(1) if "->" in along else PLACES[:, "xyz".index(along[-1])]
    way = -way if along.startswith("-") else way
    middles = [float((column[:, 0].numpy() * way).sum() / column.sum()) for column in columns]
    assert middles == sorted(middles)


def test_within_a_region_bands_are_that_region() -> None:
    found, columns = bands(PaintEntry("left", gradient=gradient(steps=3)))
    left = torch.from_numpy(PLACES[:, :1] <= PLACES[:, 0].mean() - 0.1).float()
    total = sum(columns)
    assert torch.equal(total[left > 0], torch.ones_like(total[left > 0]))
    assert not total[PLACES[:, 0] > 1.1].any()
    assert [e.region for e in found.paint] == ["gradient 1 band 1", "gradient 1 band 2", "left"]


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"along": "w"}, r"along is 'w': expected x, y, z, -x, -y, -z, or two different points"),
        ({"along": "0,0,0 -> 0,0,0"}, "two different points"),
        ({"along": "0,0 -> 1,1,1"}, "two different points"),
        ({"along": "0,0,0 -> 1,1,inf"}, "two different points"),
        ({"steps": 1}, "steps is 1: expected a number from 2 to 16"),
        ({"steps": 17}, "steps is 17: expected a number from 2 to 16"),
    ],
)
def test_what_a_gradient_cannot_have(given, says) -> None:
    with pytest.raises(ConfigError, match=says):
        gradient(**given)


def test_ends_without_weight() -> None:
    with pytest.raises(ConfigError, match="to has no style with a weight above 0"):
        Gradient({"wave": 1.0}, {"night": 0.0})
    with pytest.raises(ConfigError, match="from 'wave' is -1: expected a number from 0"):
        Gradient({"wave": -1.0}, {"night": 1.0})
