"""The kind "nerf", which is handled by nerfstudio through a job's bridges."""

from __future__ import annotations

from pathlib import Path

from nst3d.formats.io.peek import Peek
from nst3d.formats.nerfstudio.run import check_place, is_run, run_method
from nst3d.pipeline.kinds.kind import Kind, Opened, PaintRequest, ShowRequest
from nst3d.pipeline.kinds.radiance.inspect_run import inspect_nerf
from nst3d.pipeline.kinds.registry import register_kind
from nst3d.pipeline.kinds.shown import Shown
from nst3d.pipeline.kinds.subject import Subject
from nst3d.pipeline.runtime.findings import Report
from nst3d.pipeline.settings.config import PaintConfig


def _sniff(peek: Peek) -> bool:
    return is_run(peek) and run_method(peek) == "nerfacto"


def _paint(asked: PaintRequest) -> tuple[Subject, PaintConfig]:
    job = asked.job
    capture = None if job.cameras is None else asked.reader.for_scene(job.cameras, job.scene)
    return asked.bridges.open_nerf(job, capture, asked.coats, asked.events)


def _show(asked: ShowRequest) -> Shown:
    return asked.bridges.show_nerf(asked.opened.path, asked.options, asked.capture, asked.note)


def _inspect(opened: Opened, config: PaintConfig) -> Report:
    return inspect_nerf(opened.path)


def _check_out(opened: Opened, out: Path) -> None:
    check_place(out, opened.peek)


register_kind(
    Kind(
        name="nerf",
        one="a NeRF",
        many="nerfacto runs",
        sniff=_sniff,
        phrase="is a nerfacto run",
        rank=50,
        paint=_paint,
        show=_show,
        inspect=_inspect,
        check_out=_check_out,
        options=frozenset({"cameras", "keep_specular", "nerf", "data"}),
        preset="capture",
        hints={
            "export": "; nerfstudio's ns-export makes meshes and point clouds from it",
            "view": "; nst3d render renders it",
        },
    )
)
