"""Regions of fields, splats and points: columns of weights beside the colour table."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial

import numpy as np
import torch

from nst3d.features.encoder import Encoder
from nst3d.operators.cache import CacheTally
from nst3d.pipeline.kinds.radiance.overlap import DepthViews
from nst3d.pipeline.kinds.radiance.scene import RadianceScene, scaled_cameras
from nst3d.pipeline.kinds.radiance.views import RadianceViews, Start
from nst3d.pipeline.kinds.regions import Select, Selectors
from nst3d.pipeline.kinds.selectors.colour import colour_region
from nst3d.pipeline.kinds.selectors.places import place_selectors
from nst3d.pipeline.kinds.selectors.seen import Note, Sights, sight_selectors
from nst3d.pipeline.settings.config import PaintConfig
from nst3d.stylize.layout import Layout
from nst3d.stylize.regions import Regions
from nst3d.stylize.stage_scene import TableStage
from nst3d.tensors import Array, Share

_BEHIND = 0.5
"""Background of the views in which deep features are compared, grey."""


def kept_harmonics(regions: Regions, kept: float) -> Share:
    """The share of its harmonics that each row keeps: `kept` for what is painted, all of them outside the region."""
    if regions.painted is None or kept == 1:
        return kept
    column = regions.columns[regions.painted][:, 0].numpy()
    return 1 - column * np.float32(1 - kept)


def radiance_selectors(
    scene: RadianceScene, config: PaintConfig, encoder: Callable[[], Encoder], note: Note
) -> Selectors:
    """What chooses regions of a field, splats or points: places, colours, and what views show."""
    own = torch.from_numpy(scene.colours)

    @cache
    def stage() -> TableStage:
        cameras = scaled_cameras(scene, config.schedule.finest, config.rig.crop)
        start = Start(own, torch.full((3,), _BEHIND), lambda colours, view: colours)
        return RadianceViews(scene, cameras, config, start, CacheTally()).stage(Layout(len(own)))

    @cache
    def places() -> Array:
        return np.asarray(scene.renderer.positions, np.float64)

    @cache
    def pixel() -> float:
        cameras = scaled_cameras(scene, config.schedule.finest, config.rig.crop)
        return DepthViews(scene.renderer, cameras, config.cache_gb * 1e8).pixel(lambda points: points)

    names = [photo.name for photo in scene.photos]
    sights = Sights(stage, places, pixel, partial(_depth, scene), encoder, note, names)
    by_name: dict[str, Select] = {
        **place_selectors(places),
        "colour": partial(colour_region, own),
        **sight_selectors(sights),
    }
    return Selectors(by_name, places, pixel, forget=stage.cache_clear)


def _depth(scene: RadianceScene, stage: TableStage, view: int) -> Array:
    """The depth (h, w) of a view in the scene's units, inf where it shows nothing."""
    return scene.renderer.draw(stage.cameras[view], scene.colours).depth
