"""The stage of a single picture, whose pixels are its table of colours."""

from __future__ import annotations

from nst3d.operators.identity import IdentityView
from nst3d.stylize.layout import Layout, resampled
from nst3d.stylize.stage_scene import TableStage
from nst3d.tensors import Colours, ImageSize, to_planes


def picture_stage(content: Colours, layout: Layout, scale: float) -> TableStage:
    """One view at a scale: the picture itself. Its content is the table `content` (n, 3) in the finest `layout`."""
    scaled = layout.scaled(scale)
    picture = to_planes(scaled.split(resampled(content, layout, scaled))[0])
    height, width = scaled.images[0]
    return TableStage(
        views=[IdentityView(scaled.images[0])],
        layout=scaled,
        content=lambda view: picture,
        coarse=lambda view, stride: IdentityView(ImageSize(height // stride, width // stride)),
    )
