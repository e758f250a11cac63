"""What a job needs that paints by words."""

from __future__ import annotations

from nst3d.errors import ConfigError
from nst3d.pipeline.kinds.paint_job import Job
from nst3d.pipeline.runtime.events import Events
from nst3d.stylize.coat import Coat, painted
from nst3d.stylize.stage_guide import ready


def check_words(job: Job) -> None:
    """Raise ConfigError if a style without a picture is asked for where only pictures help."""
    bare = [name for name, style in job.directed.styles.items() if not style.images]
    if not bare:
        return
    if job.config.teach.teacher is not None:
        raise ConfigError(
            f"the teacher {job.config.teach.teacher} paints from pictures, and {bare[0]!r} is a style of words:"
            " give it a picture, too, or leave out the teacher"
        )
    if not job.config.schedule.total:
        raise ConfigError("words are followed step by step: give `iterations` above 0")
    if any(entry.match and set(bare) & set(entry.style) for entry in job.directed.expanded.entries):
        raise ConfigError(f"match divides pictures, and {bare[0]!r} is a style of words: leave out match")


def ready_coats(job: Job, coats: list[Coat], events: Events) -> list[Coat]:
    """The coats of a job, once its guides have what they need to follow them; their notes are told."""
    check_words(job)
    for text in ready(job.config.recipe, painted(coats)):
        events.note(text)
    return coats
