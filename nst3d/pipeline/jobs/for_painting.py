"""Writes pictures of a scene for an artist to paint over."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, runtime_checkable

import torch

from nst3d.cameras.pinhole import Camera
from nst3d.errors import ConfigError
from nst3d.files import PathField
from nst3d.operators.base import ViewOperator
from nst3d.pipeline.jobs.open_scene import open_scene
from nst3d.pipeline.kinds.bridges import ALONE, Bridges, Note
from nst3d.pipeline.kinds.flight import Way
from nst3d.pipeline.kinds.named_views import named_view
from nst3d.pipeline.kinds.reference_files import check_not_painted, save_reference
from nst3d.pipeline.kinds.registry import check_options, open_path
from nst3d.pipeline.runtime.out_folder import claimed_folder
from nst3d.pipeline.settings.shown import SceneOptions
from nst3d.tensors import ImageSize


@runtime_checkable
class Compiled(Protocol):
    """A scene whose views are linear in its colours."""

    def view(self, camera: Camera) -> ViewOperator:
        """The view, without light and view-dependence."""


@dataclass(frozen=True)
class ForPaintingJob:
    """Scene, views and output."""

    scene: PathField = PathField()
    out: PathField = PathField()
    """Folder for the pictures."""
    views: tuple[str, ...] = ("front",)
    """front, back, left, right, top, bottom, three-quarter, the number of one of the scene's own cameras, or
    azimuth,elevation[,distance] in degrees."""
    size: ImageSize | None = None
    """Size of the pictures; None: 768 pixels along the long side."""
    field_of_view: float | None = None
    """Field of view of the shorter side, radians; None: 40 degrees."""
    look: SceneOptions = field(default_factory=SceneOptions)
    overwrite: bool = False
    """Replace pictures, but for those that were painted over since."""


def run_for_painting(
    job: ForPaintingJob, note: Note = lambda text: None, bridges: Bridges = ALONE
) -> list[Path]:
    """Write each view as NAME.png, to be painted over, with NAME_original.png and NAME.json beside it.

    Pictures are without light and highlights, as paint lies on the scene, over white. Paint them with `Job.references`.
    Raises Nst3dError subclasses for a scene that cannot be read, a view that is not known, an `out` that is taken and
    a picture there that was painted over.
    """
    opened = open_path(job.scene)
    check_options(("references",), opened)
    pictures = {name: job.out / f"{_file_name(name)}.png" for name in job.views}
    for picture in pictures.values() if job.overwrite else ():
        check_not_painted(picture)
    way = Way(path="cameras", size=job.size or ImageSize(768, 768), field_of_view=job.field_of_view)
    with claimed_folder(job.out, job.overwrite, ()):
        shown = open_scene(job.scene, job.look, way, note, bridges)
        if not isinstance(shown, Compiled):
            raise opened.refusal("render", ", of which there are no pictures to paint over")
        paths: list[Path] = []
        for name in job.views:
            camera = named_view(shown, name, job.size, job.field_of_view)
            view = shown.view(camera)
            if not bool(view.coverage.any()):
                raise ConfigError(f"view {name}: shows nothing of the scene")
            pixels = view.render(torch.from_numpy(shown.colours), 1.0).clamp(0, 1).numpy()
            paths += save_reference(pictures[name], camera, pixels, view.coverage[..., 0].numpy())
    return paths


def _file_name(view: str) -> str:
    return f"camera_{view}" if view.isdecimal() else view.replace(",", "_")
