"""Opens nerfacto runs for painting and rendering; passed to the pipeline, which knows no nerfstudio."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from nst3d.cameras.rigs import standing
from nst3d.errors import InputError
from nst3d.formats.nerfstudio.run import NerfstudioRun, load_run
from nst3d.integrations.nerfstudio.dataparsers import run_cameras
from nst3d.integrations.nerfstudio.package import need_nerfstudio
from nst3d.pipeline.kinds.bridges import Note
from nst3d.pipeline.kinds.paint_job import Job
from nst3d.pipeline.kinds.placing import orientation_of
from nst3d.pipeline.kinds.radiance.scene import suited
from nst3d.pipeline.kinds.shown import Shown
from nst3d.pipeline.kinds.subject import Subject
from nst3d.pipeline.runtime.events import Events
from nst3d.pipeline.runtime.machine import resolve_device
from nst3d.pipeline.settings.config import PaintConfig
from nst3d.pipeline.settings.shown import SceneOptions
from nst3d.representations.capture import Capture
from nst3d.stylize.coat import Coat


def open_nerf(
    job: Job, capture: Capture | None, coats: Sequence[Coat], events: Events
) -> tuple[Subject, PaintConfig]:
    """A nerfacto run as the subject of a paint job, with adapted settings.

    It is painted from the cameras it was trained on, or from those of `capture`, which is in the run's frame.
    Raises InputError for a run that cannot be read or whose data is missing, and MissingDependencyError if
    nerfstudio is not installed.
    """
    need_nerfstudio(str(job.scene))
    from nst3d.integrations.nerfstudio.baked.subject import BakedSubject, baked_scene
    from nst3d.integrations.nerfstudio.model.nerfacto import Nerfacto
    from nst3d.integrations.nerfstudio.native.subject import NativeSubject
    from nst3d.integrations.nerfstudio.shown_nerf import saturation_notes

    run = load_run(job.scene)
    nerf = Nerfacto(run, resolve_device(job.config.device))
    capture = capture or run_cameras(run, job.data)
    for note in (*capture.notes, *saturation_notes(nerf, [p.camera for p in capture.of("train")])):
        events.note(note)
    if (job.config.nerf or "baked") != "baked":
        native = NativeSubject(nerf, capture, coats, job.config, job.data)
        return native, native.config
    baked, scene = baked_scene(nerf, capture, job.config, _Counter(events), job.data)
    for note in scene.notes:
        events.note(note)
    config = suited(job.config, scene)
    return BakedSubject(baked, scene, coats, config), config


def show_nerf(path: Path, options: SceneOptions, capture: Capture | None, note: Note) -> Shown:
    """A nerfacto run for rendering with nerfstudio's own modules.

    If its data is missing, a note says so, and camera paths along its cameras are not available.
    """
    need_nerfstudio(str(path))
    from nst3d.integrations.nerfstudio.model.nerfacto import Nerfacto
    from nst3d.integrations.nerfstudio.shown_nerf import ShownNerf, seen_hull

    run = load_run(path)
    nerf = Nerfacto(run, resolve_device("auto"))
    capture = capture or _own_capture(run, options.data, note)
    up = np.array([0.0, 0.0, 1.0]) if capture is None else capture.up
    orientation = orientation_of(options, None) or standing(up)
    cameras = () if capture is None else tuple(p.camera for p in capture.of("train"))
    return ShownNerf(nerf, orientation, seen_hull(nerf, cameras, orientation), cameras)


def _own_capture(run: NerfstudioRun, data: Path | None, note: Note) -> Capture | None:
    try:
        capture = run_cameras(run, data)
    except InputError as error:
        if data is not None:
            raise
        note(f"its cameras are not known ({error})")
        return None
    for text in capture.notes:
        note(text)
    return capture


class _Counter:
    """Reports progress of long work before painting begins, about ten times."""

    def __init__(self, events: Events) -> None:
        self._events, self._told = events, ("", 0)

    def __call__(self, what: str, done: int, total: int) -> None:
        tenth = (what, 10 * done // total)
        if tenth != self._told:
            self._told = tenth
            self._events.phase(f"{what}: {done} of {total}")
