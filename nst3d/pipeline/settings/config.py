"""What a paint job can be told, and how presets and files override it."""

from __future__ import annotations

import contextlib
import dataclasses
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args, get_origin, get_type_hints

import yaml

from nst3d.errors import ConfigError, InputError
from nst3d.formats.mesh_files import mesh_formats
from nst3d.pipeline.settings.limits import check_limits
from nst3d.pipeline.settings.resources import resource
from nst3d.pipeline.settings.surface import RigOptions, SurfaceOptions, Up
from nst3d.renderers.shading import Lighting
from nst3d.stylize.canvas import TableOptions
from nst3d.stylize.recipe import Recipe
from nst3d.stylize.schedule import Schedule, Stage
from nst3d.stylize.shape.run import DisplaceOptions

Config = TypeVar("Config")
Renderer = Literal["embree", "pytorch3d"]
NerfPaint = Literal["native", "head", "baked"]


@dataclass(frozen=True)
class OutputOptions:
    """What is written besides the asset."""

    formats: tuple[str, ...] = ()
    """Asset formats to write, such as glb and obj. Empty: GLB, and the scene's own format if it can hold paint."""
    turntable: bool = True
    """Write turntable.mp4."""
    frames: int = 96
    """Frames of the turntable."""
    fps: float = 24.0
    """Frames a second of the turntable."""
    size: int = 512
    """Side of the turntable's and the sheet's pictures, pixels."""
    lighting: Lighting = "studio"
    """How the turntable and the sheet are lit: none, headlight or studio."""
    background: tuple[float, float, float] = (1.0, 1.0, 1.0)
    """Colour behind the scene in turntable and sheet, sRGB."""
    checkpoint_seconds: float = 30.0
    """How often a checkpoint is kept while painting; 0: never."""

    def __post_init__(self) -> None:
        """Refuse formats that no mesh is written in, with ConfigError."""
        written = [f.name for f in mesh_formats()] if self.formats else []
        for name in self.formats:
            if name not in written:
                raise ConfigError(f"setting output.formats is {name!r}: choose {', '.join(written)}")


@dataclass(frozen=True)
class PaintConfig:
    """All settings of a paint job."""

    recipe: Recipe = field(default_factory=Recipe)
    schedule: Schedule = field(
        default_factory=lambda: Schedule((Stage(160, 150, 0.03), Stage(320, 90, 0.02), Stage(512, 30, 0.012)))
    )
    table: TableOptions = field(default_factory=TableOptions)
    surface: SurfaceOptions = field(default_factory=SurfaceOptions)
    rig: RigOptions = field(default_factory=RigOptions)
    displace: DisplaceOptions = field(default_factory=DisplaceOptions)
    output: OutputOptions = field(default_factory=OutputOptions)
    lighting: Lighting = "none"
    """Light that falls on the mesh while it is painted: none, headlight or studio."""
    content_lighting: Lighting = "studio"
    """Light in the renders whose content is kept: it makes form readable in the paint."""
    start: Literal["content", "noise"] = "content"
    """What a picture's paint starts from; meshes always start from their content."""
    photos: bool = False
    """Keep the content of a capture's photographs, where they are still there, not of the scene's own renders."""
    capture_views: int = 64
    """Cameras of a capture that paint at most; of more, those that lie farthest apart."""
    keep_specular: float = 0.0
    """How much of a capture's view-dependence (highlights) stays on top of the paint, 0 to 1."""
    cache_gb: float = 2.5
    """Memory for compiled views, GB; those that do not fit wait in temporary files. Features kept of views take
    at most half as much again."""
    up: Up = "auto"
    """World up; auto: as the format says."""
    renderer: Renderer = "embree"
    """What finds what a mesh's views see: embree, or pytorch3d's rasteriser where that is installed."""
    nerf: NerfPaint | None = None
    """How a NeRF is painted; None: baked. native trains new features and the colour head of the model itself, head
    the colour head alone, which changes colours but paints no strokes; baked paints a grid that shows the NeRF,
    much faster, and teaches it to the model in the end."""
    precision: Literal["auto", "float32", "float64", "bfloat16"] = "auto"
    """Of the encoder; auto: bfloat16 where the machine is fast at it."""
    device: str = "auto"
    """cpu, cuda, or auto."""
    threads: int = 0
    """CPU threads; 0: as many as torch and numba take by themselves."""

    def __post_init__(self) -> None:
        """Refuse numbers that make no sense, with ConfigError."""
        check_limits(self)


