"""Patches of a style laid over a scene."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from all_round import SIDES
from small_meshes import camera_at, sphere, vertex_surface

from nst3d.errors import ConfigError
from nst3d.operators import IdentityView
from nst3d.renderers import MeshRenderer
from nst3d.stylize.look import Look
from nst3d.stylize.style import Style
from nst3d.stylize.teachers.exemplars import Exemplar, Wanted
from nst3d.stylize.teachers.quilt import QuiltTeacher
from nst3d.stylize.teachers.quilting import Quilt, Tones
from nst3d.stylize.teachers.registry import make_teacher
from nst3d.stylize.teachers.row_places import places_of
from nst3d.stylize.teachers.surface_cells import cells_of
from nst3d.tensors import ImageSize

GREY = torch.full((40, 48, 3), 0.5)


def noise(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


def chance(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def look_of(picture: torch.Tensor, seed: int = 0) -> Look:
    size = ImageSize(*picture.shape[:2])
    return Look(
        picture.permute(2, 0, 1), torch.ones(size), seed=seed, coarse=lambda stride: IdentityView(size)
    )


def quilted(picture: torch.Tensor, *styles: Style, seed: int = 0, **options: float) -> torch.Tensor:
    (painted,) = QuiltTeacher(**options).teach([picture], [look_of(picture, seed)], styles)
    return painted


def flat_quilt(height: int, width: int, exemplars: list[Exemplar], side: int, **options: float) -> Quilt:
    cells = cells_of(places_of([IdentityView(ImageSize(height, width))], [None]))
    tones = Tones(torch.zeros(len(cells.positions)), 0.0)
    quilt = Quilt(cells, exemplars, [1.0] * len(exemplars), side, tones, **options)
    quilt.cover(chance())
    return quilt


def patches(picture: torch.Tensor, side: int) -> torch.Tensor:
    """(n, 3 · side²)."""
    return F.unfold(picture.permute(2, 0, 1)[None], side)[0].T


def test_a_flat_quilt_is_made_of_patches_of_the_style() -> None:
    style = noise(3, 30, 34)
    quilt = flat_quilt(40, 50, [Exemplar(style, None, 9)], 9)
    rows = quilt.cells.of_row
    found = quilt.at(rows, quilt.cells.positions[rows]).reshape(40, 50, 3)
    assert len(quilt.patches) > 25
    number = quilt.patch_of[rows].reshape(40, 50, 1).float()
    whole = patches(number.expand(-1, -1, 3), 4)
    uncut = (whole == whole[:, :1]).all(1)  # 4 × 4 pixels without a cut through them
    assert float(uncut.float().mean()) > 0.15
    own = patches(style.permute(1, 2, 0), 4)
    assert float(torch.cdist(patches(found.double(), 4)[uncut], own.double()).amin(1).max()) < 1e-3
    # Beside cuts, too, each pixel is one of the style's: nothing is blended.
    assert float(torch.cdist(found.reshape(-1, 3).double(), style.flatten(1).T.double()).amin(1).max()) < 1e-5


def test_cuts_run_where_patches_agree() -> None:
    """Steps across cuts are hardly larger than those in the style, and far smaller than between patches at random."""
    smooth = F.avg_pool2d(noise(1, 3, 70, 70), 7, stride=1)[0]
    style = (smooth - smooth.mean()) * 4 + 0.5
    quilt = flat_quilt(40, 50, [Exemplar(style, None, 13)], 13)
    found = quilt.at(quilt.cells.of_row, quilt.cells.positions[quilt.cells.of_row]).reshape(40, 50, 3)
    number = quilt.patch_of[quilt.cells.of_row].reshape(40, 50)
    steps = (found[:, 1:] - found[:, :-1]).norm(dim=2)
    cut = number[:, 1:] != number[:, :-1]
    apart = (style.flatten(1).T[::7] - style.flatten(1).T.flip(0)[::7]).norm(dim=1).mean()
    assert float(steps[cut].mean()) < 0.35 * float(apart)


def test_a_style_that_is_the_picture_itself_returns_it() -> None:
    picture = noise(40, 48, 3)
    found = quilted(picture, Style((picture,)), guide=20.0, reuse=0.0)
    assert float(((found - picture).abs().amax(2) < 1e-3).float().mean()) > 0.7
    assert torch.equal(found, quilted(picture, Style((picture,)), guide=20.0, reuse=0.0))
    assert not torch.equal(found, quilted(picture, Style((picture,)), reuse=0.0))


def test_the_seed_decides() -> None:
    style = Style((noise(48, 48, 3, seed=1),))
    first, again, other = (quilted(GREY, style, seed=s) for s in (0, 0, 1))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_the_guide_puts_bright_patches_where_the_picture_is_bright() -> None:
    picture = GREY.clone()
    picture[:, 24:] = 0.9
    tones = noise(48, 48, 1, seed=1) * 0.2 + (torch.arange(48.0) // 12 % 2 * 0.7)[None, :, None]
    found = quilted(picture, Style((tones.expand(-1, -1, 3),)), guide=5.0, patch=0.12)
    assert float(found[:, 28:].mean()) > float(found[:, :20].mean()) + 0.4


def test_a_constant_style_paints_everything_in_its_colour() -> None:
    colour = torch.tensor([0.2, 0.7, 0.4])
    torch.testing.assert_close(
        quilted(noise(40, 48, 3), Style((colour.expand(32, 32, 3),))), colour.expand(40, 48, 3)
    )


def test_what_is_transparent_in_a_style_is_not_used() -> None:
    image, opacity = torch.zeros(48, 48, 3), torch.ones(48, 48)
    image[..., 0] = noise(48, 48)
    image[:, :20, 2], opacity[:, :20] = 1.0, 0.0
    found = quilted(GREY, Style((image,), opacities=(opacity,)))
    assert float(found[..., 2].max()) < 1e-6
    assert float(found[..., 0].std()) > 0.2


def test_a_tiny_style_is_enlarged() -> None:
    found = quilted(GREY, Style((noise(3, 4, 3),)), patch=0.5)
    assert bool(found.isfinite().all())
    assert float(found.std()) > 0.05


def test_styles_are_mixed_by_their_weights() -> None:
    red, blue = (torch.tensor(c).expand(32, 32, 3) for c in ([1.0, 0, 0], [0, 0, 1.0]))
    found = quilted(GREY, Style((red,), weight=3.0), Style((blue,), weight=1.0), patch=0.1)
    assert float(found[..., 0].mean()) == pytest.approx(0.75, abs=0.15)
    assert float(quilted(GREY, Style((red,), weight=1.0), Style((blue,), weight=0.0))[..., 2].max()) == 0


def test_a_patch_is_found_where_it_was_cut() -> None:
    exemplar = Exemplar(noise(3, 30, 40), None, 7)
    painted = (noise(7, 7, seed=2) > 0.5).float()
    wanted = Wanted(
        exemplar.picture[:, 11:18, 25:32] * painted, painted, torch.zeros(7, 7), torch.zeros(7, 7)
    )
    assert exemplar.place(wanted, chance(), 0.0) == (11, 25)
    assert exemplar.place(wanted, chance(), 9.0) != (11, 25)  # taken before
    toned = Wanted(torch.zeros(3, 7, 7), torch.zeros(7, 7), exemplar.tone[3:10, 5:12], torch.ones(7, 7))
    assert exemplar.place(toned, chance(), 0.0) == (3, 5)


def test_colours_between_pixels_are_interpolated() -> None:
    exemplar = Exemplar(noise(3, 12, 9), None, 5)
    rows, columns = torch.tensor([4.0, 4.5]), torch.tensor([6.0, 6.0])
    expected = torch.stack([exemplar.picture[:, 4, 6], exemplar.picture[:, 4:6, 6].mean(1)])
    torch.testing.assert_close(exemplar.at(rows, columns), expected)


def test_patches_follow_a_ball_and_all_views_show_the_same() -> None:
    """Level stripes of the style run around it, whichever side it is seen from."""
    stripes = ((torch.arange(64) // 6 % 2).float()[:, None, None]).expand(64, 64, 3)
    cameras = [camera_at(p, 64) for p in SIDES]
    renderer = MeshRenderer(vertex_surface(sphere(48)))
    views = [renderer.compile(c) for c in cameras]
    looks = [
        Look(torch.zeros(3, 64, 64), v.coverage[..., 0], view=k, camera=c, coarse=lambda stride, v=v: v)
        for k, (v, c) in enumerate(zip(views, cameras))
    ]
    painted = QuiltTeacher(patch=0.2).teach([torch.zeros(64, 64, 3)] * len(looks), looks, [Style((stripes,))])
    level = [k for k, p in enumerate(SIDES) if abs(p[1]) < 0.1]
    assert len(level) == 8
    for picture in (painted[k][24:40, 24:40] for k in level):
        across, down = picture.diff(dim=1).abs().mean(), picture.diff(dim=0).abs().mean()
        assert float(down) > 3 * float(across)
    background = Style((stripes,)).background
    for view, picture in zip(views, painted):
        outside = view.coverage[..., 0] == 0
        assert torch.equal(picture[outside], background.expand_as(picture[outside]))


def test_only_a_region_is_shown_where_only_that_is_painted() -> None:
    picture, style = noise(40, 48, 3), Style((noise(48, 48, 3, seed=1),))
    whole = look_of(picture)
    part = Look(whole.image, whole.coverage.clone(), coarse=whole.coarse)
    part.coverage[:, 24:] = 0
    (found,) = QuiltTeacher().teach([picture], [part], [style])
    torch.testing.assert_close(found[:, 24:], style.background.expand(40, 24, 3))
    assert float(found[:, :24].std()) > 0.2


def test_what_cannot_be_quilted_is_refused_or_left_alone() -> None:
    look = look_of(GREY)
    style = Style((noise(32, 32, 3),))
    with pytest.raises(ConfigError, match="take the teacher monge"):
        QuiltTeacher().teach([GREY], [Look(look.image, look.coverage)], [style])
    unseen = Look(look.image, torch.zeros(40, 48), coarse=look.coarse)
    assert QuiltTeacher().teach([GREY], [unseen], [style])[0] is GREY
    view, camera = (
        MeshRenderer(vertex_surface(sphere(8))).compile(camera_at((0, 0, 3), 24)),
        camera_at((0, 0, 3), 24),
    )
    same = [
        Look(torch.zeros(3, 24, 24), view.coverage[..., 0], camera=camera, coarse=lambda stride: view)
    ] * 2
    with pytest.raises(ConfigError, match="from several sides"):
        QuiltTeacher().teach([torch.zeros(24, 24, 3)] * 2, same, [style])


@pytest.mark.parametrize(
    ("name", "value"), [("patch", 0.0), ("patch", 0.6), ("guide", -1.0), ("reuse", -0.1)]
)
def test_options_out_of_range_are_refused(name, value) -> None:
    with pytest.raises(ConfigError, match=f"teacher quilt: option {name} is .* expected"):
        make_teacher("quilt", {name: value})
