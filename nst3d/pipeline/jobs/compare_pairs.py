"""Blind pairs: a page on which people choose between two runs, and the count of what they chose."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from nst3d.errors import ConfigError
from nst3d.files import PathField, PathLike, PathsField, write_bytes
from nst3d.pipeline.evaluation.assets import fingerprint
from nst3d.pipeline.evaluation.flight import FlightOptions
from nst3d.pipeline.evaluation.report.pairs import PairsPage
from nst3d.pipeline.evaluation.run_folder import RunFolder, read_run
from nst3d.pipeline.evaluation.votes import Tally, tally
from nst3d.pipeline.jobs.takes import check_same_scene, names_of_runs, takes_of_runs
from nst3d.pipeline.kinds.bridges import ALONE, Bridges, Note
from nst3d.pipeline.runtime.events import Events
from nst3d.pipeline.runtime.out_folder import claimed_folder
from nst3d.pipeline.styles import read_style
from nst3d.tensors import Array

Count = Callable[[str, int, int], None]
_PAGE = "pairs.html"


@dataclass(frozen=True)
class PairsJob:
    """Two runs to choose between, and where to."""

    runs: PathsField = PathsField()
    """Folders of two finished runs of one scene."""
    out: PathField = PathField()
    """Folder for pairs.html."""
    flight: FlightOptions = field(default_factory=FlightOptions)
    """Its `views` are shown, all over the flight."""
    seed: int = 0
    """Chooses the order and the sides."""
    overwrite: bool = False
    """Write into a folder that is not empty."""


def write_pairs(
    job: PairsJob,
    note: Note = lambda text: None,
    progress: Count = lambda what, done, total: None,
    bridges: Bridges = ALONE,
) -> Path:
    """Write a page that shows the same views of two runs side by side, in random order; returns its path.

    Raises InputError for a folder that is no finished run, ConfigError for runs of different scenes or of the same
    result, OutputError if the page cannot be written.
    """
    runs, fingerprints = _two(job.runs)
    check_same_scene(runs)
    flight = replace(job.flight, clip=2, gaps=(1,))
    with claimed_folder(job.out, job.overwrite, []):
        takes = takes_of_runs(
            runs, flight, note, lambda done, total: progress("rendering", done, total), bridges
        )
        unpainted, one, other = (take.views.frames for take in takes)
        shown = [np.max(masks, axis=0) for masks in zip(*(take.views.opacities for take in takes))]
        page = PairsPage(fingerprints, (one, other), unpainted, shown, _shared_styles(runs), job.seed)
        write_bytes(job.out / _PAGE, page.html().encode())
    return job.out / _PAGE


def count_votes(runs: Sequence[PathLike], votes: Sequence[PathLike]) -> Tally:
    """What files of votes, each a person's own, say of two runs, the first against the second.

    Raises InputError for files that hold no votes, or votes on other runs.
    """
    found, fingerprints = _two(runs)
    one, other = names_of_runs(found)
    return tally([Path(file) for file in votes], (one, other), fingerprints)


def _two(folders: Sequence[PathLike]) -> tuple[list[RunFolder], tuple[str, str]]:
    """Two runs and their fingerprints. ConfigError unless there are two, which differ."""
    if len(folders) != 2:
        raise ConfigError(f"`pairs` are of two runs, not {len(folders)}")
    runs = [read_run(folder) for folder in folders]
    one, other = map(fingerprint, runs)
    if one == other:
        raise ConfigError(
            f"{runs[0].path} and {runs[1].path} hold the same painting, byte by byte: nothing to choose"
        )
    return runs, (one, other)


def _shared_styles(runs: Sequence[RunFolder]) -> list[Array]:
    """The pictures of the runs' styles, which are on the page; none if they differ: they would say which is which."""
    if len({tuple(style.resolve() for style in run.styles) for run in runs}) > 1:
        return []
    styles = [read_style(path, Events()) for path in runs[0].styles]
    return [style.images[0].numpy() for style in styles]