def preset(name: str) -> dict[str, Any]:
    """The overrides of a preset in configs/ by name, or of a YAML file by path; none for "default".

    The config.yaml of a run is such a file: its settings are taken.
    """
    if name == "default":
        return {}
    path = Path(name)
    if path.suffix not in (".yaml", ".yml"):
        path = resource("configs") / f"{name}.yaml"
        if not path.is_file():
            known = ", ".join(["default", *sorted(p.stem for p in resource("configs").glob("*.yaml"))])
            raise ConfigError(f"preset {name!r} is not known: choose one of {known}, or give a .yaml file")
    values = read_yaml(path)
    return values["settings"] if isinstance(values.get("settings"), dict) else values


def read_yaml(path: Path) -> dict[str, Any]:
    """A YAML mapping; nothing in it is executed."""
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error})") from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:  # ValueError: dates, and what is not UTF-8
        line = " ".join(str(error).split())
        raise InputError(f"{path}: not valid YAML ({line})") from None
    if not isinstance(values, dict | None):
        raise InputError(f"{path}: expected settings as 'name: value', found {type(values).__name__}")
    return values or {}


def override(config: Config, values: dict[str, Any], where: str) -> Config:
    """The frozen dataclass with nested `values` put in, checked by the fields' types.

    `where` names the source in error messages.
    """
    hints = get_type_hints(type(config))
    changes = {}
    for name, value in values.items():
        if name not in hints:
            known = ", ".join(hints)
            raise ConfigError(f"{where}: setting {name!r} is not known here; known are {known}")
        current = getattr(config, name)
        if dataclasses.is_dataclass(current) and not isinstance(current, type):
            if not isinstance(value, dict):
                raise ConfigError(f"{where}: {name} holds settings of its own, found {value!r}")
            changes[name] = override(current, value, f"{where}: {name}")
        else:
            changes[name] = _converted(value, hints[name], f"{where}: {name}")
    return dataclasses.replace(config, **changes)  # type: ignore[type-var]


def _converted(value: Any, kind: Any, where: str) -> Any:
    """A YAML value as the type that a field declares."""
    origin, args = get_origin(kind), get_args(kind)
    if origin is Literal:
        if value not in args:
            raise ConfigError(f"{where} is {value!r}: choose {', '.join(map(str, args))}")
        return value
    if origin is tuple:
        if not isinstance(value, list | tuple):
            raise ConfigError(f"{where} is {value!r}: expected a list")
        kinds = [args[0]] * len(value) if args[-1] is Ellipsis else args
        if len(value) != len(kinds):
            raise ConfigError(f"{where} has {len(value)} values: expected {len(kinds)}")
        return tuple(_converted(v, k, where) for v, k in zip(value, kinds))
    if args and type(None) in args:
        rest = next(a for a in args if a is not type(None))
        return None if value is None else _converted(value, rest, where)
    if dataclasses.is_dataclass(kind) and isinstance(kind, type):
        return _built(kind, value, where)
    if kind is float and isinstance(value, int | str) and not isinstance(value, bool):
        with contextlib.suppress(ValueError):  # YAML takes 1e-7, without a point, for a word
            return float(value)
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise ConfigError(f"{where} is {value!r}: expected {kind.__name__}")
    return value


def _built(kind: type, value: Any, where: str) -> Any:
    if not isinstance(value, dict):
        raise ConfigError(f"{where}: expected settings as 'name: value', found {value!r}")
    hints = get_type_hints(kind)
    unknown = [n for n in value if n not in hints]
    if unknown:
        raise ConfigError(f"{where}: setting {unknown[0]!r} is not known; known are {', '.join(hints)}")
    try:
        return kind(**{n: _converted(v, hints[n], f"{where}: {n}") for n, v in value.items()})
    except TypeError as error:
        raise ConfigError(f"{where}: {error}") from None


def as_plain(config: Any) -> Any:
    """A configuration as mappings, lists and numbers, for YAML."""
    if dataclasses.is_dataclass(config) and not isinstance(config, type):
        return {f.name: as_plain(getattr(config, f.name)) for f in dataclasses.fields(config)}
    if isinstance(config, tuple | list):
        return [as_plain(v) for v in config]
    return config
