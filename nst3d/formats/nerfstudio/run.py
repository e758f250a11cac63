"""nerfstudio runs (config.yml and nerfstudio_models/step-*.ckpt), read and written without nerfstudio."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
import torch

from nst3d.errors import InputError, OutputError
from nst3d.files import PathLike, write_bytes
from nst3d.formats.io.files import read_bytes
from nst3d.formats.io.json_values import read_object
from nst3d.formats.io.peek import Peek
from nst3d.formats.nerfstudio.checkpoint import latest_checkpoint, load_checkpoint, save_checkpoint
from nst3d.formats.nerfstudio.config import edit_config, is_config, read_config
from nst3d.tensors import Array

METHODS = ("nerfacto", "splatfacto")
"""Methods whose runs are read."""
TESTED = ("1.1.5",)
"""The nerfstudio versions whose runs are read and written in tests."""
CONFIG, MODELS, FRAME = "config.yml", "nerfstudio_models", "dataparser_transforms.json"
_NAME = re.compile(r"(?!\.)[\w .+=@-]+")
_GAUSSIANS = ("gauss_params.means", "means")


@dataclass(frozen=True)
class RunTransform:
    """The transform from the data's world to the run's: p_run = scale · (R p_data + t)."""

    transform: Array
    """(3, 4) float64: R and t."""
    scale: float


@dataclass(frozen=True)
class NerfstudioRun:
    """A training run: the config, the model's tensors, and the transform from the data's world to its own."""

    folder: Path
    """Folder of config.yml."""
    config: Mapping[str, Any]
    """Plain data: dicts with the class's dotted name under "_class", lists, strings, numbers, None; paths as
    strings. Empty for a checkpoint without config.yml."""
    method: str
    """One of METHODS."""
    step: int
    state: Mapping[str, torch.Tensor]
    """The model's tensors by their names in the model."""
    transform: Array
    """(3, 4) float64: R and t in p_run = scale · (R p_data + t); the identity if unknown."""
    scale: float
    """Scale in the same transform; 1 if unknown."""
    text: str = ""
    """Text of config.yml."""
    others: Mapping[str, torch.Tensor] = field(default_factory=dict)
    """The pipeline's tensors outside the model, by full names."""


def is_run(place: PathLike | Peek) -> bool:
    """Whether a path is a nerfstudio run: its config.yml, a folder that holds one or step-*.ckpt, or a .ckpt."""
    peek = Peek.at(place)
    if peek.is_folder:
        return is_config(peek.beside(peek.path / CONFIG)) or latest_checkpoint(peek.path) is not None
    return peek.suffix == ".ckpt" or (peek.suffix in (".yml", ".yaml") and is_config(peek))


def run_method(place: Path | Peek) -> str:
    """The method of a run, from its config alone; a checkpoint without one is assumed to be splatfacto's.

    Raises InputError if the config cannot be read or its method is not in METHODS.
    """
    peek = Peek.at(place)
    config_path, _ = _places(peek)
    if config_path is None:
        return "splatfacto"
    return _method(read_config(peek.beside(config_path))[1], config_path)


def run_frame(place: Path | Peek) -> tuple[RunTransform | None, dict[str, Any]]:
    """The transform from the data's world to a run's, or None, and the run's config, perhaps empty.

    Raises InputError for files that are missing or broken. The checkpoint is not read.
    """
    peek = Peek.at(place)
    config_path, checkpoint = _places(peek)
    config = {} if config_path is None else read_config(peek.beside(config_path))[1]
    return _frame(_folder(config_path, checkpoint)), config


def run_files(place: Path | Peek) -> list[Path]:
    """The config, if there is one, and the checkpoint that `load_run` reads.

    Raises InputError for files that are missing, or a config that is broken.
    """
    peek = Peek.at(place)
    config, checkpoint = _places(peek)
    if config is None:
        return [] if checkpoint is None else [checkpoint]
    return [config, checkpoint or _latest(config.parent, read_config(peek.beside(config))[1])]


def load_run(place: PathLike | Peek) -> NerfstudioRun:
    """The run at a folder, config.yml or checkpoint; without a checkpoint, the latest one is read.

    A splatfacto checkpoint needs no config.yml. Nothing in the files is executed or unpickled. Raises
    InputError for files that are missing, broken, truncated, malicious or of another method.
    """
    peek = Peek.at(place)
    config_path, checkpoint_path = _places(peek)
    text, config = ("", {}) if config_path is None else read_config(peek.beside(config_path))
    method = "splatfacto" if config_path is None else _method(config, config_path)
    folder = _folder(config_path, checkpoint_path)
    checkpoint_path = checkpoint_path or _latest(folder, config)
    loaded = load_checkpoint(checkpoint_path)
    if config_path is None and not any(name in loaded.state for name in _GAUSSIANS):
        raise InputError(
            f"{checkpoint_path}: not a splatfacto checkpoint; other methods need the run's {CONFIG} one folder up"
        )
    frame = _frame(folder) or RunTransform(np.eye(4)[:3], 1.0)
    return NerfstudioRun(
        folder, config, method, loaded.step, loaded.state, frame.transform, frame.scale, text, loaded.others
    )


