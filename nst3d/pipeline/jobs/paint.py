"""A whole paint job: from a scene and a style to an asset, pictures, a configuration and numbers."""

from __future__ import annotations

import hashlib
import json
import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

from nst3d.errors import ConfigError
from nst3d.files import write_bytes
from nst3d.pipeline.jobs.matching import matched_coats
from nst3d.pipeline.jobs.painter import Company, Painter, company_for
from nst3d.pipeline.jobs.references import read_references
from nst3d.pipeline.jobs.worded import ready_coats, with_choice
from nst3d.pipeline.kinds.bridges import ALONE, Bridges
from nst3d.pipeline.kinds.kind import Opened, PaintRequest
from nst3d.pipeline.kinds.paint_job import Job, Result
from nst3d.pipeline.kinds.regions import mask_files
from nst3d.pipeline.kinds.registry import check_options, cleaned, open_path
from nst3d.pipeline.kinds.subject import Subject
from nst3d.pipeline.runtime.checkpoints import Keeper
from nst3d.pipeline.runtime.early_look import PREVIEW
from nst3d.pipeline.runtime.events import Events, Listener
from nst3d.pipeline.runtime.fingerprint import add_file, add_place, add_scene
from nst3d.pipeline.runtime.loss_log import LossLog
from nst3d.pipeline.runtime.machine import Clock, made_with, peak_memory_gb, use_threads
from nst3d.pipeline.runtime.out_folder import STARTS_OVER, claimed_folder, resumable
from nst3d.pipeline.runtime.scene_cache import SceneCache
from nst3d.pipeline.runtime.steadiness import steadiness_of
from nst3d.pipeline.settings.config import PaintConfig
from nst3d.pipeline.settings.overrides import as_plain
from nst3d.pipeline.styles import palette_file
from nst3d.stylize.guides import MakeGuide
from nst3d.stylize.teachers.registry import Teacher
from nst3d.stylize.terms import merged

CHECKPOINT = "checkpoint.pt"
CONFIG = "config.yaml"
"""The settings of a job, in its folder."""
METRICS = "metrics.json"
"""The numbers of a job, written at its end."""
_FLIGHTS = ("turntable.mp4", "flight.mp4")
_SHOWN = ("sheet.png", *_FLIGHTS)
"""Files in which subjects show several views."""


def run_job(
    job: Job,
    listeners: Listener | Iterable[Listener] = (),
    bridges: Bridges = ALONE,
    *,
    guides: Mapping[str, MakeGuide] | None = None,
    teachers: Sequence[Teacher] = (),
    opened: Opened | None = None,
    notes: Sequence[str] = (),
) -> Result:
    """Paint a scene and write everything into `job.out`.

    `listeners` receive the job's events; `bridges` provide optional packages. `guides` are added to the recipe's
    with weight 1, count in all that is painted and get the styles of all regions. `teachers` paint the views
    before the guides do, one after the other. `opened` is the result of `open_path` for the scene, if already
    known. `notes` say how the caller chose the settings: they are passed on when painting begins, as an error
    before that makes them pointless.

    Raises Nst3dError subclasses for errors that the user can fix. Ctrl-C ends the painting early: the asset
    is written in its current state, without pictures and videos of several views, plus a checkpoint to resume
    from. A second Ctrl-C raises KeyboardInterrupt at once; partial files are never left behind.
    """
    notes = list(notes)
    job = with_choice(job, notes.append)
    bridges.casting(job.config)  # report a missing package before anything is read,
    company = company_for(job.config, guides, teachers)  # and what a network lacks
    again = job.resume
    if again and not resumable(job.out / CHECKPOINT, job.out / CONFIG, job.out / METRICS):
        job = replace(job, resume=False)  # known first, as reading the scene may take long
    opened = opened or open_path(job.scene)
    if opened.kind.check_out is not None:
        opened.kind.check_out(opened, job.out)
    events = Events(listeners)
    if again and not job.resume:
        events.note(STARTS_OVER)
    with claimed_folder(job.out, job.overwrite or again, [CONFIG, PREVIEW]):
        return _paint(job, opened, events, bridges, company, notes)


