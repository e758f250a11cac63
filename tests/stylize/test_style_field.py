"""Colours as a network of places: its gradient, that it is smooth, and that it is carried over and restored."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from nst3d.errors import ConfigError
from nst3d.operators.grid_basis import grid_basis, grid_nodes
from nst3d.operators.identity import IdentityView
from nst3d.stylize import style_field
from nst3d.stylize.canvas import TableOptions
from nst3d.stylize.layout import Layout
from nst3d.stylize.linear_canvas import LinearCanvas
from nst3d.stylize.stage_scene import Places, TableStage
from nst3d.stylize.style_field import FieldTable, StyleField
from nst3d.tensors import Colours, Image, ImageSize, Planes

SIDE = 12
GREY = torch.full((3,), 0.5)


def sheet(side: int = SIDE) -> Places:
    """A bent sheet of side × side rows, a pixel apart."""
    y, x = np.mgrid[0:side, 0:side] / side - 0.5
    return Places(np.stack([x, y, 0.3 * x * y], -1).reshape(-1, 3), 1 / side)


def stage_of(scale: float) -> TableStage:
    side = round(SIDE * scale)
    layout = Layout.of_images([ImageSize(side, side)])
    return TableStage(views=[IdentityView(ImageSize(side, side))], layout=layout, places=lambda: sheet(side))


def canvas_of(start: torch.Tensor | None = None, **options: float) -> LinearCanvas:
    layout = Layout.of_images([ImageSize(SIDE, SIDE)])
    start = torch.full((SIDE * SIDE, 3), 0.4) if start is None else start
    made = LinearCanvas(Colours(start), layout, stage_of, TableOptions(**{"field": 6.0, **options}))
    made.enter(1.0)
    return made


def noise(seed: int) -> torch.Tensor:
    return torch.rand(3, SIDE, SIDE, generator=torch.Generator().manual_seed(seed))


def painted(canvas: LinearCanvas, wanted: torch.Tensor, steps: int) -> LinearCanvas:
    optimiser = canvas.optimiser("adam", 0.03)
    for _ in range(steps):
        optimiser.zero_grad()
        (canvas.render(0, GREY) - wanted).square().sum().backward()
        canvas.collect_()
        optimiser.step()
        canvas.project_()
    return canvas


def test_nodes_interpolate_what_is_linear_in_space_exactly() -> None:
    points = np.random.default_rng(0).normal(size=(40, 3))
    nodes = grid_nodes(points, 0.3)
    slope = np.array([[0.2], [-0.7], [0.4]])
    found = grid_basis(points, 0.3).image(Colours(torch.from_numpy(nodes @ slope).float()))[:, 0]
    np.testing.assert_allclose(found.numpy(), points @ slope, atol=1e-5)


def test_gradients_are_those_of_autograd() -> None:
    """Gradients gather in the leaf of a step's renders, and are carried to the network once."""
    canvas = canvas_of(clamp=False)
    painted(canvas, noise(0), 3)
    for step in canvas.parameters():
        step.grad = None
    loss = canvas.render(0, GREY).square().sum() + (canvas.render(0, GREY) * noise(1)).sum()
    loss.backward()
    canvas.collect_()
    image = canvas.table.colours().T.reshape(3, SIDE, SIDE)
    expected = torch.autograd.grad(image.square().sum() + (image * noise(1)).sum(), canvas.parameters())
    for step, gradient in zip(canvas.parameters(), expected):
        torch.testing.assert_close(step.grad, gradient, atol=1e-4, rtol=1e-4)


def test_the_network_has_the_gradient_of_finite_differences() -> None:
    field = StyleField(2.0, torch.float64)
    with torch.no_grad():
        field.steps[-2] += 0.1 * torch.randn(
            field.steps[-2].shape, generator=torch.Generator().manual_seed(1)
        )
    features = field.features(torch.from_numpy(sheet(3).positions))
    last = [step.detach() for step in field.steps[:-2]]
    assert torch.autograd.gradcheck(
        lambda w, b: field.change(features, [*last, w, b]), (field.steps[-2], field.steps[-1])
    )


def test_chunks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    results = []
    for chunk in (1 << 16, 7):
        monkeypatch.setattr(style_field, "_CHUNK", chunk)
        results.append(painted(canvas_of(), noise(0), 4).colours())
    torch.testing.assert_close(*results, atol=1e-5, rtol=1e-5)


