"""The kind "picture"."""

from __future__ import annotations

import numpy as np

from nst3d.formats.picture import is_picture
from nst3d.images.io import read_image
from nst3d.pipeline.kinds.asset import AssetTable
from nst3d.pipeline.kinds.kind import Kind, Opened, PaintRequest
from nst3d.pipeline.kinds.picture.blend import blend_pictures
from nst3d.pipeline.kinds.picture.inspect import inspect_picture
from nst3d.pipeline.kinds.picture.subject import PictureSubject
from nst3d.pipeline.kinds.registry import register_kind
from nst3d.pipeline.kinds.subject import Subject
from nst3d.pipeline.runtime.findings import Report
from nst3d.pipeline.settings.config import PaintConfig


def _paint(asked: PaintRequest) -> tuple[Subject, PaintConfig]:
    picture = PictureSubject(asked.job.scene, asked.coats, asked.config, asked.note)
    asked.note(*picture.notes)
    return picture, asked.config


def _inspect(opened: Opened, config: PaintConfig) -> Report:
    return inspect_picture(opened.path)


def _table(opened: Opened) -> AssetTable:
    picture = read_image(opened.path)
    colours = picture.pixels.reshape(-1, 3)
    weights = np.ones(len(colours)) if picture.alpha is None else picture.alpha.reshape(-1)
    return AssetTable(colours, weights, None, untextured="a picture has no surface")


register_kind(
    Kind(
        name="picture",
        one="a picture",
        many="pictures",
        sniff=is_picture,
        rank=10,
        paint=_paint,
        inspect=_inspect,
        blend=blend_pictures,
        table=_table,
        options=frozenset({"start", "table.texture_variation"}),
        preset="picture",
    )
)
