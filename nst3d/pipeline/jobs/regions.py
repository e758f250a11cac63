"""Lists the names in a scene, and draws regions of it before anything is painted."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

from nst3d.errors import ConfigError, OutputError
from nst3d.files import OptionalPathField, PathField
from nst3d.images.io import write_image
from nst3d.operators.lift import shown_share
from nst3d.pipeline.jobs.paint import checked, open_subject
from nst3d.pipeline.jobs.regions_sheet import Entry, flat_colours, write_region_sheet
from nst3d.pipeline.kinds.bridges import ALONE, Bridges, Note
from nst3d.pipeline.kinds.kind import Opened, PaintRequest
from nst3d.pipeline.kinds.paint_job import Job
from nst3d.pipeline.kinds.regions import region_column
from nst3d.pipeline.kinds.registry import open_path
from nst3d.pipeline.kinds.table_subject import TableSubject
from nst3d.pipeline.runtime.events import Events, Handler
from nst3d.pipeline.runtime.out_folder import claimed_folder
from nst3d.pipeline.runtime.scene_cache import SceneCache
from nst3d.pipeline.settings.config import PaintConfig
from nst3d.pipeline.settings.region_text import quoted
from nst3d.stylize.coat import Coat
from nst3d.stylize.style import Style
from nst3d.tensors import Colours, Image

SHEET = "sheet.png"
VIEWS = "views"
"""Folder of the pictures that a job's views show, in the folder of its results."""
_VISIBLE = 0.02
"""Weight of a pixel from which a region is seen."""
_NOTICED = 0.01
"""Share of a region in others that is worth a note."""
_ALL = re.compile(r"cluster:\s*(\d{1,2})")
"""All clusters of a number."""


@dataclass(frozen=True)
class RegionsJob:
    """A scene, and what to draw of it."""

    scene: PathField = PathField()
    regions: tuple[str, ...] = ()
    """Regions to draw, such as "material:roof", and "cluster:5" for all five; empty: all materials."""
    out: OptionalPathField = OptionalPathField()
    """A .png for the sheet alone; or a folder for the sheet, the views' pictures and masks. None: nothing is drawn."""
    config: PaintConfig = field(default_factory=PaintConfig)
    """Settings with which the scene would be painted."""
    cameras: OptionalPathField = OptionalPathField()
    """Capture whose cameras would paint the scene."""
    dataparser: str | None = None
    """nerfstudio dataparser for `cameras`; None: the format is detected."""
    overwrite: bool = False


@dataclass(frozen=True)
class RegionsReport:
    """What there is to choose in a scene, and what was drawn."""

    selectors: tuple[str, ...]
    """Selectors that this kind of scene has."""
    names: Mapping[str, Mapping[str, float]]
    """For selectors that take a name, the names there are, with the share of the surface that each chooses."""
    regions: Mapping[str, float]
    """The regions asked for, with the share of the coloured points that each has."""
    paths: tuple[Path, ...]


class _Heard(Handler):
    """Passes on notes about regions, which come once the scene is ready."""

    def __init__(self, note: Note) -> None:
        self._note, self.listening = note, False

    def note(self, text: str) -> None:
        if self.listening:
            self._note(text)


def run_regions(
    job: RegionsJob, note: Note = lambda text: None, bridges: Bridges = ALONE, opened: Opened | None = None
) -> RegionsReport:
    """List the names in a scene, and draw regions of it in flat colours over grey.

    `note` is called with messages for the user; `opened` is the result of `open_path`, if already known. What several
    regions claim is drawn in the colour of the first. Raises Nst3dError subclasses for a scene without a table of
    colours, regions that it does not have, and files that cannot be written.
    """
    subject = _subject(job, opened or open_path(job.scene), note, bridges)
    names = {name: dict(listed()) for name, listed in subject.selectors.names.items()}
    texts = _expanded(job.regions) or _usual(names)
    columns = {text: region_column(text, subject.selectors) for text in texts}
    subject.selectors.forget()
    _overlaps(columns, note)
    shown = np.isfinite(subject.selectors.places()).all(1)
    shares = {text: float(column[:, 0].numpy()[shown].mean()) for text, column in columns.items()}
    paths: Sequence[Path] = ()
    if job.out is not None:
        if not columns:
            raise ConfigError(
                f"{job.scene}: has no names to draw; give a region, such as colour:#c03020 or cluster:5"
            )
        paths = _drawn(
            job, job.out, subject, [Entry(*pair) for pair in shares.items()], list(columns.values()), note
        )
    return RegionsReport(tuple(subject.selectors.by_name), names, shares, tuple(paths))


