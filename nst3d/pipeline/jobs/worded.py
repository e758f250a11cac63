"""What a job needs whose styles have no pictures: words, sounds, or what a teacher alone knows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import starmap
from pathlib import Path

import torch

from nst3d.errors import ConfigError, MissingDependencyError
from nst3d.features.attention.tokens import told_cut_off
from nst3d.networks.sentences import Sentences, has_sentences, load_sentences
from nst3d.networks.tagger import load_tagger
from nst3d.pipeline.choosing.choice import choose, told
from nst3d.pipeline.choosing.library import Captioned, read_library
from nst3d.pipeline.choosing.swap import Swap, swapped
from nst3d.pipeline.kinds.paint_job import Job
from nst3d.pipeline.runtime.events import Events
from nst3d.pipeline.settings.config import reads_words
from nst3d.pipeline.settings.direction import Direction, StyleEntry, named_pictures, named_words
from nst3d.sounds.looks import looks_of
from nst3d.sounds.read import read_sound
from nst3d.sounds.tags import tags_of
from nst3d.stylize.coat import Coat, painted
from nst3d.stylize.stage_guide import ready
from nst3d.stylize.style import Style
from nst3d.stylize.teachers.registry import TEACHERS, teacher_ready

Note = Callable[[str], None]
_SHOWN_TAGS = 5


def check_words(job: Job) -> None:
    """Raise ConfigError if a style without a picture is asked for where only pictures help."""
    bare = {name: style for name, style in job.directed.styles.items() if not style.images}
    if any(style.sound for style in job.directed.styles.values()) and not job.config.schedule.total:
        raise ConfigError("a sound is followed step by step: give `iterations` above 0")
    if not bare:
        return
    matched = (entry.style for entry in job.directed.expanded.entries if entry.match)
    if any(name in bare for style in matched for name in style):
        raise ConfigError(f"match divides pictures, and {next(iter(bare))!r} has none: leave out match")
    teacher, steps = job.config.teach.teacher, bool(job.config.schedule.total)
    if reads_words(job.config.teach.teacher):
        return
    if teacher is not None and TEACHERS.get(teacher).needs_style:
        name, style = next(iter(bare.items()))
        said = "a style of words" if style.text or style.avoid else "a style without one"
        told = "a sound" if style.sound else said
        raise ConfigError(
            f"the teacher {teacher} paints from pictures, and {name!r} is {told}:"
            " give it a picture, too, or leave out the teacher"
        )
    if teacher is None and any(style.taught for style in bare.values()):
        name = next(name for name, style in bare.items() if style.taught)
        raise ConfigError(f"{name!r} is a style that a teacher alone knows: give `teacher`")
    worded = any(style.text or style.avoid or style.sound for style in bare.values())
    if worded and not steps:
        raise ConfigError("words are followed step by step: give `iterations` above 0")
    if not worded and steps and len(bare) == len(job.directed.styles):
        raise ConfigError(
            f"the teacher {teacher} paints alone, and nothing could judge the steps after it: give `iterations` 0,"
            " or a style"
        )


def ready_coats(job: Job, coats: list[Coat], events: Events) -> list[Coat]:
    """The coats of a job, once its guides and its teacher have what they need; their notes are told."""
    check_words(job)
    own, teach = painted(coats), job.config.teach
    if job.config.schedule.total:
        followed = [replace(coat, words_painted=reads_words(job.config.teach.teacher)) for coat in own]
        for text in ready(job.config.recipe, followed):
            events.note(text)
    if teach.teacher is not None:
        for coat in own:
            for text in teacher_ready(teach.teacher, teach.options, coat.styles):
                events.note(text)
    return coats


def with_choice(job: Job, note: Note) -> Job:
    """The job with its sound as a style or as words, and with styles for its words, unless CLIP is to follow them.

    Raises InputError for a sound or a folder of pictures that cannot be read, MissingDependencyError if a network for
    them is not on this machine.
    """
    direction = job.directed if job.sound is None else _heard(job, note)
    bare = {name: style for name, style in direction.styles.items() if style.text or style.avoid}
    if job.words != "auto" and not bare and not any(style.sound for style in direction.styles.values()):
        raise ConfigError("`words` says how words paint, and there are none: give `text`, or leave it out")
    if job.words == "choose" and reads_words(job.config.teach.teacher):
        raise ConfigError(f"the teacher {job.config.teach.teacher} reads words itself: leave out `words`")
    why = _why_choose(job, bare) if bare else ""
    if why:
        direction = _chosen(job, direction, why, note)
    elif job.library is not None:
        raise ConfigError("`library` is what words choose from: give `text`, and `words='choose'`")
    return replace(job, chosen=direction) if why or job.sound is not None else job


def _heard(job: Job, note: Note) -> Direction:
    """The job's styles with what its sound is heard as, which has a weight of 1."""
    assert job.sound is not None
    styles = {**named_pictures(job.styles), **named_words(job.texts, job.avoid)}
    if _embedded(job):
        note(f"{job.sound} is followed in CLIP's space, as Wav2CLIP hears it")
        styles |= {f"sound {job.sound.name}": StyleEntry(sound=job.sound)}
    else:
        styles |= _tagged(job.sound, note)
    return Direction.of(styles, job.config.region, job.config.stroke)


