"""Paints objects of other packages in memory."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from nst3d.files import PathLike
from nst3d.formats.io.peek import Peek
from nst3d.integrations.bridges import BRIDGES
from nst3d.integrations.objects import ObjectKind, Painted, kind_of_object
from nst3d.pipeline.jobs.painter import Company, Painter, company_for
from nst3d.pipeline.jobs.prepare import prepare
from nst3d.pipeline.kinds.kind import Opened
from nst3d.pipeline.kinds.registry import kind_named
from nst3d.pipeline.runtime.checkpoints import Keeper
from nst3d.pipeline.runtime.events import Events, Listener
from nst3d.pipeline.runtime.machine import use_threads
from nst3d.pipeline.settings.config import PaintConfig, load_preset
from nst3d.representations.mesh import Mesh
from nst3d.representations.splats import Splats
from nst3d.stylize.guides import MakeGuide
from nst3d.stylize.teachers.registry import Teacher


def paint(
    scene: Any,
    styles: PathLike | Iterable[PathLike],
    config: PaintConfig | None = None,
    *,
    listeners: Listener | Iterable[Listener] = (),
    guides: Mapping[str, MakeGuide] | None = None,
    teachers: Sequence[Teacher] = (),
) -> Any:
    """A painted copy of an object of another package, of the same class; the object itself is not changed.

    `scene` is a `trimesh.Trimesh` or `trimesh.Scene`, an Open3D `TriangleMesh` or `PointCloud`, or PyTorch3D
    `Meshes`; `styles` are image files. What has usable UVs gets new textures, what has vertex colours new ones;
    anything else a new atlas, which splits vertices at its seams. Painting on vertices subdivides long edges.
    `config` None: the preset for such scenes. Nothing is written. `listeners`, `guides` and `teachers` are as in
    `run_job`.

    Raises ConfigError for other objects, InputError for one without faces or points, and Nst3dError subclasses
    like `run_job`. Ctrl-C raises KeyboardInterrupt.
    """
    row = kind_of_object(scene)
    config = config or load_preset(kind_named(row.scene).preset)
    use_threads(config.threads)
    company = company_for(config, guides, teachers)
    events = Events(listeners)
    painted = [_painted(row, content, styles, config, events, company) for content in row.read(scene)]
    return row.give(scene, painted)


def _painted(
    row: ObjectKind,
    content: Mesh | Splats,
    styles: PathLike | Iterable[PathLike],
    config: PaintConfig,
    events: Events,
    company: Company,
) -> Painted:
    opened = Opened(kind_named(row.scene), Peek(Path(row.name), content))
    ready = prepare(row.name, styles, config, listeners=events.tell, bridges=BRIDGES, opened=opened)
    keeper = Keeper(Path(), "", 0, False)
    painter = Painter(ready.config, ready.subject, ready.coats, keeper, events, company)
    for _ in painter.steps():
        pass
    return Painted(ready.subject, painter.result())
