"""Reads the folder of a finished run: what it painted, in which styles, and what it wrote."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nst3d.errors import InputError
from nst3d.files import PathLike
from nst3d.pipeline.evaluation.json_mapping import read_mapping
from nst3d.pipeline.settings.overrides import read_yaml

_CONFIG, _METRICS = "config.yaml", "metrics.json"
_VIDEO = "video.mp4"
_NERF = "*/*/*/config.yml"
"""Where nerfstudio keeps the configuration of a run: by experiment, method and time."""
_FIRST = (".glb", ".npz", ".ply", ".png")
"""Suffixes of painted assets that are shown rather than others of the same run."""


@dataclass(frozen=True)
class RunFolder:
    """The folder of a finished run."""

    path: Path
    scene: Path
    """The unpainted scene, picture or video."""
    painted: Path
    styles: tuple[Path, ...]
    config: Mapping[str, Any]
    """Content of config.yaml."""
    metrics: Mapping[str, Any]
    """Content of metrics.json."""

    @property
    def name(self) -> str:
        """The folder's own name."""
        return self.path.resolve().name

    @property
    def is_video(self) -> bool:
        """Whether it is a painted video."""
        return "video" in self.config

    @property
    def cameras(self) -> Path | None:
        """The capture that painting looked through, if one was given."""
        return None if "cameras" not in self.config else _found(Path(self.config["cameras"]), self.path)

    @property
    def encoder(self) -> str:
        """The encoder that painting optimised; empty if unknown."""
        settings = self.config.get("settings") or {}
        recipe = settings.get("recipe") or {}
        return str(recipe.get("encoder", ""))

    def option(self, name: str) -> str | None:
        """A text option of the job, such as dataparser, or None."""
        value = self.config.get(name)
        return None if value is None else str(value)


def read_run(folder: PathLike) -> RunFolder:
    """The run in a folder that `nst3d paint` or `nst3d video` wrote.

    Raises InputError if it is none, is not finished, or if its scene, its styles or its result are not there.
    """
    folder = Path(folder)
    if not (folder / _CONFIG).is_file():
        raise InputError(
            f"{folder}: has no {_CONFIG}; give the folder of a run of nst3d paint or nst3d video"
        )
    config = read_yaml(folder / _CONFIG)
    scene = config.get("video", config.get("scene"))
    if not isinstance(scene, str):
        raise InputError(f"{folder / _CONFIG}: names no scene; was it written by nst3d paint?")
    if not (folder / _METRICS).is_file():
        raise InputError(f"{folder}: has no {_METRICS}, so its run is not finished; resume it first")
    painted = _result(folder, Path(scene).suffix, "video" in config)
    styles = tuple(_found(Path(style), folder) for style in _styles(config, folder))
    return RunFolder(
        folder,
        _found(Path(scene), folder),
        painted,
        styles,
        config,
        read_mapping(folder / _METRICS, "the numbers of a run"),
    )


def _styles(config: Mapping[str, Any], folder: Path) -> list[str]:
    """The style pictures of a video's or a scene's run, in any version's words."""
    where = folder / _CONFIG
    given = config.get("styles", config.get("style"))
    direction = config.get("direction")
    if given is None and isinstance(direction, Mapping) and isinstance(direction.get("styles"), Mapping):
        given = [
            image
            for entry in direction["styles"].values()
            for image in _listed(entry.get("images") if isinstance(entry, Mapping) else entry)
        ]
    found = _listed(given)
    if not all(isinstance(style, str) for style in found) or not (
        found or words_of(config) or _heard(config) or _taught(config)
    ):
        raise InputError(f"{where}: names no styles; it is of another version: paint the scene again")
    return found


def words_of(config: Mapping[str, Any]) -> str:
    """The words of a run's styles, joined; empty if it has none."""
    return ", ".join(_said(config, "text"))


def _heard(config: Mapping[str, Any]) -> bool:
    """Whether one of a run's styles is a sound."""
    return bool(_said(config, "sound"))


def _taught(config: Mapping[str, Any]) -> bool:
    """Whether one of a run's styles is one that a teacher alone knows."""
    return any(entry.get("taught") is True for entry in _entries(config))


def _said(config: Mapping[str, Any], what: str) -> list[str]:
    """What a run's styles have under a key, as far as they have text there."""
    values = [entry.get(what) for entry in _entries(config)]
    return [value for value in values if isinstance(value, str) and value]


def _entries(config: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """A run's styles, as far as they are mappings."""
    direction = config.get("direction")
    styles = direction.get("styles") if isinstance(direction, Mapping) else None
    entries = styles.values() if isinstance(styles, Mapping) else ()
    return [entry for entry in entries if isinstance(entry, Mapping)]


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [] if value is None else [value]


def _result(folder: Path, suffix: str, video: bool) -> Path:
    """What a run painted: the scene's own format, or the first of those that it wrote; a NeRF is a run itself."""
    if video:
        found = [folder / _VIDEO]
    else:
        written = sorted(p for p in folder.glob("painted*") if not p.name.endswith(".mtl"))
        written = written or sorted(folder.glob(_NERF))
        order = [*_FIRST, suffix.lower()]
        found = sorted(written, key=lambda p: order.index(p.suffix) if p.suffix in order else len(order))
    if not found or not found[0].exists():
        raise InputError(f"{folder}: has no painted scene; its run is not finished, or the file was moved")
    return found[0]


def _found(path: Path, folder: Path) -> Path:
    """A path of a configuration as it is, or from the run's folder on. InputError if there is nothing."""
    for candidate in (path, folder / path, folder.parent / path):
        if candidate.exists():
            return candidate
    raise InputError(
        f"{folder / _CONFIG}: {path} is not there any more; evaluate the run where its files are"
    )