def _embedded(job: Job) -> bool:
    """Whether the job's sound is heard in CLIP's space.

    If that is asked for, raises ConfigError where it cannot be, and MissingDependencyError without the weights.
    """
    stepless = job.config.teach.teacher is not None or not job.config.schedule.total
    if job.sound_as == "tags" or (job.sound_as == "auto" and (stepless or job.words == "choose")):
        return False
    if stepless:
        raise ConfigError("`sound_as='embedding'` is followed step by step: leave out `teacher` and `method`")
    if job.words == "choose":
        raise ConfigError("`sound_as='embedding'` is followed by CLIP: leave out `words='choose'`")
    try:
        list(ready(job.config.recipe, [Coat([Style((), "sound", heard=torch.zeros(1))])]))
    except (MissingDependencyError, ConfigError):
        if job.sound_as == "auto":
            return False
        raise
    return True


def _tagged(path: Path, note: Note) -> dict[str, StyleEntry]:
    """Styles of words for what a sound is heard as, whose weights add up to 1."""
    sound = read_sound(path)
    for text in sound.notes:
        note(text)
    tags = tags_of(sound, load_tagger())
    looks = looks_of(tags)
    heard = ", ".join(f"{tag} {share:.2f}" for tag, share in list(tags.items())[:_SHOWN_TAGS])
    words = "; ".join(f"{text!r} {share:.0%}" for text, share in looks.items())
    note(f"{path} is heard as {heard}; by a table made by hand, that looks like {words}")
    return {text: StyleEntry(text=text, weight=share) for text, share in looks.items()}


def _why_choose(job: Job, styles: dict[str, StyleEntry]) -> str:
    """Why the words of these styles choose others, for a note; "": they do not, as CLIP follows them."""
    if reads_words(job.config.teach.teacher):
        return ""
    if job.words != "auto":
        return "`words` says so" if job.words == "choose" else ""
    if _own_styles(job):
        return "it paints in no others"
    teach, steps = job.config.teach, bool(job.config.schedule.total)
    stepless = teach.teacher is not None or not steps
    if stepless and all(style.images for style in styles.values()):
        return ""
    if stepless:
        could = steps and teach.alone  # without a network that reads sentences, CLIP may still follow them
        return "" if could and not has_sentences() else "nothing follows them step by step"
    bare = [Style((), name, text=style.text, avoid=style.avoid) for name, style in styles.items()]
    try:
        list(ready(job.config.recipe, [Coat(bare)]))
    except MissingDependencyError as error:
        if has_sentences():
            return "CLIP is not here"
        raise MissingDependencyError(f"{error}; or let words choose pictures: {_lacking()}") from None
    return ""


def _own_styles(job: Job) -> list[Captioned]:
    """The styles that the job's teacher alone knows, if words choose among them and not in a folder of pictures."""
    return [] if job.library is not None else list(starmap(Captioned, job.config.teach.own_styles.items()))


def _lacking() -> str:
    """What to install before words can choose."""
    try:
        load_sentences()
    except MissingDependencyError as error:
        return str(error)
    raise AssertionError("nothing is lacking")


def _chosen(job: Job, direction: Direction, why: str, note: Note) -> Direction:
    """The direction with styles that have pictures, or that the job's teacher knows, in the place of words."""
    own = _own_styles(job)
    among = _Among(
        load_sentences(),
        own or read_library(job.library),
        f"styles of the teacher {job.config.teach.teacher}" if own else "pictures",
        why,
    )
    everywhere = [s.avoid for s in direction.styles.values() if s.avoid and not s.text and not s.images]
    swaps: dict[str, Swap] = {}
    for name, style in direction.styles.items():
        if not (style.text or style.avoid):
            continue
        kept = {name: replace(style, text="", avoid="")} if style.images else {}
        found = Swap({}, {})
        if style.images and not (own and style.text):
            note(f"style {name!r} is its pictures alone: its words are for CLIP, and not followed, as {why}")
        elif style.text:
            found = among.swap(name, style, everywhere, note)
        swaps[name] = Swap({**kept, **found.styles}, {**dict.fromkeys(kept, 1.0), **found.shares})
    return swapped(direction, swaps)


@dataclass(frozen=True)
class _Among:
    """Chooses styles for words."""

    reader: Sentences
    styles: list[Captioned]
    what: str
    """All of them, for notes."""
    why: str
    """Why words choose, for notes."""

    def swap(self, name: str, style: StyleEntry, everywhere: list[str], note: Note) -> Swap:
        """Chosen styles in the place of a style of words; what is to be avoided `everywhere` is, here, too."""
        left = self.reader.left_out(style.text)
        if left:
            note(told_cut_off("the network for sentences", style.text, 126, left))
        avoid = [*everywhere, *([style.avoid] if style.avoid else [])]
        chosen = choose(self.reader, style.text, avoid, self.styles)
        note(told(style.text, chosen, self.what, self.why))
        entries, shares = dict[str, StyleEntry](), dict[str, float]()
        for each in chosen:
            if each.style.path is None:  # all words that choose it mean the same style, which has its name
                own, weight = each.style.name, style.weight
                entries[own] = replace(style, images=(), text="", avoid="", taught=True, weight=1.0)
            else:
                own, weight = f"{name}: {each.style.name}", 1.0
                entries[own] = replace(style, images=(each.style.path,), text="", avoid="")
            shares[own] = weight * each.share
        return Swap(entries, shares)
