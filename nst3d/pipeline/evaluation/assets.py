"""Reads the assets of an evaluation, and tells whether two runs made the same."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

from nst3d.pipeline.evaluation.run_folder import RunFolder
from nst3d.pipeline.kinds.asset import AssetTable
from nst3d.pipeline.kinds.registry import open_path


def table_of(path: Path) -> AssetTable | str:
    """The colours in an asset's file, or why its kind has none. InputError for a file that cannot be read."""
    opened = open_path(path)
    if opened.kind.table is None:
        return f"{opened.kind.many} have no table of colours"
    return opened.kind.table(opened)


def equal_run(run: RunFolder, runs: Sequence[RunFolder]) -> RunFolder | None:
    """Another of the runs that had the same scene, styles and settings; None if there is none."""
    own = _inputs(run)
    return next((each for each in runs if each.path != run.path and _inputs(each) == own), None)


def same_files(run: RunFolder, other: RunFolder) -> bool:
    """Whether two runs painted the same bytes, in files of the same names."""
    return _digests(run) == _digests(other)


def fingerprint(run: RunFolder) -> str:
    """A word of 16 hexadecimal digits for what a run painted, which changes with its bytes and with nothing else."""
    return hashlib.sha256(repr(sorted(_digests(run).items())).encode()).hexdigest()[:16]


def _inputs(run: RunFolder) -> tuple[Path, tuple[Path, ...], Mapping[str, object]]:
    return run.scene.resolve(), tuple(style.resolve() for style in run.styles), run.config


def _digests(run: RunFolder) -> dict[str, str]:
    files = {run.painted, *run.path.glob("painted*")}
    found = (each for path in files for each in (path.rglob("*") if path.is_dir() else (path,)))
    digests = {}
    for path in found:
        if path.is_file():
            with path.open("rb") as stream:
                name = str(path.relative_to(run.path))
                digests[name] = hashlib.file_digest(stream, "sha256").hexdigest()
    return digests
