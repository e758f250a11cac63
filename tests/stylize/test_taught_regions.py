"""A teacher paints a region as if it were the whole scene, and the scene around it stays as it was."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
import torch

from nst3d.operators.sparse import Csr, SparseView
from nst3d.stylize.canvas import TableOptions
from nst3d.stylize.coat import Coat
from nst3d.stylize.engine import Run
from nst3d.stylize.layout import Layout
from nst3d.stylize.linear_canvas import LinearCanvas
from nst3d.stylize.look import Look
from nst3d.stylize.phases import Teach
from nst3d.stylize.regions import Regions
from nst3d.stylize.stage_scene import TableStage
from nst3d.stylize.style import Style
from nst3d.tensors import ImageSize

PINK = Style((torch.tensor([1.0, 0.5, 0.5]).expand(16, 16, 3),))
START = torch.tensor([[0.1, 0.2, 0.3], [0.9, 0.1, 0.1], [0.2, 0.8, 0.4]])
REGION = torch.tensor([[0.0], [1.0], [1.0]])


class Paints:
    """Paints what it sees of the scene in one colour, and keeps what it was shown."""

    def __init__(self, colour: Sequence[float]) -> None:
        self.colour, self.looks = torch.tensor(colour), list[Look]()

    def teach(self, pictures, looks, styles):
        self.looks += looks
        cover = [look.coverage[..., None] for look in looks]
        return [c * self.colour + (1 - c) * styles[0].background for c in cover]


def edge_view() -> SparseView:
    """Five pixels: row 0, half of rows 0 and 1 each, row 1, row 2, and nothing."""
    starts, columns = np.array([0, 1, 3, 4, 5]), np.array([0, 0, 1, 1, 2], np.int32)
    weights = np.array([1, 0.5, 0.5, 1, 1], np.float32)
    return SparseView(ImageSize(1, 5), 3, np.arange(4, dtype=np.int32), Csr(starts, columns, weights))


def taught(teacher: Paints, region: torch.Tensor | None) -> tuple[LinearCanvas, dict[str, float]]:
    view, layout = edge_view(), Layout(3)
    regions = Regions() if region is None else Regions({"part": region}, "part")
    canvas = LinearCanvas(
        START, layout, lambda scale: TableStage(views=[view], layout=layout), TableOptions(1, 0), regions
    )
    (progress,) = Run(canvas, [Teach(teacher, [Coat([PINK])])])
    return canvas, progress.losses


def test_only_the_region_is_shown_and_painted_up_to_its_edge() -> None:
    teacher = Paints((0.3, 0.6, 0.9))
    canvas, losses = taught(teacher, REGION)
    (look,) = teacher.looks
    pink = PINK.background
    shown = torch.stack([pink, (START[1] + pink) / 2, START[1], START[2], pink])
    torch.testing.assert_close(look.image[:, 0].T, shown)
    torch.testing.assert_close(look.coverage[0], torch.tensor([0, 0.5, 1, 1, 0]))
    painted = canvas.finest_colours()
    assert torch.equal(painted[0], START[0])
    torch.testing.assert_close(painted[1:], teacher.colour.expand(2, 3), rtol=0, atol=2e-3)
    assert losses["fit"] < 1e-5


def test_a_region_of_half_weight_gets_half_of_the_paint_however_often_it_is_taught() -> None:
    teacher = Paints((0.3, 0.6, 0.9))
    view, layout = edge_view(), Layout(3)
    half = Regions({"part": REGION / 2}, "part")
    canvas = LinearCanvas(
        START, layout, lambda scale: TableStage(views=[view], layout=layout), TableOptions(1, 0), half
    )
    for _ in Run(canvas, [Teach(teacher, [Coat([PINK])], rounds=3)]):
        pass
    painted = canvas.finest_colours()
    torch.testing.assert_close(painted[1:], (START[1:] + teacher.colour) / 2, rtol=0, atol=5e-3)


@pytest.mark.parametrize("region", [None, REGION])
def test_the_fit_is_that_of_what_is_painted(region) -> None:
    class Background(Paints):
        """Paints nothing but the empty pixels, in a colour that nothing can learn."""

        def teach(self, pictures, looks, styles):
            return [torch.where(k.coverage[..., None] > 0, p, 0.0) for p, k in zip(pictures, looks)]

    _, losses = taught(Background((0, 0, 0)), region)
    assert losses["fit"] < 1e-8
