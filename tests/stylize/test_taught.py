"""What steps after a teacher that paints words aim for."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from nst3d.stylize.coat import Coat
from nst3d.stylize.recipe import Recipe
from nst3d.stylize.stage_guide import with_words
from nst3d.stylize.stage_scene import StageScene
from nst3d.stylize.style import Style
from nst3d.stylize.taught import Taught
from nst3d.tensors import Image, Mask, Planes

JADE = Style(text="jade")


def picture(seed: int, side: int = 24) -> Planes:
    return Planes(torch.rand(3, side, side, generator=torch.Generator().manual_seed(seed)))


def taught(count: int = 9, cover: float = 1.0) -> Taught:
    found = Taught()
    masks = [Mask(torch.full((24, 24), cover)) for _ in range(count)]
    masks[0] = Mask(torch.zeros(24, 24))
    found.keep([picture(k) for k in range(count)], {"rest": masks})
    return found


def test_contents_are_the_pictures_in_the_size_of_views() -> None:
    scene = StageScene(9, content=lambda view: picture(99, 12))
    found = taught().scene(scene).content(3)
    assert found.shape == (3, 12, 12)
    torch.testing.assert_close(found.mean(), picture(3).mean(), atol=0.01, rtol=0)
    whole = taught().scene(StageScene(9, content=lambda view: picture(99))).content(3)
    torch.testing.assert_close(whole, picture(3), atol=0.5 / 255 + 1e-6, rtol=0)


def test_words_get_a_few_of_the_pictures_that_show_something() -> None:
    coat = taught().coat(Coat([JADE]), 1.2)
    (style,) = coat.styles
    assert style.text == "jade"
    assert 2 <= len(style.images) <= 4
    assert all(opacity is not None and bool((opacity == 1).all()) for opacity in style.opacities)
    assert not any(torch.equal(image, Image(picture(0).permute(1, 2, 0))) for image in style.images)
    assert style.at(round(24 * 1.2))[0].shape == (3, 24, 24)  # details keep their size
    assert coat.words_painted


def test_styles_with_pictures_keep_theirs() -> None:
    own = Style((Image(torch.rand(20, 20, 3)),), text="wood")
    coat = taught().coat(Coat([own, JADE]), 1.0)
    assert coat.styles[0] is own
    assert coat.styles[1].images
    assert not taught(cover=0.2).coat(Coat([JADE]), 1.0).styles[0].images  # nothing of it is seen


def test_painted_words_are_followed_by_nobody_unless_asked() -> None:
    recipe, coat = Recipe(), Coat([JADE])
    assert [term.name for term in with_words(recipe.terms, coat)][-1] == "words"
    assert with_words(recipe.terms, replace(coat, words_painted=True)) == recipe.terms
    asked = recipe.with_terms({"words": 1.0}).terms
    assert with_words(asked, replace(coat, words_painted=True)) == asked


def test_its_state_is_all_that_it_knows() -> None:
    own, other = taught(), Taught()
    assert not other.known
    other.restore(own.state())
    scene = StageScene(9, content=lambda view: picture(99))
    assert other.known
    assert torch.equal(own.scene(scene).content(5), other.scene(scene).content(5))
    assert torch.equal(
        own.coat(Coat([JADE]), 1).styles[0].images[0], other.coat(Coat([JADE]), 1).styles[0].images[0]
    )
    broken = own.state()
    broken["covers"]["rest"].pop()
    with pytest.raises(ValueError, match="what a teacher painted"):
        other.restore(broken)
