"""The kinds "field", "splats" and "points"."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

from nst3d.formats.fields.registry import is_field
from nst3d.formats.io.peek import Peek
from nst3d.formats.nerfstudio.run import check_place, is_run
from nst3d.formats.registry import format_of
from nst3d.pipeline.kinds.kind import Kind, Opened, PaintRequest, ShowRequest
from nst3d.pipeline.kinds.placing import cameras_in, orientation_of
from nst3d.pipeline.kinds.radiance.asset import field_table, splat_table
from nst3d.pipeline.kinds.radiance.blend import blend_fields, blend_splats
from nst3d.pipeline.kinds.radiance.frame_check import frame_note
from nst3d.pipeline.kinds.radiance.inspect_field import inspect_field
from nst3d.pipeline.kinds.radiance.inspect_points import inspect_points
from nst3d.pipeline.kinds.radiance.inspect_splats import inspect_splats
from nst3d.pipeline.kinds.radiance.scene import RadianceScene, open_field, open_splats, suited
from nst3d.pipeline.kinds.radiance.shown import ShownRadiance, show_field, show_splats
from nst3d.pipeline.kinds.radiance.source import field_source, splat_source
from nst3d.pipeline.kinds.radiance.subject import RadianceSubject
from nst3d.pipeline.kinds.registry import register_kind
from nst3d.pipeline.kinds.subject import Subject
from nst3d.pipeline.runtime.findings import Report
from nst3d.pipeline.settings.config import PaintConfig

_OPTIONS = frozenset({"cameras", "keep_specular", "references", "table.field", "up"})


def _are_splats(peek: Peek) -> bool:
    return format_of(peek, "splats") is not None


def _are_points(peek: Peek) -> bool:
    return format_of(peek, "points") is not None


def painting(open_: Callable[..., RadianceScene]) -> Callable[[PaintRequest], tuple[Subject, PaintConfig]]:
    """How a kind is painted that `open_` (place, cameras, settings, reader of captures) makes ready."""

    def paint(asked: PaintRequest) -> tuple[Subject, PaintConfig]:
        scene = open_(asked.opened.peek, asked.job.cameras, asked.config, asked.reader)
        asked.note(*scene.notes)
        config = suited(asked.config, scene)
        scene = dataclasses.replace(scene, cache=asked.cache)
        return RadianceSubject(scene, asked.coats, config, asked.note), config

    return paint


def showing(show_: Callable[..., ShownRadiance]) -> Callable[[ShowRequest], ShownRadiance]:
    """How a kind is shown that `show_` (place, strength of highlights) makes ready."""

    def show(asked: ShowRequest) -> ShownRadiance:
        capture = asked.capture
        scene = show_(asked.opened.peek, asked.options.specular)
        seen = (
            () if capture is None else (*capture.notes, *frame_note(scene.renderer, scene.colours, capture))
        )
        for text in (*scene.notes, *seen):
            asked.note(text)
        orientation = orientation_of(asked.options, capture) or scene.orientation
        cameras = scene.cameras if capture is None else cameras_in(scene, capture)
        return dataclasses.replace(scene, orientation=orientation, cameras=cameras)

    return show


def _looking(inspect_: Callable[[Path], Report]) -> Callable[[Opened, PaintConfig], Report]:
    return lambda opened, config: inspect_(opened.path)


def _check_out(opened: Opened, out: Path) -> None:
    if is_run(opened.peek):
        check_place(out, opened.peek)


register_kind(
    Kind(
        name="field",
        one="a voxel field",
        many="voxel fields",
        sniff=is_field,
        rank=20,
        paint=painting(open_field),
        show=showing(show_field),
        inspect=_looking(inspect_field),
        blend=blend_fields,
        table=field_table,
        source=field_source,
        options=_OPTIONS,
        preset="capture",
    )
)
register_kind(
    Kind(
        name="splats",
        one="splats",
        many="splats",
        sniff=_are_splats,
        phrase="holds splats",
        rank=30,
        paint=painting(open_splats),
        show=showing(show_splats),
        inspect=_looking(inspect_splats),
        blend=blend_splats,
        table=splat_table,
        source=splat_source,
        check_out=_check_out,
        options=_OPTIONS,
        preset="capture",
    )
)
register_kind(
    Kind(
        name="points",
        one="a point cloud",
        many="point clouds",
        sniff=_are_points,
        rank=40,
        paint=painting(open_splats),
        show=showing(show_splats),
        inspect=_looking(inspect_points),
        blend=blend_splats,
        table=splat_table,
        source=splat_source,
        options=_OPTIONS,
        preset="capture",
        cleaned="mesh",
    )
)
