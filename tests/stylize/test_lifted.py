"""Features lifted into a scene's table, and the teacher that moves them there."""

from __future__ import annotations

import pytest
import torch
from pair_samples import random_weights
from random_views import SIZE, random_view

from nst3d.errors import ConfigError
from nst3d.networks.any_pair import LEVELS
from nst3d.networks.pairs import Pair, load_pairs
from nst3d.networks.transport import AffineMap
from nst3d.operators import IdentityView, SparseView
from nst3d.pipeline.kinds.coarse_views import CoarseViews
from nst3d.stylize.layout import Layout
from nst3d.stylize.linear_canvas import LinearCanvas
from nst3d.stylize.look import Look
from nst3d.stylize.stage_scene import TableStage
from nst3d.stylize.style import Style
from nst3d.stylize.teachers.feature_table import lifted, moved, shown
from nst3d.stylize.teachers.lifted import Lifted
from nst3d.tensors import ImageSize

CHANNELS = 20


def random(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def views() -> list[SparseView]:
    return [random_view(seed=n) for n in range(6)]


def affine() -> AffineMap:
    source, target = random(2, CHANNELS, seed=1).double()
    return AffineMap(random(CHANNELS, CHANNELS).double(), source, target)


@pytest.fixture(scope="module")
def pair(tmp_path_factory) -> Pair:
    folder = tmp_path_factory.mktemp("weights")
    torch.manual_seed(0)
    for level in LEVELS:
        random_weights(folder, level)
    return load_pairs((3,), path=folder)[3]


def test_a_constant_field_of_features_is_constant() -> None:
    value = random(CHANNELS)
    features = [value[:, None, None].expand(-1, *SIZE) for _ in views()]
    table = lifted(views(), features, value)
    torch.testing.assert_close(table, value.expand(len(table), -1), rtol=0, atol=1e-5)


def test_what_a_table_shows_is_lifted_back_into_it() -> None:
    table, plain = random(views()[0].num_colours, CHANNELS), random(CHANNELS, seed=1)
    features = shown(views(), table, plain)
    found = lifted(views(), features, plain)
    start = sum(
        ((f - a) ** 2).sum() for f, a in zip(features, shown(views(), found * 0 + found.mean(0), plain))
    )
    rest = sum(((f - a) ** 2).sum() for f, a in zip(features, shown(views(), found, plain)))
    assert rest < 0.1 * start


def test_channels_do_not_depend_on_each_other() -> None:
    features = [random(CHANNELS, *SIZE, seed=n) for n in range(6)]
    plain = random(CHANNELS, seed=9)
    whole = lifted(views(), features, plain)
    alone = lifted(views(), [f[17:18] for f in features], plain[17:18])
    torch.testing.assert_close(whole[:, 17:18], alone, rtol=1e-4, atol=1e-5)


def test_the_map_of_the_table_is_the_map_of_every_view() -> None:
    """Where views are covered, and with the background's features mapped, too, also where they are not."""
    table, plain, move = random(views()[0].num_colours, CHANNELS), random(1, CHANNELS, seed=1), affine()
    after = shown(views(), moved(move, table), moved(move, plain)[0])
    for mine, before in zip(after, shown(views(), table, plain[0])):
        torch.testing.assert_close(mine, move(before), rtol=1e-4, atol=1e-4)


def test_the_scene_learns_what_the_table_shows(pair) -> None:
    """A picture's own table is its features: without a move, the teacher only encodes and decodes."""
    picture = torch.rand(40, 56, 3, generator=torch.Generator().manual_seed(3))
    look = Look(
        picture.permute(2, 0, 1),
        torch.ones(40, 56),
        coarse=lambda stride: IdentityView(ImageSize(40 // stride, 56 // stride)),
    )
    (painted,) = Lifted(pair, strength=0).teach([picture], [look], [Style((picture.flip(0),))])
    coded = pair.decode(pair.encode(look.image), (40, 56)).permute(1, 2, 0).clamp(0, 1)
    torch.testing.assert_close(painted, coded, rtol=0, atol=5e-3)  # damping pulls a little


def test_a_canvas_hands_its_coarse_views_to_teachers(pair) -> None:
    asked: list[tuple[int, int]] = []

    def coarse(view: int, stride: int) -> IdentityView:
        asked.append((view, stride))
        return IdentityView(ImageSize(32 // stride, 40 // stride))

    layout = Layout.of_images([ImageSize(32, 40)])
    stage = TableStage(views=[IdentityView(layout.images[0])] * 2, layout=layout, coarse=coarse)
    canvas = LinearCanvas(torch.rand(layout.num_colours, 3), layout, lambda scale: stage)
    canvas.enter(1.0)
    style = Style((torch.rand(32, 40, 3, generator=torch.Generator().manual_seed(1)),))
    looks = [canvas.look(view, style.background) for view in range(2)]
    Lifted(pair).teach([look.image.detach().permute(1, 2, 0) for look in looks], looks, [style])
    assert asked == [(0, 4), (1, 4)]


def test_a_scene_without_a_table_is_refused_and_one_that_nobody_sees_left_alone(pair) -> None:
    picture = torch.rand(32, 32, 3)
    look = Look(picture.permute(2, 0, 1), torch.ones(32, 32))
    with pytest.raises(ConfigError, match="take the teacher monge"):
        Lifted(pair).teach([picture], [look], [Style((picture,))])
    unseen = Look(look.image, torch.zeros(32, 32))
    assert Lifted(pair).teach([picture], [unseen], [Style((picture,))])[0] is picture


def test_strength_out_of_range_is_refused(pair) -> None:
    with pytest.raises(ConfigError, match="expected 0 to 1"):
        Lifted(pair, 1.5)


def test_coarse_views_are_compiled_once_for_each_stride() -> None:
    made: list[tuple[int, int]] = []

    def compile(view: int, stride: int) -> SparseView:
        made.append((view, stride))
        return random_view(seed=view)

    coarse = CoarseViews(compile, 3, 1e9)
    for stride in (4, 2, 4):
        for view in (0, 2):
            assert coarse(view, stride).size == SIZE
    assert made == [(0, 4), (2, 4), (0, 2), (2, 2)]
