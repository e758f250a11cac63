"""Finds weights on this machine, or fetches them."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import re
import shlex
import urllib.request
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import BinaryIO

import torch

from nst3d.errors import ConfigError, InputError, MissingDependencyError, OutputError
from nst3d.files import PathLike, replacing
from nst3d.weights.known import MODELS, SOURCES, Source, WeightFile

FOLDER_VARIABLE = "NST3D_WEIGHTS"
_MODEL = re.compile(r"[\w.-]+")
Count = Callable[[int, int], None]


@dataclass(frozen=True)
class WeightStatus:
    """Status of one set of weights."""

    name: str
    found: tuple[Path, ...] | None
    how: str
    """How to get the weights, one line."""
    fault: str = ""
    """What is wrong with a file that was found, one line; empty: nothing, as far as its SHA-256 is known."""

    @property
    def place(self) -> Path | None:
        """The file, or the folder of several files; None if they were not found."""
        if self.found is None:
            return None
        return self.found[0] if len(self.found) == 1 else Path(os.path.commonpath(self.found))


def need_weights(name: str, path: PathLike | None = None) -> tuple[Path, ...]:
    """The files of the weights called `name`, in the order of their source.

    `path` is the file of weights that are one file, or a folder; without it the folder in NST3D_WEIGHTS, the
    installed package and torch's download folder are searched. Raises MissingDependencyError if they are not found,
    InputError if a given `path` lacks them, or if a file with an official name is damaged.
    """
    source = source_of(name)
    found = find_weights(name, path)
    if found is None:
        raise MissingDependencyError(f"weights {name} not found: {_how(name, source)}")
    # What was found by an official name must be the official file. What was given may be another, and so may the
    # parts of a set that somebody trained anew, unless a package ships them.
    exact = path is None and (source.package is not None or len(source.files) == 1)
    for file, own in zip(source.files, found):
        if (exact and file.official(own)) or (file.sha256 and file.sha256 in own.name):
            _check_digest(own, file.sha256)
    return found


def find_weights(name: str, path: PathLike | None = None) -> tuple[Path, ...] | None:
    """The files of the weights called `name`, or None. Raises InputError if a given `path` lacks them."""
    source = source_of(name)
    if path is None:
        return _all_in(_folders(source), source.files)
    path = Path(path)
    if path.is_file() and len(source.files) == 1:
        return (path,)
    if not path.is_dir():
        raise InputError(f"{path}: no such weight file or folder for {name}")
    found = _all_in([path], source.files)
    if found is None:
        lacking = next(file for file in source.files if _first_in([path], file) is None)
        raise InputError(f"{path}: this folder contains none of {', '.join(lacking.names)}")
    return found


def list_weights() -> list[WeightStatus]:
    """The name of all weights, where they were found, whether they are damaged, and how to get them."""
    return [_status(name, source) for name, source in SOURCES.items()]


def _status(name: str, source: Source) -> WeightStatus:
    found, fault = find_weights(name), ""
    try:
        for file, own in zip(source.files, found or ()):
            _check_official(own, file)
    except InputError as error:
        fault = str(error)
    return WeightStatus(name, found, _how(name, source), fault)


def fetch_weights(
    name: str, folder: PathLike | None = None, progress: Count | None = None
) -> tuple[Path, ...]:
    """The files of the weights called `name`; those that are not found are downloaded into `folder`.

    `folder` None means NST3D_WEIGHTS if set, otherwise torch's download folder. `progress` is called with the
    bytes received and the bytes expected (0 if unknown) of each file. A file's SHA-256 must begin with the published
    digits. Raises MissingDependencyError if a file cannot be downloaded, OutputError if it cannot be written;
    neither leaves a part of it behind. InputError if one that is there is damaged.
    """
    source = source_of(name)
    folders = ([Path(folder)] if folder else []) + _folders(source)
    if source.package is not None or source.files[0].url is None:  # there is nothing to download
        return need_weights(name)
    paths = []
    for file in source.files:
        there = _first_in(folders, file)
        if there is not None:
            try:
                _check_official(there, file)
            except InputError as error:
                raise InputError(f"{error}; remove it and fetch again") from None
        paths.append(there or _fetched(name, source, file, folders[0], progress))
    return tuple(paths)


def source_of(name: str) -> Source:
    """The source of weights. ConfigError, with those that are known, for another name."""
    package, _, model = name.partition(":")
    if package in MODELS and _MODEL.fullmatch(model):
        return MODELS[package](model)
    if name not in SOURCES:
        raise ConfigError(f"unknown weights {name!r}: choose one of {', '.join(SOURCES)}")
    return SOURCES[name]


def _fetched(name: str, source: Source, file: WeightFile, folder: Path, progress: Count | None) -> Path:
    target = folder / file.names[-1]
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with replacing(target) as temporary:
            with temporary.open("wb") as out:
                _download(name, source, file, out, progress)
            _check_digest(temporary, file.sha256)
    except InputError as error:
        raise MissingDependencyError(f"{error}; {_how(name, source)}") from None
    except OSError as error:
        raise OutputError(f"{target.parent}: cannot be created ({error.strerror or error})") from None
    return target


def _download(name: str, source: Source, file: WeightFile, out: BinaryIO, progress: Count | None) -> None:
    assert file.url is not None
    try:
        answer = urllib.request.urlopen(file.url, timeout=30)
    except (OSError, HTTPException) as error:
        raise _unreachable(name, source, error) from None
    with answer:
        expected, done = int(answer.headers.get("Content-Length") or 0), 0
        while block := _receive(name, source, answer):
            out.write(block)
            done += len(block)
            if progress:
                progress(done, expected)


def _receive(name: str, source: Source, answer: BinaryIO) -> bytes:
    try:
        return answer.read(1 << 20)
    except (OSError, HTTPException) as error:
        raise _unreachable(name, source, error) from None


def _unreachable(name: str, source: Source, error: Exception) -> MissingDependencyError:
    reason = getattr(error, "reason", None) or error
    return MissingDependencyError(f"weights {name} could not be downloaded ({reason}): {_how(name, source)}")


def _folders(source: Source) -> list[Path]:
    """Folders to search for weights; they are downloaded into the first."""
    folders = [Path(os.environ[FOLDER_VARIABLE])] if os.environ.get(FOLDER_VARIABLE) else []
    if source.package is not None:
        package = importlib.util.find_spec(source.package)  # finds the folder without importing the package
        return folders + [Path(p) for p in (package.submodule_search_locations or [])] if package else folders
    return [*folders, Path(torch.hub.get_dir()) / "checkpoints"]


def _all_in(folders: Sequence[Path], files: Sequence[WeightFile]) -> tuple[Path, ...] | None:
    found = [_first_in(folders, file) for file in files]
    return None if None in found else tuple(path for path in found if path is not None)


def _first_in(folders: Sequence[Path], file: WeightFile) -> Path | None:
    found = (path for f in folders for name in file.names for path in sorted(f.glob(name)) if path.is_file())
    return next(found, None)


def _how(name: str, source: Source) -> str:
    first = source.files[0]
    if source.package is not None:
        package = source.package
        wanted = " ".join(shlex.quote(word) for word in (source.install or package).split())
        return f"they come with the package {package} (pip install {wanted}), as the file {first.names[0]}"
    if first.url is None:
        return f"{source.hint} as {first.names[0]} into {_folders(source)[0]} (or the folder in {FOLDER_VARIABLE})"
    what = (
        f"download {first.url} ({_about(first, source)}) and put the file"
        if len(source.files) == 1
        else f"put its {len(source.files)} files ({first.names[-1]}, …)"
    )
    return (
        f"run `nst3d weights fetch {name}`, or {what}"
        f" into {_folders(source)[0]} (or the folder in {FOLDER_VARIABLE})"
    )


def _about(file: WeightFile, source: Source) -> str:
    """Size, licence and hash of a download."""
    size = f"{file.megabytes} MB, " if file.megabytes else ""
    return f"{size}{source.licence}, SHA-256 {file.sha256}"


def _check_official(path: Path, file: WeightFile) -> None:
    """Raise InputError if a file should be the official one and is not, or cannot be read."""
    if not file.official(path):
        return
    try:
        _check_digest(path, file.sha256)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error})") from None


def _check_digest(path: Path, digits: str) -> None:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    found = digest.hexdigest()[: len(digits)]
    if found != digits:
        raise InputError(f"{path}: SHA-256 begins with {found}, expected {digits}: damaged or another file")
