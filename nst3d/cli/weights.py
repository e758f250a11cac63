"""nst3d weights: list or fetch the networks' weights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from nst3d.cli.parse import parse
from nst3d.cli.terminal import CountBar, say
from nst3d.weights.find import WeightStatus, fetch_weights, list_weights

_DESCRIPTION = """List the networks' weights: where each was found, whether it is damaged, or where to get it.

nst3d weights fetch NAME downloads those that are missing from their official address.

examples:
  nst3d weights
  nst3d weights fetch vgg19-torchvision --folder weights/"""


@dataclass(frozen=True)
class ListArguments:
    """Arguments of `nst3d weights`: none."""


@dataclass(frozen=True)
class FetchArguments:
    """Arguments of `nst3d weights fetch`."""

    name: tyro.conf.Positional[Annotated[str, tyro.conf.arg(metavar="NAME")]]
    """Name, as listed by nst3d weights."""
    folder: Annotated[Path | None, tyro.conf.arg(metavar="FOLDER")] = None
    """Folder for the files; by default NST3D_WEIGHTS, or torch's download folder."""
    quiet: tyro.conf.FlagCreatePairsOff[bool] = False
    """No progress bar."""


def weights(arguments: Sequence[str]) -> int:
    """Run the command; returns the exit code."""
    if arguments and arguments[0] == "fetch":
        return _fetch(arguments[1:])
    parse(ListArguments(), arguments, "nst3d weights", _DESCRIPTION)
    for status in list_weights():
        say(f"{status.name}: {_told(status)}")
    return 0


def _told(status: WeightStatus) -> str:
    if status.place is None:
        return f"not found; {status.how}"
    return f"{status.fault}; remove it and get it again: {status.how}" if status.fault else str(status.place)


def _fetch(arguments: Sequence[str]) -> int:
    default = FetchArguments(tyro.MISSING)
    given = parse(default, arguments, "nst3d weights fetch", "Download weights.")
    with CountBar(f"fetching {given.name}", given.quiet) as bar:
        paths = fetch_weights(given.name, given.folder, bar.count)
    for path in paths:
        say(str(path))
    return 0
