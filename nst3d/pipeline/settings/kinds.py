"""Which options are for which kinds of scene."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from nst3d.errors import ConfigError
from nst3d.formats.kinds import SceneKind, told
from nst3d.formats.splats.points import is_point_cloud

_SEEN_FROM_CAMERAS: tuple[SceneKind, ...] = ("field", "splats", "nerf")
_FITS: dict[str, tuple[SceneKind, ...]] = {
    "cameras": _SEEN_FROM_CAMERAS,
    "keep_specular": _SEEN_FROM_CAMERAS,
    "renderer": ("mesh",),
    "displace": ("mesh",),
    "clean": ("mesh",),
    "nerf": ("nerf",),
    "data": ("nerf",),
}
_WORDS: dict[SceneKind, str] = {
    "mesh": "meshes",
    "picture": "pictures",
    "field": "voxel fields",
    "splats": "splats",
    "nerf": "runs of nerfacto",
    "capture": "captures",
}


def check_options(asked: Iterable[str], kind: SceneKind, scene: Path) -> None:
    """Raise ConfigError for the first option that was asked for and is not for scenes of this kind.

    Options are given as in the table, perhaps with a value: "renderer='pytorch3d'".
    """
    for option in asked:
        fits = _FITS[option.partition("=")[0]]
        if kind not in fits:
            raise ConfigError(f"`{option}` is for {_listed([_WORDS[k] for k in fits])}; {told(scene, kind)}")


def cleanable(scene: Path, kind: SceneKind) -> SceneKind:
    """The kind that a scene has after cleaning: point clouds, otherwise splats, become meshes."""
    if is_point_cloud(scene):
        return "mesh"
    if kind != "mesh":
        raise ConfigError(f"`clean` is for meshes and point clouds; {told(scene, kind)}")
    return kind


def _listed(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
