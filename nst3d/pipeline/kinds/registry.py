"""All kinds of scenes, and the one place that detects a path's kind.

Each kind is a folder here with a row in it. Packages add kinds through the entry-point group `nst3d.kinds`: a
`Kind`, or a callable that returns one or several.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from nst3d.errors import ConfigError, InputError
from nst3d.files import PathLike
from nst3d.formats.io.files import refuse_empty, visible
from nst3d.formats.io.peek import Peek
from nst3d.formats.mesh_files import is_mesh
from nst3d.formats.nerfstudio.run import CONFIG, is_run
from nst3d.formats.splats.registry import is_splats
from nst3d.limits import regular
from nst3d.pipeline.kinds.kind import Kind, Opened
from nst3d.plugins import Registry, rows_of

_FOLDERS = ("capture", "mesh", "nerf", "picture", "radiance")
_KINDS: Registry[Kind] = Registry(
    "kind of scene", "nst3d.kinds", tuple(f"nst3d.pipeline.kinds.{f}.kind" for f in _FOLDERS), rows_of(Kind)
)


def register_kind(row: Kind) -> Kind:
    """Add a kind of scene; returns it. Raises ConfigError if its name is taken."""
    return _KINDS.register(row.name, row)


def forget_kind(name: str) -> None:
    """Remove a kind. Raises ConfigError if there is none of that name."""
    _KINDS.forget(name)


def kind_named(name: str) -> Kind:
    """The kind of that name. Raises ConfigError, listing all names, if there is none."""
    return _KINDS.get(name)


def all_kinds() -> list[Kind]:
    """Every kind, in the order in which they are tried."""
    return sorted(_KINDS.rows().values(), key=lambda k: k.rank)


def open_path(path: PathLike) -> Opened:
    """The kind of scene in a file or folder, with what was read to detect it; "mesh" if no other kind fits.

    Raises InputError for a missing path, an empty folder, an archive without a scene, or a nerfstudio run of
    an unsupported method.
    """
    peek = Peek.at(path)
    return Opened(_kind_of(peek), peek)


def check_options(asked: Iterable[str], opened: Opened) -> None:
    """Raise ConfigError for the first requested option that this kind of scene does not support.

    Options are given as in `Kind.options`, optionally with a value: "renderer='pytorch3d'".
    """
    for option in asked:
        name = option.partition("=")[0]
        if name not in opened.kind.options:
            fits = [k.many for k in all_kinds() if name in k.options]
            raise ConfigError(f"`{option}` is for {_listed(fits)}; {opened.told}")


def cleaned(opened: Opened) -> Opened:
    """The scene as the kind it has once cleaned. Raises ConfigError for kinds that cannot be cleaned."""
    if not opened.kind.cleaned:
        fits = sorted((k for k in all_kinds() if k.cleaned), key=lambda k: k.cleaned != k.name)
        raise ConfigError(f"`clean` is for {_listed([k.many for k in fits])}; {opened.told}")
    return Opened(kind_named(opened.kind.cleaned), opened.peek)


def _kind_of(peek: Peek) -> Kind:
    path = regular(peek.path)
    if not path.exists():
        raise InputError(f"{path}: no such file, expected a mesh, a picture, a voxel field or splats")
    refuse_empty(path, "a mesh, a capture or splats")
    config = path / CONFIG if peek.is_folder else path
    if config.name == CONFIG and config.is_file() and not is_run(peek):
        raise InputError(f"{config}: not the config.yml of a nerfstudio run")
    found = _sniffed(peek)
    if found is not None:
        return found
    if peek.suffix == ".npz":
        raise InputError(f"{path}: neither a voxel field nor a capture (images, poses and focal)")
    if peek.is_folder and not any(is_mesh(p) and not is_splats(p) for p in path.iterdir()):
        _refuse_results(path)
    return kind_named("mesh")


def _sniffed(peek: Peek) -> Kind | None:
    """The kind that recognises a path, or None."""
    return next((k for k in all_kinds() if k.sniff(peek)), None)


def _refuse_results(folder: Path) -> None:
    """Raise InputError for a folder that contains scenes, but no single one."""
    found = [p for p in sorted(folder.iterdir()) if p.is_file() and _is_scene(Peek(p))]
    for depth in range(1, 4):
        found += sorted(p for p in folder.glob("*/" * depth + CONFIG) if is_run(p))
    if not found:
        inner = (p for p in sorted(folder.iterdir()) if p.is_dir() and visible(p))
        found = [p for p in inner if _sniffed(Peek(p)) is not None]
    if found:
        names = ", ".join(str(p.relative_to(folder)) for p in found[:4])
        raise InputError(f"{folder}: a folder with {names}; give the path of one")


def _is_scene(peek: Peek) -> bool:
    """Whether a file is a scene that can be rendered with depth: a field, splats or points."""
    return any(k.source is not None and k.sniff(peek) for k in all_kinds())


def _listed(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
