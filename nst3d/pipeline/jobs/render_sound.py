"""A sound that moves a film between the states of its scene."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from nst3d.errors import ConfigError
from nst3d.pipeline.jobs.render_options import Compare, RenderJob
from nst3d.pipeline.kinds.bridges import Note
from nst3d.pipeline.kinds.flight import Plan
from nst3d.pipeline.settings.overrides import read_yaml
from nst3d.sounds.envelope import strengths
from nst3d.sounds.read import Sound, read_sound

_RECORD = "config.yaml"
"""What a painting writes beside its asset."""


@dataclass(frozen=True)
class Heard:
    """A render job, and its sound."""

    job: RenderJob
    sound: Sound | None = None

    def moved(self, plan: Plan) -> Plan:
        """The plan, whose frames are at the strengths of the sound in place of fractions of the path."""
        if self.sound is None:
            return plan
        return replace(plan, shares=strengths(self.sound, np.arange(len(plan.cameras)) / plan.fps))


def with_sound(job: RenderJob, note: Note) -> Heard:
    """The job with its sound read, as long as that, and with the states that it moves between.

    Those are the scene's `before` and itself, or the scene and those that follow; or what a painted asset was painted
    from, by the config.yaml beside it, and itself. Raises InputError for a sound that cannot be read, ConfigError for a
    scene of one state.
    """
    if job.sound is None:
        return Heard(job)
    sound = read_sound(job.sound)
    for text in sound.notes:
        note(text)
    way = job.way
    if way.frames is None and way.seconds is None:
        way = replace(way, seconds=sound.seconds)
    elif way.seconds is not None and way.seconds > sound.seconds:
        note(
            f"the film is longer than {job.sound} ({sound.seconds:.1f} s): its end is as where that is silent"
        )
    if job.then:
        return Heard(replace(job, way=way), sound)
    before = job.compare.before or _unpainted(job.scene)
    return Heard(replace(job, scene=before, then=(job.scene,), compare=Compare(), way=way), sound)


def _unpainted(scene: Path) -> Path:
    """What an asset was painted from. ConfigError if nothing says it."""
    record = (scene if scene.is_dir() else scene.parent) / _RECORD
    named = read_yaml(record).get("scene") if record.is_file() else None
    if not isinstance(named, str):
        raise ConfigError(
            f"`sound` moves a scene between two states, and {scene} is one: give `before`, the scene as it was"
            f" before it was painted (there is no {_RECORD} of its painting that says it)"
        )
    if not Path(named).exists():
        raise ConfigError(f"{record}: {named}, which was painted, is no longer there: give it as `before`")
    return Path(named)
