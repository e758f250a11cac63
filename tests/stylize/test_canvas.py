from __future__ import annotations

import pytest
import torch

from nst3d.operators import IdentityView, Resampled
from nst3d.stylize.canvas import TableOptions
from nst3d.stylize.layout import Layout, resampled
from nst3d.stylize.linear_canvas import LinearCanvas
from nst3d.stylize.stage_scene import TableStage
from nst3d.tensors import ImageSize

SIZE = ImageSize(16, 24)
LAYOUT = Layout.of_images([SIZE])
PLAIN = TableOptions(pyramid_levels=1, coverage_power=0, clamp=False)
WHITE = torch.ones(3, dtype=torch.float64)


def noise(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def compile_views(scale: float) -> TableStage:
    """The picture, and the picture at half the size."""
    layout = LAYOUT.scaled(scale)
    view = IdentityView(layout.images[0])
    return TableStage(views=[view, Resampled(view, 2)], layout=layout)


def canvas_of(options: TableOptions | None = None, initial: torch.Tensor | None = None) -> LinearCanvas:
    start = noise(LAYOUT.num_colours, 3) if initial is None else initial
    return LinearCanvas(start, LAYOUT, compile_views, options)


def test_before_a_scale_is_entered() -> None:
    canvas = canvas_of()
    with pytest.raises(RuntimeError, match="entered"):
        canvas.parameters()
    assert torch.equal(canvas.finest_colours(), noise(LAYOUT.num_colours, 3))


def test_renders_show_the_initial_colours() -> None:
    canvas = canvas_of()
    canvas.enter(1.0)
    assert canvas.num_views == 2
    picture = noise(LAYOUT.num_colours, 3).view(*SIZE, 3).permute(2, 0, 1)
    assert torch.equal(canvas.render(0, WHITE), picture)
    assert canvas.render(1, WHITE).shape == (3, 8, 12)
    assert torch.equal(canvas.coverage(1), torch.ones(8, 12))


def test_looks_know_what_their_view_showed_and_how_far_it_is() -> None:
    def stage_of(scale: float) -> TableStage:
        pictures = [torch.full((3, 4, 4), float(view)) for view in range(2)]
        depths = [torch.full((4, 4), 5.0 + view) for view in range(2)]
        bare = compile_views(scale)
        return TableStage(
            views=bare.views, layout=bare.layout, content=pictures.__getitem__, depth=depths.__getitem__
        )

    canvas = LinearCanvas(noise(LAYOUT.num_colours, 3), LAYOUT, stage_of)
    canvas.enter(1.0)
    look = canvas.look(1, WHITE)
    assert look.content is not None
    assert look.depth is not None
    assert float(look.content().mean()) == 1
    assert float(look.depth().mean()) == 6
    flat = canvas_of()
    flat.enter(1.0)
    assert flat.look(0, WHITE).depth is None


@pytest.mark.parametrize("levels", [1, 3])
@pytest.mark.parametrize("power", [0.0, 0.7])
def test_collected_gradients_equal_autograds(levels, power) -> None:
    """Rendering from one decoded leaf, twice, gives the steps the gradient of a plain computation."""
    canvas = canvas_of(TableOptions(pyramid_levels=levels, coverage_power=power, texture_variation=0.3))
    canvas.enter(1.0)
    for k, step in enumerate(canvas.parameters()):
        step.data += noise(*step.shape, seed=k)
    weights = [noise(3, 16, 24, seed=8), noise(3, 8, 12, seed=9)]
    for view, weight in enumerate(weights):
        (canvas.render(view, WHITE).sin() * weight).sum().backward()
    penalty = canvas.penalties()["texture"]
    penalty.backward()
    canvas.collect_()
    found = [step.grad.clone() for step in canvas.parameters()]

    for step in canvas.parameters():
        step.grad = None
    colours = canvas.table.colours()
    images = [v.render(colours, WHITE).permute(2, 0, 1) for v in canvas.stage.views]
    total = sum((image.sin() * w).sum() for image, w in zip(images, weights))
    texture = colours.view(*SIZE, 3)
    pairs = 15 * 24 + 16 * 23
    variation = sum(texture.diff(dim=axis).square().sum() for axis in (0, 1)) / (3 * pairs)
    assert penalty.detach() == pytest.approx(0.3 * variation.detach())
    (total + 0.3 * variation).backward()
    for step, gradient in zip(canvas.parameters(), found):
        torch.testing.assert_close(gradient, step.grad)


def test_a_step_shows_in_the_next_render() -> None:
    canvas = canvas_of(PLAIN)
    canvas.enter(1.0)
    before = canvas.render(0, WHITE).detach()
    canvas.collect_()
    canvas.parameters()[0].data += 0.25
    canvas.project_()
    torch.testing.assert_close(canvas.render(0, WHITE).detach(), before + 0.25)


def test_clamping_keeps_colours_valid_and_leaves_the_steps_alone() -> None:
    canvas = canvas_of(TableOptions(pyramid_levels=2))
    canvas.enter(1.0)
    canvas.parameters()[0].data += 3.0
    kept = canvas.parameters()[0].clone()
    canvas.project_()
    assert torch.equal(canvas.parameters()[0], kept)
    torch.testing.assert_close(canvas.render(0, WHITE), torch.ones(3, *SIZE, dtype=torch.float64))
    torch.testing.assert_close(canvas.table.colours().detach(), torch.ones(LAYOUT.num_colours, 3).double())
    free = canvas_of(PLAIN)
    free.enter(1.0)
    free.parameters()[0].data += 3.0
    free.project_()
    assert free.render(0, WHITE).min() > 3


def test_paint_is_carried_over_and_detail_comes_back() -> None:
    initial = noise(LAYOUT.num_colours, 3) * 0.5
    canvas = canvas_of(PLAIN, initial)
    canvas.enter(0.5)
    half = LAYOUT.scaled(0.5)
    torch.testing.assert_close(canvas.table.colours(), resampled(initial, LAYOUT, half))
    canvas.parameters()[0].data += 0.25  # what is painted here …
    canvas.enter(1.0)
    assert len(canvas.parameters()[0]) == LAYOUT.num_colours
    # … is seen at the next scale, on top of the initial colours in all their detail.
    torch.testing.assert_close(canvas.table.colours().detach(), initial + 0.25)
    torch.testing.assert_close(canvas.finest_colours(), initial + 0.25)


def test_the_finest_colours_of_a_coarse_stage() -> None:
    initial = noise(LAYOUT.num_colours, 3)
    canvas = canvas_of(None, initial)
    canvas.enter(0.5)
    torch.testing.assert_close(canvas.finest_colours(), initial)
    canvas.parameters()[0].data += 5
    assert canvas.finest_colours().max() <= 1
    assert canvas.finest_colours().shape == initial.shape


def test_coverage_counts_the_pixels_that_see_a_colour() -> None:
    canvas = canvas_of()
    canvas.enter(1.0)
    torch.testing.assert_close(canvas.colour_coverage(), torch.full((LAYOUT.num_colours, 1), 1.25).double())


def test_steps_of_what_few_pixels_see_are_smaller() -> None:
    canvas = LinearCanvas(
        torch.zeros(9, 3),
        Layout(9),
        lambda scale: TableStage(views=[IdentityView(ImageSize(3, 3))] * 2, layout=Layout(9)),
        TableOptions(coverage_power=1.0),
    )
    canvas.enter(1.0)
    canvas.parameters()[0].data += 1
    assert torch.equal(canvas.table.colours(), torch.ones(9, 3))  # all are seen alike


def test_steps_follow_sight_where_it_is_known() -> None:
    sight = torch.tensor([[1.0], [1.0], [0.003], [0.0]])  # usual: 1 - a whole step from 0.3 on
    view = IdentityView(ImageSize(2, 2))
    canvas = LinearCanvas(
        torch.zeros(4, 3),
        Layout(4),
        lambda scale: TableStage(views=[view], layout=Layout(4), sight=sight),
        TableOptions(coverage_power=0.5),
    )
    canvas.enter(1.0)
    canvas.parameters()[0].data += 1
    expected = torch.tensor([1.0, 1.0, 0.1, 0.0])[:, None].expand(4, 3)
    torch.testing.assert_close(canvas.table.colours().detach(), expected, atol=1e-3, rtol=0)


def test_state_and_restore() -> None:
    canvas = canvas_of(TableOptions(pyramid_levels=2))
    canvas.enter(1.0)
    canvas.parameters()[0].data += 0.7
    canvas.project_()
    state = canvas.state()
    colours = canvas.table.colours().detach().clone()
    canvas.parameters()[1].data += 1.0
    canvas.restore(state)
    assert torch.equal(canvas.table.colours(), colours)
    other = canvas_of(TableOptions(pyramid_levels=2))
    other.enter(0.5)
    with pytest.raises(ValueError, match="another layout"):
        other.restore(state)


def test_no_penalty_without_textures_or_weight() -> None:
    canvas = canvas_of()
    canvas.enter(1.0)
    canvas.render(0, WHITE)
    assert canvas.penalties() == {}


def test_restored_paint_renders_to_the_bit_what_was_rendered_before() -> None:
    """Where clamping took colours back, the table decodes to the clamped ones but for rounding."""
    generator = torch.Generator().manual_seed(5)
    layout = Layout.of_images([ImageSize(32, 32)])
    start = torch.rand(layout.num_colours, 3, generator=generator)
    stage = TableStage(views=[IdentityView(ImageSize(32, 32))], layout=layout)
    canvas, again = (LinearCanvas(start, layout, lambda scale: stage) for _ in range(2))
    black = torch.zeros(3)
    for one in (canvas, again):
        one.enter(1.0)
    with torch.no_grad():
        for step in canvas.parameters():
            step += torch.randn(step.shape, generator=generator)
    canvas.project_()
    again.restore(canvas.state())
    assert torch.equal(again.render(0, black), canvas.render(0, black))
    assert not torch.equal(canvas.table.colours(), canvas.render(0, black).permute(1, 2, 0).reshape(-1, 3))