def _paint(
    job: Job, opened: Opened, events: Events, bridges: Bridges, company: Company, notes: Sequence[str]
) -> Result:
    use_threads(job.config.threads)
    clock = Clock()
    events.phase("reading")
    guests = read_references(job.references, events.note)
    job = replace(job, config=guests.suited(job.config, job.styled))
    coats = ready_coats(job, guests.coats(job, events), events)
    clock.lap("read_s")
    events.phase("preparing")
    opened = checked(job, opened)
    seconds = job.config.output.checkpoint_seconds
    keeper = Keeper(
        job.out / CHECKPOINT, _fingerprint(job, opened, company), seconds, job.resume, events.note
    )
    log = LossLog()
    events.add(keeper, log)
    reader = bridges.reader(job.dataparser, job.cameras)
    cache = SceneCache.opened(events.note)
    request = PaintRequest(opened, job, coats, reader, events, bridges, keeper, cache)
    matched = matched_coats(request, open_subject)
    subject, config = open_subject(replace(request, coats=matched.coats))
    clock.lap("prepare_s")
    events.phase("painting")
    for text in notes:
        events.note(text)
    company = guests.company(subject, config, company, events, job.styled)
    painter = Painter(config, subject, matched.coats, keeper, events, company)
    # Only now: an earlier run's files stay intact until this one is known to work.
    write_bytes(job.out / CONFIG, _config_yaml(job))
    maps = matched.write(job.out)
    interrupted = painter.paint()
    clock.lap("paint_s")
    try:
        events.phase("writing")
        painted = painter.result()
        paths = _write(job, painter.subject, painted, interrupted)
        if interrupted and painter.subject.num_views > 1:
            events.note(_left_out(job, paths[0]))
        clock.lap("write_s")
        steady = {} if interrupted else _steadiness(paths)
        spent = steady | clock.laps | {"peak_rss_gb": peak_memory_gb(), "notes": events.notes} | made_with()
        metrics = painter.metrics(painted) | spent
        paths += [*maps, *log.write(job.out), *_write_records(job, metrics)]
    except BaseException:
        # Interrupted before, there is a checkpoint, and a second Ctrl-C means to leave at once.
        if not interrupted and painter.keep():
            events.note("the painting is kept: run the same job with `resume` to write it")
        raise
    if not interrupted:
        keeper.forget()
    return Result(tuple(paths), metrics, interrupted)


def _write(job: Job, subject: Subject, painted: Any, interrupted: bool) -> list[Path]:
    paths = subject.save(job.out, painted)
    if interrupted and subject.num_views > 1:  # rendering takes long, and an earlier run's show other paint
        for name in _SHOWN:
            (job.out / name).unlink(missing_ok=True)
    else:
        paths += subject.show(job.out, painted)
    return paths


def _steadiness(paths: Sequence[Path]) -> dict[str, Any]:
    """How steady the painted flight is, if one was written."""
    flights = [path for path in paths if path.name in _FLIGHTS]
    return {"steadiness": {"video": flights[0].name, **steadiness_of(flights[0])}} if flights else {}


def _left_out(job: Job, asset: Path) -> str:
    """A note on what an interrupted job did not write, and how to get it."""
    cameras = "" if job.cameras is None else f" `cameras` {shlex.quote(str(job.cameras))}"
    film = shlex.quote(str(job.out / "film.mp4"))
    return (
        "stopped early: sheet and video are left out; see the scene so far with"
        f" nst3d render {shlex.quote(str(asset))}{cameras} `out` {film},"
        " or finish it with the same job and `resume`"
    )


def checked(job: Job, opened: Opened) -> Opened:
    """The scene as the kind that is painted, once all requested options fit it."""
    if job.clean is not None:
        opened = cleaned(opened)
    check_options(_asked(job), opened)
    if job.config.displace.fraction > 0 and any(
        e.region is not None or e.match for e in job.directed.expanded.entries
    ):
        raise ConfigError(
            "`displace` moves the whole surface: leave out regions, or displace first and paint then"
        )
    if not job.config.schedule.total and any(s.detail != "all" for s in job.directed.styles.values()):
        raise ConfigError("detail of a style is for steps, and a teacher alone paints none: leave it out")
    for number, entry in enumerate(job.directed.entries):
        merged(job.config.recipe.terms, entry.terms, f"paint[{number}].terms")
    return opened


