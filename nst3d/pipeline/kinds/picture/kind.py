"""The kind "picture"."""

from __future__ import annotations

from nst3d.formats.picture import is_picture
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
        options=frozenset({"start", "table.texture_variation"}),
        preset="picture",
    )
)
