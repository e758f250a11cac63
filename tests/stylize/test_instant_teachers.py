"""The teachers that paint with feed-forward networks, on small random ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
import torch
from conditional_samples import MeanColour, random_net
from torch import nn

from nst3d.errors import ConfigError
from nst3d.metrics.style import style_distance
from nst3d.networks.magenta import Magenta
from nst3d.networks.multistyle import STYLES
from nst3d.stylize.look import Look
from nst3d.stylize.style import Style
from nst3d.stylize.teachers.magenta import MagentaTeacher
from nst3d.stylize.teachers.multistyle import OWN, Multistyle, mixture, named
from nst3d.stylize.teachers.multistyle_looks import LOOKS
from nst3d.stylize.teachers.registry import check_teacher, make_teacher, own_captions, teacher_ready
from nst3d.tensors import Image, to_planes


def teacher(strength: float = 1.0) -> MagentaTeacher:
    return MagentaTeacher(Magenta(MeanColour(), random_net(3)), strength)


def style(*colour: float, weight: float = 1.0) -> Style:
    return Style((Image(torch.tensor(colour).expand(20, 20, 3).clone()),), weight=weight)


@pytest.fixture
def views() -> tuple[list[Image], list[Look]]:
    """Two views over the middle of which a scene lies."""
    draw = torch.Generator().manual_seed(1)
    pictures = [Image(torch.rand(24, 20, 3, generator=draw)) for _ in range(2)]
    coverage = torch.zeros(24, 20)
    coverage[6:18, 5:15] = 1
    return pictures, [Look(to_planes(p), coverage, k) for k, p in enumerate(pictures)]


def test_pictures_are_painted_the_same_way_each_time(views) -> None:
    first, second = (teacher().teach(*views, [style(0.9, 0.1, 0.2)]) for _ in range(2))
    for picture, one, two in zip(views[0], first, second):
        assert one.shape == picture.shape
        assert torch.equal(one, two)
        assert 0 <= one.min() <= one.max() <= 1
    other = teacher().teach(*views, [style(0.1, 0.9, 0.5)])
    assert (first[0] - other[0]).abs().mean() > 0.01


def test_styles_are_mixed_by_weight(views) -> None:
    mixed = teacher().teach(*views, [style(0.8, 0.0, 0.0, weight=3), style(0.0, 0.4, 0.0, weight=1)])
    between = teacher().teach(*views, [style(0.6, 0.1, 0.0)])
    torch.testing.assert_close(mixed[1], between[1], rtol=1e-4, atol=1e-5)


def test_strength_goes_from_the_pictures_own_style_to_the_given(views) -> None:
    one, two = style(0.9, 0.1, 0.2), style(0.1, 0.9, 0.5)
    none = [teacher(0.0).teach(*views, [s])[0] for s in (one, two)]
    torch.testing.assert_close(none[0], none[1])
    half, full = teacher(0.5).teach(*views, [one])[0], teacher().teach(*views, [one])[0]
    assert 0 < (half - none[0]).norm() < (full - none[0]).norm()


class Filters:
    """An encoder of random filters, each layer half as large as the one before."""

    unit = 1.0

    def __call__(self, image: torch.Tensor, layers: Sequence[str]) -> dict[str, torch.Tensor]:
        draw = torch.Generator().manual_seed(2)
        found, x = {}, image
        for layer in layers:
            x = torch.relu(nn.functional.conv2d(x, torch.randn(6, len(x), 3, 3, generator=draw), padding=1))
            found[layer] = x
            x = nn.functional.avg_pool2d(x, 2)
        return found

    def stride(self, layer: str) -> int:
        raise NotImplementedError


def test_a_refined_code_brings_what_is_covered_nearer_to_the_style(views) -> None:
    pictures, looks = views
    looks = [*looks, Look(looks[0].image, torch.zeros(24, 20), 2)]  # sees nothing
    draw = torch.Generator().manual_seed(3)
    striped = Style((Image(torch.rand(20, 20, 3, generator=draw) ** 3),))
    networks, encoder = Magenta(MeanColour(), random_net(3)), Filters()

    def distance(steps: int) -> float:
        teacher = MagentaTeacher(networks, 1.0, steps, encoder)
        painted = teacher.teach([*pictures, pictures[0]], looks, [striped])
        covered = [(to_planes(p), k.coverage) for p, k in zip(painted[:2], looks)]
        return style_distance(encoder, covered, [(striped.at(24)[0], None)], ("relu1_1", "relu2_1")).gram

    assert distance(15) < 0.9 * distance(0)
    assert distance(15) == distance(15)
    unseen = [replace(k, coverage=torch.zeros(24, 20)) for k in looks[:2]]
    one, other = (
        MagentaTeacher(networks, 1.0, n, encoder).teach(pictures, unseen, [striped]) for n in (0, 9)
    )
    assert torch.equal(one[0], other[0])


def test_what_lies_outside_of_the_scene_does_not_change_its_normalisation(views) -> None:
    pictures, looks = views
    (alike,) = teacher().teach(pictures[:1], looks[:1], [style(0.9, 0.1, 0.2)])
    whole = [Look(looks[0].image, torch.ones(24, 20))]
    (other,) = teacher().teach(pictures[:1], whole, [style(0.9, 0.1, 0.2)])
    assert (alike - other).abs().mean() > 1e-3


def test_views_that_are_not_covered_are_painted(views) -> None:
    pictures, looks = views
    nothing = [Look(look.image, torch.zeros(24, 20), look.view) for look in looks]
    assert all(bool(p.isfinite().all()) for p in teacher().teach(pictures, nothing, [style(0.9, 0.1, 0.2)]))


def test_built_in_styles_are_mixed(views) -> None:
    network = random_net(STYLES)
    given = [style(0.5, 0.5, 0.5)]
    one, other, both = (Multistyle(network, s).teach(*views, given)[0] for s in ("3", "8", "3:1,8:3"))
    assert (one - other).abs().mean() > 0.01
    assert not torch.equal(both, one)
    assert not torch.equal(both, other)
    weights = mixture("3:1,8:3")
    assert weights[3] == 0.25
    assert weights[8] == 0.75
    assert weights.sum() == 1


def test_own_styles_are_named_by_the_jobs(views) -> None:
    """Those that a teacher alone knows, by their weights; the option counts more, and pictures not at all."""
    network, names = random_net(STYLES), list(OWN)
    mixed = [Style(name=names[3], taught=True), Style(name=names[8], taught=True, weight=3)]
    assert torch.equal(named([*mixed, style(0.5, 0.5, 0.5)]), mixture("3:1,8:3"))
    assert torch.equal(named([style(0.5, 0.5, 0.5)]), mixture("0"))
    assert torch.equal(named([Style(name=names[3], text="by a network that reads words")]), mixture("0"))
    for option, wanted in (("", "3:1,8:3"), ("5", "5")):
        found, same = (Multistyle(network, s).teach(*views, mixed)[0] for s in (option, wanted))
        assert torch.equal(found, same)


def test_own_styles_are_described(views) -> None:
    assert len(LOOKS) == len(OWN) == STYLES
    captions = own_captions("multistyle", {})
    assert list(captions) == list(OWN)
    assert all(caption.count(".") >= 3 for caption in captions.values())
    assert not own_captions("multistyle", {"styles": "7"})
    assert not own_captions("magenta", {})


def test_a_style_of_another_teacher_is_refused() -> None:
    with pytest.raises(
        ConfigError, match="multistyle knows no style 'wave': its own are 'multistyle 0 golden"
    ):
        teacher_ready("multistyle", {}, [Style(name="wave", taught=True)])
    for options, name in (({}, next(iter(OWN))), ({}, "multistyle"), ({"styles": "3"}, "wave")):
        assert not teacher_ready("multistyle", options, [Style(name=name, taught=True)])


@pytest.mark.parametrize(
    "words", ["26", "-1", " ", "rain", "3:0", "3:-1", "3:x", "3,,4", "1.5", "3:inf", "3:nan"]
)
def test_other_words_for_styles_are_refused(words) -> None:
    with pytest.raises(ConfigError, match=r"teacher multistyle: styles is .*: expected numbers from 0 to 25"):
        make_teacher("multistyle", {"styles": words})


def test_options_are_checked() -> None:
    with pytest.raises(ConfigError, match=r"strength is 1\.5: expected a number from 0 to 1"):
        make_teacher("magenta", {"strength": 1.5})
    with pytest.raises(ConfigError, match="refine is -1: expected a number of steps from 0 to 1000"):
        make_teacher("magenta", {"refine": -1})
    with pytest.raises(ConfigError, match="option strength is 'much': expected a number"):
        check_teacher("magenta", {"strength": "much"})
    with pytest.raises(ConfigError, match="option styles is 7: expected text"):
        check_teacher("multistyle", {"styles": 7})
