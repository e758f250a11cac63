"""A canvas of four small views, and a criterion whose minimum is known."""

from __future__ import annotations

import torch

from nst3d.operators import Cropped, IdentityView
from nst3d.stylize.canvas import LinearCanvas, StageViews, TableOptions
from nst3d.stylize.layout import Layout, resampled
from nst3d.tensors import ImageSize

SIZE = ImageSize(16, 24)
LAYOUT = Layout.of_images([SIZE])
PLAIN = TableOptions(pyramid_levels=1, coverage_power=0, clamp=False)


def noise(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


TARGET = noise(LAYOUT.num_colours, 3, seed=4)


def quarters(scale: float) -> StageViews:
    """The four quarters of a picture."""
    layout = LAYOUT.scaled(scale)
    height, width = layout.images[0]
    whole, size = IdentityView(layout.images[0]), ImageSize(height // 2, width // 2)
    starts = [(0, 0), (0, size.width), (size.height, 0), (size.height, size.width)]
    return StageViews([Cropped(whole, *start, size) for start in starts], layout)


def canvas(options: TableOptions | None = None) -> LinearCanvas:
    return LinearCanvas(torch.full_like(TARGET, 0.5), LAYOUT, quarters, options or PLAIN)


class ToTarget:
    """The mean square distance to the quarters of a target picture; plus a floor; notes the views that it sees."""

    background = torch.ones(3, dtype=torch.float64)

    def __init__(self, scale: float, floor: float = 0.0) -> None:
        self.floor = floor
        stage = quarters(scale)
        colours = resampled(TARGET, LAYOUT, stage.layout)
        self.targets = [view.apply(colours).permute(2, 0, 1) for view in stage.views]
        self.seen: list[int] = []

    def __call__(self, image, coverage, view):
        self.seen.append(view)
        loss = (image - self.targets[view]).square().mean() + self.floor
        return loss, {"distance": float(loss.detach())}
