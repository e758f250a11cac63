"""The output folder of 3DGS training: point_cloud/iteration_*/point_cloud.ply, beside cameras.json."""

from __future__ import annotations

import re
from pathlib import Path

from nst3d.errors import InputError
from nst3d.files import PathLike
from nst3d.formats.io.files import resolve
from nst3d.formats.io.peek import Peek
from nst3d.formats.registry import Format, register_format
from nst3d.formats.splats.ply import read_splat_ply, repaint_splat_ply
from nst3d.formats.splats.ply_tables import read_tables
from nst3d.formats.splats.rows import Loaded

CAMERAS = "cameras.json"
_CLOUDS, _CLOUD = "point_cloud", "point_cloud.ply"
_ITERATION = re.compile(r"iteration_(\d{1,9})")


def clouds(folder: Path) -> list[Path]:
    """The splats of all iterations that were saved, the last one first."""
    try:
        entries = list((folder / _CLOUDS).iterdir())
    except OSError:
        return []
    found = [(int(m[1]), p / _CLOUD) for p in entries if (m := _ITERATION.fullmatch(p.name))]
    return [p for _, p in sorted(found, reverse=True) if p.is_file()]


def is_trained_folder(place: PathLike | Peek) -> bool:
    """Whether a path is the output folder of a 3DGS training with saved splats."""
    peek = Peek.at(place)
    return peek.is_folder and bool(peek.once(clouds))


def read_trained_folder(folder: PathLike) -> Loaded:
    """The splats of the last iteration. Raises InputError if there are none or they cannot be read."""
    folder = Path(folder)
    saved = clouds(folder)
    if not saved:
        raise InputError(f"{folder}: has no {_CLOUDS}/iteration_*/{_CLOUD}; the training saved no splats")
    cloud = resolve(folder, str(saved[0].relative_to(folder)))
    loaded = read_splat_ply(cloud, read_tables(cloud))
    notes = loaded.notes
    if len(saved) > 1:
        notes = (f"{saved[0].relative_to(folder)} is read, the last of {len(saved)} iterations", *notes)
    return Loaded(loaded.rows, loaded.content, notes, loaded.up)


register_format(
    Format(
        "trained-folder",
        (),
        "splats",
        "the output folder of a 3DGS training",
        read_trained_folder,
        repaint=repaint_splat_ply,
        sniff=is_trained_folder,
        writes=".ply",
    )
)