def _subject(job: RegionsJob, opened: Opened, note: Note, bridges: Bridges) -> TableSubject:
    """The scene as a job would paint it, in its own colours."""
    recipe = replace(job.config.recipe, palette_before=0.0, palette_after=0.0)
    config = replace(job.config, recipe=recipe, region=None)
    painted = Job(job.scene, ("no style",), "", config, cameras=job.cameras, dataparser=job.dataparser)
    heard = _Heard(note)  # not about what painting would do to the file
    events = Events(heard)
    plain = Style((Image(torch.eye(3).reshape(1, 3, 3)),), "no style")
    request = PaintRequest(
        checked(painted, opened),
        painted,
        [Coat((plain,))],
        bridges.reader(job.dataparser, job.cameras),
        events,
        bridges,
        None,
        SceneCache.opened(note),
    )
    subject = open_subject(request)[0]
    heard.listening = True
    if not isinstance(subject, TableSubject):
        raise opened.refusal("regions", ", which has no table of colours that regions could be parts of")
    return subject


def _expanded(regions: Sequence[str]) -> list[str]:
    """The regions, with each cluster for "cluster:N"."""
    found: list[str] = []
    for text in regions:
        every = _ALL.fullmatch(text.strip())
        found += [f"cluster:{k + 1}/{every[1]}" for k in range(int(every[1]))] if every else [text]
    return list(dict.fromkeys(found))


def _usual(names: Mapping[str, Mapping[str, float]]) -> list[str]:
    """All materials, or whatever else has several names."""
    for selector, listed in names.items():
        if len(listed) > 1:
            return [f"{selector}:{quoted(name)}" for name in listed]
    return []


def _drawn(
    job: RegionsJob,
    out: Path,
    subject: TableSubject,
    entries: list[Entry],
    columns: list[Colours],
    note: Note,
) -> list[Path]:
    """Write the sheet, and into a folder also views and masks."""
    if out.resolve() == job.scene.resolve():
        raise OutputError(f"{out}: is the scene itself; give another `out`")
    if out.suffix.lower() == ".png" and not out.is_dir():
        if out.exists() and not job.overwrite:
            raise OutputError(f"{out}: exists; give `overwrite` or another `out`")
        out.parent.mkdir(parents=True, exist_ok=True)
        return [_sheet(out, subject, entries, columns, note)]
    if out.suffix and not out.is_dir():
        raise ConfigError(f"{out}: a sheet is written as .png; a name without a suffix is a folder")
    with claimed_folder(out, job.overwrite, [SHEET]):
        return [_sheet(out / SHEET, subject, entries, columns, note), *_masks(out, subject, columns)]


def _sheet(
    path: Path, subject: TableSubject, entries: list[Entry], columns: list[Colours], note: Note
) -> Path:
    table = flat_colours(subject.initial, columns)
    pictures = [subject.drawn(table, subject.layout, camera).over(1.0) for camera in subject.shown_from()]
    for entry, seen in zip(entries, _seen(subject, torch.cat(columns, 1))):
        if not seen:
            note(f"region {entry.text}: is seen in none of the sheet's pictures")
    write_region_sheet(path, pictures, entries)
    return path


def _seen(subject: TableSubject, columns: Colours) -> list[bool]:
    """Whether the sheet's pictures show anything of each region, a column of (n, k); drawn three at a time."""
    found: list[bool] = []
    for some in columns.split(3, dim=1):
        table = F.pad(some, (0, 3 - some.shape[1])).numpy()
        shown = [subject.drawn(table, subject.layout, c).colour.max((0, 1)) for c in subject.shown_from()]
        found += (np.max(shown, axis=0) > _VISIBLE)[: some.shape[1]].tolist()
    return found


def _overlaps(columns: Mapping[str, Colours], note: Note) -> None:
    """Say which regions are partly under earlier ones."""
    above: Colours | None = None
    for text, column in columns.items():
        if above is not None:
            share = float(torch.minimum(above, column).mean() / column.mean())
            if share > _NOTICED:
                note(
                    f"region {text}: {share:.0%} of it is in earlier regions, too, and drawn in their colours"
                )
        above = column if above is None else torch.maximum(above, column)


def _masks(folder: Path, subject: TableSubject, columns: Sequence[Colours]) -> Iterator[Path]:
    """Write what each view shows, and each region's mask in it, under the names that `views:` finds them by."""
    stage = subject.stage(1.0)
    folders = [folder / VIEWS, *(folder / f"mask_{k + 1}" for k in range(len(columns)))]
    for made in folders:
        made.mkdir(exist_ok=True)
    for number in range(len(stage.views)):
        view = stage.views[number]
        name = f"{subject.view_names[number] if subject.view_names else f'{number:03d}'}.png"
        pictures = [view.render(subject.initial, 1.0), *(shown_share(view, column) for column in columns)]
        for made, picture in zip(folders, pictures):
            write_image(made / name, picture.expand(-1, -1, 3).clamp(0, 1))
    yield from folders
