"""Parts of a scene matched to parts of styles."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F

from nst3d.errors import ConfigError
from nst3d.images.io import write_image
from nst3d.pipeline.kinds.matching import StyleParts, assigned, matched, style_parts
from nst3d.pipeline.kinds.picture.subject import PictureSubject
from nst3d.pipeline.settings.config import PaintConfig
from nst3d.stylize.coat import Coat
from nst3d.stylize.schedule import Schedule, Stage
from nst3d.stylize.style import Style
from nst3d.tensors import Image

RED, GREEN, BLUE = (0.9, 0.1, 0.1), (0.1, 0.8, 0.1), (0.1, 0.1, 0.9)


class MeanColours:
    """An encoder whose features are the mean colours of tiles of 8 × 8 pixels."""

    def __call__(self, image, layers):
        return {layer: F.avg_pool2d(image[None], 8)[0] for layer in layers}

    def stride(self, layer):
        return 8


def stripes(*colours: tuple[float, float, float], widths: tuple[int, ...] = (48, 32, 16)) -> Image:
    """A picture (48, 96, 3) of upright stripes."""
    columns = [torch.tensor(c).expand(48, w, 3) for c, w in zip(colours, widths)]
    return Image(torch.cat(columns, dim=1).contiguous())


@pytest.fixture
def scene(tmp_path, monkeypatch) -> PictureSubject:
    """A picture of a wide red, a green and a narrow blue stripe."""
    write_image(tmp_path / "scene.png", stripes(RED, GREEN, BLUE))
    monkeypatch.setattr(PictureSubject, "_encoder", lambda self: MeanColours())
    recipe = replace(PaintConfig().recipe, palette_before=0.0)
    config = PaintConfig(recipe=recipe, schedule=Schedule(stages=(Stage(96, 1, 0.1),)))
    return PictureSubject(tmp_path / "scene.png", [Coat([PLAIN])], config)


PLAIN = Style((stripes(GREEN, BLUE, RED),), "plain")


def found(scene: PictureSubject, coat: Coat, parts=3):
    return matched(coat, parts, scene, MeanColours(), 96)


def test_each_part_of_the_scene_gets_the_part_of_the_style_that_is_like_it(scene) -> None:
    match = found(scene, Coat([PLAIN]))
    for column, styles, colour in zip(match.columns, match.styles, (RED, GREEN, BLUE)):
        own = scene.initial[column[:, 0] > 0].mean(0)
        torch.testing.assert_close(own, torch.tensor(colour), atol=0.01, rtol=0)
        torch.testing.assert_close(styles[0].palette.mean(0), torch.tensor(colour), atol=0.05, rtol=0)


def test_a_scene_that_is_the_style_is_matched_to_itself(scene) -> None:
    match = found(scene, Coat([Style((stripes(RED, GREEN, BLUE),))]))
    for column, styles in zip(match.columns, match.styles):
        mask = styles[0].opacities[0].reshape(-1, 1)
        assert torch.equal(mask > 0.5, column > 0.5)


def test_the_same_is_found_each_time(scene) -> None:
    first, second = found(scene, Coat([PLAIN])), found(scene, Coat([PLAIN]))
    assert [coat.selector for coat in first.coats] == [coat.selector for coat in second.coats]
    for one, other in zip(first.styles, second.styles):
        assert torch.equal(one[0].opacities[0], other[0].opacities[0])


def test_parts_are_coats_and_the_largest_takes_what_is_left(scene) -> None:
    coat = Coat([PLAIN], strength=0.5, changes={"gram": 2.0})
    coats = found(scene, coat).coats
    assert [c.selector for c in coats] == ["cluster:2/3", "cluster:3/3", None]
    assert [c.name for c in coats] == ["rest part 2", "rest part 3", "rest"]
    assert all(c.strength == 0.5 and c.changes == coat.changes for c in coats)


def test_within_a_region_only_the_parts_that_it_has(scene) -> None:
    coats = found(scene, Coat([PLAIN], "right", "axis:x:0.6..")).coats
    assert [c.selector for c in coats] == ["(axis:x:0.6..) and cluster:3/3", "axis:x:0.6.."]
    assert coats[-1].styles[0].palette.mean(0)[1] > 0.7  # green


def test_auto_finds_as_many_as_the_pictures_have(scene) -> None:
    assert len(found(scene, Coat([PLAIN]), "auto").columns) == 3
    two = Style((stripes(RED, GREEN, widths=(48, 48)),))
    assert len(style_parts([two], "auto", MeanColours(), 96).looks) == 2


def test_styles_without_a_part_are_left_out_of_it() -> None:
    red, both = (
        Style((stripes(RED, widths=(96,)),), "red"),
        Style((stripes(GREEN, RED, widths=(32, 64)),), "both"),
    )
    parts: StyleParts = style_parts([red, both], 2, MeanColours(), 96)
    names = [[style.name for style in parts.of([red, both], part)] for part in range(2)]
    assert names == [["red", "both"], ["both"]]


def test_transparent_places_are_in_no_part() -> None:
    opacity = torch.ones(48, 96)
    opacity[:, :48] = 0
    hidden = Style((stripes(GREEN, RED, BLUE),), opacities=(opacity,))
    parts = style_parts([hidden], 2, MeanColours(), 96)
    for part in range(2):
        (style,) = parts.of([hidden], part)
        assert not style.opacities[0][:, :40].any()


def test_an_assignment_has_the_largest_sum_and_uses_each_once() -> None:
    assert assigned(torch.tensor([[0.9, 0.8], [0.8, 0.1]])) == (1, 0)
    assert assigned(torch.tensor([[0.1, 0.2, 0.9]])) == (2,)
    assert assigned(torch.zeros(3, 3)) == (0, 1, 2)


def test_pictures_with_fewer_places_than_parts() -> None:
    tiny = Style((Image(torch.rand(16, 16, 3)),))
    with pytest.raises(ConfigError, match="match: the styles' pictures show 4 places, which are too few"):
        style_parts([tiny], 5, MeanColours(), 16)