def save_run(
    folder: Path,
    run: NerfstudioRun,
    state: Mapping[str, torch.Tensor],
    edits: Mapping[str, Any] | None = None,
) -> list[Path]:
    """Write a run with new tensors to folder/<experiment>/<method>/<timestamp>/, which nerfstudio can open.

    `state` replaces all of `run.state`. The config is the run's own with `edits` by dotted names
    ({"pipeline.model.hidden_dim": 128}), and with the names and the absolute path under which nerfstudio
    looks for it. A run without config.yml becomes folder/nerfstudio_models/step-*.ckpt alone. Raises
    OutputError if a file cannot be written, is the run's own, or if a later checkpoint exists there. Returns
    the paths, config first.
    """
    place, text = folder, ""
    if run.text:
        names = _names(run.config)
        place = folder / names["experiment_name"] / run.method / names["timestamp"]
        own = names | {"output_dir": folder.resolve(), "relative_model_dir": Path(MODELS), "load_step": None}
        text = edit_config(run.text, {**own, **(edits or {})})
    checkpoint = place / MODELS / f"step-{run.step:09d}.ckpt"
    _refuse_own(place, run.folder)
    later = latest_checkpoint(checkpoint.parent)
    if later is not None and later.name > checkpoint.name:
        raise OutputError(
            f"{later}: later than {checkpoint.name}, so nerfstudio would open it instead; remove it first"
        )
    try:
        checkpoint.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{checkpoint.parent}: cannot be created ({error.strerror or error})") from None
    save_checkpoint(checkpoint, run.step, {f"_model.{k}": v for k, v in state.items()} | dict(run.others))
    paths = [checkpoint]
    with contextlib.suppress(InputError):
        data = read_bytes(run.folder / FRAME)
        write_bytes(place / FRAME, data)
        paths.insert(0, place / FRAME)
    if text:
        write_bytes(place / CONFIG, text.encode())
        paths.insert(0, place / CONFIG)
    return paths


def check_place(folder: Path, place: Path | Peek) -> None:
    """Raise OutputError if the run at `place`, painted into `folder`, would overwrite itself."""
    peek = Peek.at(place)
    config_path, checkpoint = _places(peek)
    own = _folder(config_path, checkpoint)
    _refuse_own(folder, own)
    if config_path is not None:
        config = read_config(peek.beside(config_path))[1]
        names = _names(config)
        _refuse_own(
            folder / names["experiment_name"] / _method(config, config_path) / names["timestamp"], own
        )


def version_notes() -> tuple[str, ...]:
    """A note if the installed nerfstudio is not one of TESTED; empty if none is installed."""
    try:
        found = version("nerfstudio")
    except PackageNotFoundError:
        return ()
    if found in TESTED:
        return ()
    return (f"nerfstudio {found} is installed; tested versions are {', '.join(TESTED)}",)


def _places(peek: Peek) -> tuple[Path | None, Path | None]:
    """The paths of the config and the checkpoint; None: no config, or the latest checkpoint."""
    path = peek.path
    if path.suffix.lower() == ".ckpt" and not path.is_dir():
        if not path.is_file():
            raise InputError(f"{path}: no such file")
        beside = (path.parent.parent / CONFIG, path.parent / CONFIG)
        return next((c for c in beside if is_config(peek.beside(c))), None), path
    if path.is_dir() and not is_config(peek.beside(path / CONFIG)):
        latest = latest_checkpoint(path)
        if latest is not None:
            return _places(peek.beside(latest))
    return (path / CONFIG if path.is_dir() else path), None


def _latest(folder: Path, config: Mapping[str, Any]) -> Path:
    """The last checkpoint of a run in its own folder."""
    models = folder / _models(config)
    checkpoint = latest_checkpoint(models)
    if checkpoint is None:
        raise InputError(f"{models}: has no step-*.ckpt; the run saved no checkpoint, or it was moved")
    return checkpoint


def _folder(config: Path | None, checkpoint: Path | None) -> Path:
    """A run's own folder, where its config is or would be."""
    if config is not None or checkpoint is None:
        return Path() if config is None else config.parent
    return checkpoint.parent.parent if checkpoint.parent.name == MODELS else checkpoint.parent


def _method(config: Mapping[str, Any], path: Path) -> str:
    method = config.get("method_name")
    if method not in METHODS:
        run = path.absolute().parent
        painted = run.parent.parent / "nerfacto" / run.name / CONFIG
        # `ns-train nst3d` writes its own run, and the painted nerfacto beside it.
        beside = f"; its painted result is {painted}" if method == "nst3d" and is_config(painted) else ""
        told = method if isinstance(method, str) else "an unknown method"
        raise InputError(f"{path}: a run of {told}; supported are runs of {' and '.join(METHODS)}{beside}")
    return str(method)


def _models(config: Mapping[str, Any]) -> str:
    """The name of the checkpoint folder inside the run's own."""
    name = config.get("relative_model_dir")
    return name if isinstance(name, str) and _NAME.fullmatch(name) else MODELS


def _name(value: Any) -> str:
    """A name from the config if it is a valid folder name; otherwise a default."""
    return value if isinstance(value, str) and _NAME.fullmatch(value) else "painted"


def _names(config: Mapping[str, Any]) -> dict[str, str]:
    """The names of a run's parent folders, by config key."""
    return {key: _name(config.get(key)) for key in ("experiment_name", "timestamp")}


def _refuse_own(place: Path, run: Path) -> None:
    if place.resolve() == run.resolve():
        raise OutputError(f"{place}: the run being painted; give another folder with `out`")


def _frame(folder: Path) -> RunTransform | None:
    """The content of dataparser_transforms.json in a run's folder, if it exists."""
    path = folder / FRAME
    if not path.is_file():
        return None
    content = read_object(path)
    try:
        transform, scale = np.array(content["transform"], np.float64), float(content["scale"])
    except (KeyError, TypeError, ValueError, OverflowError):
        raise InputError(
            f"{path}: expected a transform (3, 4) and a scale, as written by nerfstudio"
        ) from None
    if transform.shape != (3, 4) or not np.isfinite(transform).all() or not 0 < scale < np.inf:
        raise InputError(
            f"{path}: expected a transform (3, 4) and a positive scale, as written by nerfstudio"
        )
    return RunTransform(transform, scale)