def open_subject(asked: PaintRequest) -> tuple[Subject, PaintConfig]:
    """The subject, and the settings completed for the scene."""
    kind = asked.opened.kind
    if kind.paint is None:
        raise asked.opened.refusal("paint", ", which cannot be painted")
    if asked.config.start != "content" and "start" not in kind.options:
        raise ConfigError("`start='noise'` is for pictures; other scenes start from their own colours")
    if asked.config.output.formats and "output.formats" not in kind.options:
        asked.note(f"`output.formats` is for meshes; {asked.opened.told}, which is written in its own format")
    if asked.config.table.texture_variation and "table.texture_variation" not in kind.options:
        asked.note(f"`table.texture_variation` changes nothing: {asked.opened.told}, and has no texture")
    return kind.paint(asked)


def _asked(job: Job) -> Iterator[str]:
    """The requested options that are not for every kind of scene."""
    config = job.config
    given = {
        "cameras": job.cameras is not None,
        "keep_specular": config.keep_specular > 0,
        f"renderer={config.renderer!r}": config.renderer != PaintConfig.renderer,
        "displace": config.displace.fraction > 0,
        "nerf": config.nerf is not None,
        "lighting": config.lighting != PaintConfig.lighting,
        "up": config.up != PaintConfig.up,
        "data": job.data is not None,
        "references": bool(job.references),
        "table.field": config.table.field > 0,
    }
    return (option for option, asked in given.items() if asked)


def config_of(job: Job) -> bytes:
    """The content of `config.yaml` that the job writes."""
    job = with_choice(job, lambda text: None)
    guests = read_references(job.references, lambda text: None)
    return _config_yaml(replace(job, config=guests.suited(job.config, job.styled)))


def _config_yaml(job: Job) -> bytes:
    values = {
        "scene": str(job.scene.absolute()),
        "direction": job.directed.plain(),
        **({"references": [str(r.absolute()) for r in job.references]} if job.references else {}),
        **({} if job.cameras is None else {"cameras": str(job.cameras.absolute())}),
        **({} if job.dataparser is None else {"dataparser": job.dataparser}),
        **({} if job.clean is None else {"clean": as_plain(job.clean)}),
        **({} if job.data is None else {"data": str(job.data.absolute())}),
        "settings": as_plain(job.config),
    }
    return yaml.safe_dump(values, sort_keys=False, allow_unicode=True).encode()


def _fingerprint(job: Job, opened: Opened, company: Company) -> str:
    """Identifies a checkpoint: all files of the job, the settings but for the output's, the company."""
    digest = hashlib.sha256()
    add_scene(digest, opened.peek)
    direction = job.directed
    for style in direction.styles.values():
        digest.update(f"{style.text}\0{style.avoid}".encode())
        for path in style.images:
            digest.update(path.read_bytes())
        if style.sound is not None:
            digest.update(b"sound")
            add_file(digest, style.sound)
    for path in job.references:
        digest.update(path.read_bytes())
    if job.cameras is not None:
        digest.update(f"cameras {job.cameras} {job.dataparser or ''}".rstrip().encode())
    if job.clean is not None:
        digest.update(f"clean {as_plain(job.clean)}".encode())
    selectors = [direction.selector(e.region) for e in direction.entries if e.region is not None]
    for mask in mask_files([*selectors, *job.config.recipe.regions]):
        add_file(digest, mask)
    palette = palette_file(job.config.recipe.palette)
    if palette is not None:
        add_file(digest, palette)
    terms = [term.options for term in job.config.recipe.terms]
    for value in (value for options in (job.config.teach.options, *terms) for value in options.values()):
        if isinstance(value, str) and value:  # perhaps a network's file, or a model's folder
            add_place(digest, Path(value))
    names = [*sorted(company.guides), *(type(teacher).__qualname__ for teacher in company.teachers)]
    if names:
        digest.update(f"company {names}".encode())
    settings = as_plain(job.config) | {"direction": direction.plain()}
    settings.pop("output")
    digest.update(json.dumps(settings, sort_keys=True).encode())
    return digest.hexdigest()


def _write_records(job: Job, metrics: dict[str, Any]) -> list[Path]:
    path = job.out / METRICS
    write_bytes(path, (json.dumps(metrics, indent=2) + "\n").encode())
    return [job.out / CONFIG, path]
