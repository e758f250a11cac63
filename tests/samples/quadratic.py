"""A canvas of four small views, and a guide whose minimum is known."""

from __future__ import annotations

import torch

from nst3d.operators import Cropped, IdentityView
from nst3d.stylize.canvas import TableOptions
from nst3d.stylize.engine import Progress, Run, RunState
from nst3d.stylize.guide import Guide
from nst3d.stylize.layout import Layout, resampled
from nst3d.stylize.linear_canvas import LinearCanvas
from nst3d.stylize.look import Look
from nst3d.stylize.phases import Please
from nst3d.stylize.schedule import Schedule, Stage
from nst3d.stylize.stage_scene import TableStage
from nst3d.tensors import ImageSize

SIZE = ImageSize(16, 24)
LAYOUT = Layout.of_images([SIZE])
PLAIN = TableOptions(pyramid_levels=1, coverage_power=0, clamp=False)


def noise(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


TARGET = noise(LAYOUT.num_colours, 3, seed=4)


def quarters(scale: float) -> TableStage:
    """The four quarters of a picture."""
    layout = LAYOUT.scaled(scale)
    height, width = layout.images[0]
    whole, size = IdentityView(layout.images[0]), ImageSize(height // 2, width // 2)
    starts = [(0, 0), (0, size.width), (size.height, 0), (size.height, size.width)]
    return TableStage(views=[Cropped(whole, *start, size) for start in starts], layout=layout)


def canvas(options: TableOptions | None = None) -> LinearCanvas:
    return LinearCanvas(torch.full_like(TARGET, 0.5), LAYOUT, quarters, options or PLAIN)


class ToTarget(Guide):
    """The mean square distance to the quarters of a target picture; plus a floor; lists what it judges and notes."""

    background = torch.ones(3, dtype=torch.float64)

    def __init__(self, scale: float, floor: float = 0.0) -> None:
        self.floor = floor
        stage = quarters(scale)
        colours = resampled(TARGET, LAYOUT, stage.layout)
        self.targets = [view.apply(colours).permute(2, 0, 1) for view in stage.views]
        self.seen: list[int] = []
        self.noted: list[int] = []

    def judge(self, look: Look):
        self.seen.append(look.view)
        loss = (look.image - self.targets[look.view]).square().mean() + self.floor
        return loss, {"distance": float(loss.detach())}

    def note(self, look: Look) -> None:
        self.noted.append(look.view)


def run_of(painted, guide_of, schedule: Schedule, resume: RunState | None = None) -> Run:
    return Run(painted, [Please(schedule, guide_of)], schedule.seed, resume)


def to_target(stage: Stage) -> ToTarget:
    return ToTarget(stage.size / 64)


def stylize(painted, guide_of, schedule: Schedule, resume: RunState | None = None) -> list[Progress]:
    return list(run_of(painted, guide_of, schedule, resume))