def test_nodes_are_no_more_than_a_views_pixels() -> None:
    """However small a pixel is said to be, by a camera that is near, and however many rows there are."""
    table = StyleField(6.0).table(
        Colours(torch.zeros(6400, 3)),
        replace(
            stage_of(1.0),
            layout=Layout(6400),
            places=lambda: Places(sheet(80).positions, 1e-3),
        ),
    )
    assert isinstance(table, FieldTable)
    assert 0.3 * SIDE * SIDE < table._basis.num_colours <= SIDE * SIDE


def test_it_begins_with_the_start_and_is_smoother_than_a_table() -> None:
    start = torch.rand(SIDE * SIDE, 3, generator=torch.Generator().manual_seed(2))
    assert torch.equal(canvas_of(start).colours(), start)
    wanted = noise(0)
    field = painted(canvas_of(field=1.0), wanted, 60).colours()
    table = canvas_of()
    table._options = replace(table._options, field=0.0, pyramid_levels=1)
    table.enter(1.0)
    plain = painted(table, wanted, 60).colours()

    def roughness(colours: torch.Tensor) -> float:
        image = colours.reshape(SIDE, SIDE, 3)
        return float(image.diff(dim=0).square().mean() + image.diff(dim=1).square().mean())

    assert roughness(field) < 0.3 * roughness(plain)
    spread = torch.full((3, SIDE, SIDE), 0.4) - wanted
    assert (field.T.reshape(3, SIDE, SIDE) - wanted).square().mean() < spread.square().mean()


def test_a_finer_one_follows_more_detail() -> None:
    y, x = np.mgrid[0:SIDE, 0:SIDE] / SIDE
    waves = torch.from_numpy(0.5 + 0.4 * np.sin(2 * np.pi * 2 * (x + y))).float().expand(3, -1, -1)
    errors = []
    for fineness in (0.2, 4.0):
        shown = painted(canvas_of(field=fineness), waves, 40).render(0, GREY)
        errors.append(float((shown - waves).detach().square().mean()))
    assert errors[1] < 0.3 * errors[0]


def test_the_same_seed_gives_the_same_bytes_and_a_restored_run_goes_on_alike() -> None:
    whole, again = (painted(canvas_of(), noise(0), 6) for _ in range(2))
    assert torch.equal(whole.colours(), again.colours())
    first, second = painted(canvas_of(), noise(0), 3), canvas_of()
    second.restore(first.state())
    assert torch.equal(first.colours(), second.colours())
    assert torch.equal(first.render(0, GREY), second.render(0, GREY))
    one, two = (painted(canvas, noise(1), 3) for canvas in (first, second))
    assert torch.equal(one.colours(), two.colours())


def test_the_field_is_carried_to_a_finer_scale() -> None:
    """Where nothing was clamped, it is the same function of places, and the base is the start again."""
    canvas = canvas_of(field=1.0)
    canvas.enter(0.5)
    painted(canvas, torch.full((3, SIDE // 2, SIDE // 2), 0.55), 10)
    weights = [step.detach().clone() for step in canvas.parameters()]
    canvas.enter(1.0)
    assert all(torch.equal(a, b) for a, b in zip(weights, canvas.parameters()))
    assert (canvas.table.base - 0.4).abs().max() < 0.5 * (canvas.colours() - 0.4).abs().max()
    assert (canvas.colours() - 0.4).abs().max() > 0.03


def test_pictures_of_a_teacher_are_learnt_exactly() -> None:
    canvas = painted(canvas_of(), noise(0), 3)
    losses = canvas.learn([Planes(noise(1))], GREY)
    assert losses["fit"] < 1e-4


def test_rows_that_are_nowhere_are_refused() -> None:
    flat = replace(stage_of(1.0), places=None)
    canvas = LinearCanvas(
        Colours(torch.zeros(SIDE * SIDE, 3)), flat.layout, lambda scale: flat, TableOptions(field=6.0)
    )
    with pytest.raises(ConfigError, match=r"`table\.field` needs a scene with a surface"):
        canvas.enter(1.0)


def test_what_is_clamped_is_shown_so() -> None:
    canvas = painted(canvas_of(), torch.full((3, SIDE, SIDE), 3.0), 40)
    assert float(canvas.colours().max()) == 1.0
    assert float(canvas.table.colours().detach().max()) > 1.0
    assert isinstance(canvas.table, FieldTable)
    assert float(canvas.finest_colours().max()) == 1.0
    assert Image(canvas.finest_colours()).shape == (SIDE * SIDE, 3)
