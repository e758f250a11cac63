"""A canvas over a differentiable renderer: deferred gradients are the direct ones, chunk by chunk."""

from __future__ import annotations

import pytest
import torch
from quadratic import run_of, stylize

from nst3d.stylize.field_canvas import FieldCanvas
from nst3d.stylize.guide import Guide
from nst3d.stylize.schedule import Schedule, Stage
from nst3d.stylize.stage_scene import StageScene
from nst3d.tensors import ImageSize

SIZE = ImageSize(6, 7)
GREY = torch.tensor([0.2, 0.4, 0.6], dtype=torch.float64)


class Network:
    """Pixels of three views through a small network that is not linear; the last view sees nothing."""

    def __init__(self, chunk: int = 10) -> None:
        generator = torch.Generator().manual_seed(1)
        self.inputs = torch.randn(3, 42, 4, generator=generator, dtype=torch.float64)
        self.weights = [
            torch.randn(*s, generator=generator, dtype=torch.float64).requires_grad_()
            for s in ((4, 5), (5, 3))
        ]
        self.unused = torch.zeros(2, dtype=torch.float64, requires_grad=True)
        self.opacity = torch.rand(3, *SIZE, generator=generator, dtype=torch.float64)
        self.opacity[2] = 0
        self.chunk, self.scale = chunk, 0.0
        self.with_graph = 0
        """The most pixels that were rendered with a graph at once."""

    def stage(self, scale: float) -> StageScene:
        self.scale = scale
        return StageScene(3)

    def parameters(self) -> list[torch.Tensor]:
        return [*self.weights, self.unused]

    def size(self, view: int) -> ImageSize:
        return SIZE

    def chunks(self, view: int) -> list[tuple[int, int]]:
        return [(k, min(k + self.chunk, 42)) for k in range(0, 42, self.chunk)]

    def rays(self, view: int, first: int, end: int) -> torch.Tensor:
        if torch.is_grad_enabled():
            self.with_graph = max(self.with_graph, end - first)
        opacity = self.opacity[view].reshape(-1, 1)[first:end]
        if not bool(opacity.any()):
            return torch.zeros(end - first, 3, dtype=torch.float64)
        hidden = torch.tanh(self.inputs[view, first:end] @ self.weights[0])
        return opacity * torch.sigmoid(hidden @ self.weights[1])

    def coverage(self, view: int) -> torch.Tensor:
        return self.opacity[view]

    def project_(self) -> None:
        for weight in self.weights:
            weight.data.clamp_(-3, 3)


def direct(field: Network, view: int) -> torch.Tensor:
    image = field.rays(view, 0, 42).T.reshape(3, *SIZE)
    return image + (1 - field.opacity[view]) * GREY[:, None, None]


def canvas_of(field: Network) -> FieldCanvas:
    return FieldCanvas(field, field.stage)


def entered(field: Network) -> FieldCanvas:
    canvas = canvas_of(field)
    canvas.enter(1.0)
    return canvas


@pytest.mark.parametrize("chunk", [1, 10, 42])
def test_gradients_are_those_of_one_graph(chunk: int) -> None:
    field = Network(chunk)
    loss = (entered(field).render(0, GREY) ** 3).sum()
    wanted = (direct(field, 0) ** 3).sum()
    torch.testing.assert_close(loss, wanted)
    deferred = torch.autograd.grad(loss, field.weights)
    torch.testing.assert_close(deferred, torch.autograd.grad(wanted, field.weights))


def test_gradcheck() -> None:
    field = Network(11)
    canvas = entered(field)

    def rendered(*weights: torch.Tensor) -> torch.Tensor:
        field.weights = list(weights)
        return canvas.render(1, GREY)

    assert torch.autograd.gradcheck(rendered, tuple(field.weights))


def test_no_more_than_a_chunk_is_rendered_with_a_graph() -> None:
    field = Network(8)
    canvas = entered(field)
    image = canvas.render(0, GREY)
    assert field.with_graph == 0
    image.sum().backward()
    assert field.with_graph == 8
    assert field.unused.grad is None


def test_what_is_empty_shows_the_background_and_has_no_gradient() -> None:
    field = Network()
    image = entered(field).render(2, GREY)
    torch.testing.assert_close(image, GREY[:, None, None].expand(3, *SIZE))
    image.sum().backward()
    assert field.weights[0].grad is None


class ToDirect(Guide):
    """The mean square distance to what another network of the kind shows."""

    background = GREY

    def __init__(self) -> None:
        other = Network()
        other.weights = [(0.5 * w).detach() for w in other.weights]
        self.targets = [direct(other, view) for view in range(3)]

    def judge(self, look):
        return (look.image - self.targets[look.view]).square().mean(), {}


SCHEDULE = Schedule((Stage(32, 6, 0.05), Stage(64, 40, 0.05)))


def test_the_engine_paints_it() -> None:
    field = Network()
    history = [p.loss for p in stylize(canvas_of(field), lambda stage: ToDirect(), SCHEDULE)]
    assert sum(history[-6:]) < 0.05 * sum(history[:6])
    assert field.scale == 1.0
    assert all(bool((w.abs() <= 3).all()) for w in field.weights)


def test_a_resumed_run_ends_exactly_where_an_unbroken_one_does() -> None:
    whole = Network()
    stylize(canvas_of(whole), lambda stage: ToDirect(), SCHEDULE)
    run = run_of(canvas_of(Network()), lambda stage: ToDirect(), SCHEDULE)
    for progress in run:
        if progress.iteration == 11:
            state = run.state()
            break
    resumed = Network()
    stylize(canvas_of(resumed), lambda stage: ToDirect(), SCHEDULE, state)
    for one, other in zip(whole.weights, resumed.weights):
        torch.testing.assert_close(one, other, rtol=0, atol=0)


def test_it_learns_the_pictures_that_a_teacher_paints() -> None:
    canvas, guide = entered(Network()), ToDirect()

    def distance() -> float:
        images = [canvas.render(view, GREY) for view in range(3)]
        return float(sum((a - b).square().mean() for a, b in zip(images, guide.targets)).detach())

    before = distance()
    canvas.learn(guide.targets, GREY)
    assert distance() < 0.05 * before


def test_paint_of_another_field_is_refused() -> None:
    canvas = entered(Network())
    with pytest.raises(ValueError, match="another field"):
        canvas.restore([torch.zeros(2, 2)])
