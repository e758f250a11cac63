"""The settings of a paint job, and presets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any, Literal

from nst3d.bounds import FileOnly, Within, check_bounds, check_value
from nst3d.cameras.axes import Up
from nst3d.errors import ConfigError
from nst3d.formats.mesh_files import mesh_formats
from nst3d.pipeline.settings.effort import OVERHEAD, RUNGS, encoder_flops
from nst3d.pipeline.settings.limits import check_recipe
from nst3d.pipeline.settings.overrides import Note, override, read_yaml
from nst3d.pipeline.settings.resources import resource
from nst3d.pipeline.settings.surface import RigOptions, SurfaceOptions
from nst3d.renderers.shading import Lighting
from nst3d.stylize.canvas import TableOptions
from nst3d.stylize.colouring import ColourMode as ColourMode
from nst3d.stylize.recipe import Recipe
from nst3d.stylize.schedule import Schedule, Stage
from nst3d.stylize.shape.options import DisplaceOptions
from nst3d.stylize.teachers.registry import TEACHERS, check_teacher, own_captions

Share = Annotated[float, Within(0, 1)]
Renderer = Literal["embree", "pytorch3d"]
NerfPaint = Literal["native", "head", "baked"]


@dataclass(frozen=True)
class OutputOptions:
    """Output besides the asset."""

    formats: tuple[str, ...] = ()
    """Asset formats to write, such as glb and obj; empty: GLB, and the scene's own format if it can hold paint."""
    turntable: bool = True
    """Write turntable.mp4."""
    frames: Annotated[int, Within(1, 100_000)] = 96
    """Number of turntable frames."""
    fps: Annotated[float, Within(0.1, 240)] = 24.0
    """Turntable frames per second."""
    size: Annotated[int, Within(16, 4096)] = 512
    """Side of the turntable and of the contact sheet's pictures, in pixels."""
    lighting: Lighting = "studio"
    """Lighting of the turntable and the contact sheet."""
    background: tuple[Share, Share, Share] = (1.0, 1.0, 1.0)
    """Background of the turntable and the contact sheet, sRGB."""
    checkpoint_seconds: Annotated[float, Within(0)] = 30.0
    """Seconds between checkpoints while painting; 0: never."""

    def __post_init__(self) -> None:
        """Raise ConfigError for formats in which no mesh is written."""
        written = [f.name for f in mesh_formats()] if self.formats else []
        for name in self.formats:
            if name not in written:
                raise ConfigError(f"setting output.formats is {name!r}: choose {', '.join(written)}")


@dataclass(frozen=True)
class TeachOptions:
    """A teacher that paints the views before the guides do."""

    teacher: str | None = None
    """Name of the teacher whose pictures the scene learns first; None: no teacher."""
    rounds: Annotated[int, Within(1, 100)] = 1
    """Number of times the teacher paints the views, each time from what the scene has learnt."""
    size: Annotated[int | None, Within(16, 8192)] = None
    """Size of the views that the teacher paints, at most that of the finest stage, which None means."""
    options: Annotated[Mapping[str, Any], FileOnly()] = field(default_factory=dict)
    """The teacher's own options, by name."""

    def __post_init__(self) -> None:
        """Refuse a teacher or an option that is not known, with ConfigError."""
        if self.teacher is not None:
            check_teacher(self.teacher, self.options)

    @property
    def alone(self) -> bool:
        """Whether there is a teacher that can paint without a style."""
        return self.teacher is not None and not check_teacher(self.teacher, self.options).needs_style

    @staticmethod
    def texts_of(teacher: str) -> list[str]:
        """The options of a teacher that are text, whatever they look like. ConfigError for one that is not known."""
        return [name for name, own in check_teacher(teacher, {}).options.items() if isinstance(own, str)]

    @property
    def own_styles(self) -> Mapping[str, str]:
        """What the styles that the teacher alone knows look like, in words, as far as its options leave the choice."""
        return {} if self.teacher is None else own_captions(self.teacher, self.options)


@dataclass(frozen=True)
class PaintConfig:
    """All settings of a paint job."""

    recipe: Recipe = field(default_factory=Recipe)
    teach: TeachOptions = field(default_factory=TeachOptions)
    schedule: Schedule = field(
        default_factory=lambda: Schedule((Stage(160, 150, 0.03), Stage(320, 90, 0.02), Stage(512, 30, 0.012)))
    )
    table: TableOptions = field(default_factory=TableOptions)
    surface: SurfaceOptions = field(default_factory=SurfaceOptions)
    rig: RigOptions = field(default_factory=RigOptions)
    displace: DisplaceOptions = field(default_factory=DisplaceOptions)
    output: OutputOptions = field(default_factory=OutputOptions)
    lighting: Lighting = "none"
    """Lighting of the mesh during painting."""
    content_lighting: Lighting = "studio"
    """Lighting of the renders whose content is kept; it makes form readable in the paint."""
    region: str | None = None
    """Region to paint, such as "material:roof and not box:0,0,0,1,1,1 feather 8px"; docs/recipes.md lists selectors."""
    stroke: Annotated[float, Within(0.25, 4)] = 1.0
    """Size of strokes, relative to the usual, 0.25 to 4."""
    start: Literal["content", "noise"] = "content"
    """Starting point of a picture's paint; other scenes always start from their own colours."""
    photos: bool = False
    """Keep the content of a capture's photographs, if they are at hand, instead of the scene's own renders."""
    capture_views: Annotated[int, Within(1, 10_000)] = 64
    """Maximum number of a capture's cameras used for painting; those farthest apart are chosen."""
    keep_specular: Annotated[float, Within(0, 1)] = 0.0
    """Fraction of a capture's view-dependence (highlights) kept on top of the paint, 0 to 1."""
    cache_gb: Annotated[float, Within(0)] = 2.5
    """Memory for compiled views, GB; views that do not fit wait in temporary files. Cached features of views take up
    to half as much again."""
    up: Up = "auto"
    """World up; auto follows the file or its format."""
    renderer: Renderer = "embree"
    """Rasteriser for mesh views: embree, or pytorch3d if installed."""
    nerf: NerfPaint | None = None
    """How a NeRF is painted; None: baked. native trains new features and the colour head of the model itself;
    head trains the colour head alone, which changes colours but paints no strokes; baked paints a grid that
    reproduces the NeRF, which is much faster, and distils the result into the model."""
    precision: Literal["auto", "float32", "float64", "bfloat16"] = "auto"
    """Number format of the encoder; auto: bfloat16 where the machine is fast at it."""
    device: str = "auto"
    """Device: cpu, cuda, or auto."""
    threads: Annotated[int, Within(0, 4096)] = 0
    """CPU threads; 0: the defaults of torch and numba."""

    def __post_init__(self) -> None:
        """Raise ConfigError for invalid numbers."""
        check_bounds(self)
        check_recipe(self)

    @property
    def teach_scale(self) -> float:
        """Scale of the views that the teacher paints, relative to the finest."""
        return min(1.0, (self.teach.size or self.schedule.finest) / self.schedule.finest)

    def with_size(self, size: int) -> PaintConfig:
        """The settings with `size` pixels for the finest view; all other stages, and the shape's, scale."""
        check_value("`size`", size, Annotated[int, Within(16, 8192)])
        ratio = size / self.schedule.finest
        stages = _resized(self.schedule.stages, ratio)
        stages = (*stages[:-1], replace(stages[-1], size=size))
        return replace(
            self,
            schedule=replace(self.schedule, stages=stages),
            displace=replace(self.displace, stages=_resized(self.displace.stages, ratio)),
        )

    def with_iterations(self, iterations: int) -> PaintConfig:
        """The settings with `iterations` painting steps in total, split among the stages as before.

        The shape's steps scale in proportion if the schedule counts steps, not epochs.
        """
        check_value("`iterations`", iterations, Annotated[int, Within(0)])
        if iterations == 0 and self.teach.teacher is None:
            raise ConfigError(
                "`iterations` is 0, which changes nothing: give 1 or more, or a `teacher` to paint without steps"
            )
        displace = self.displace
        if self.schedule.total:
            steps = Schedule(displace.stages)
            total = max(1, round(steps.total * iterations / self.schedule.total))
            displace = replace(displace, stages=steps.shared_out(total).stages)
        return replace(self, schedule=self.schedule.shared_out(iterations), displace=displace)

    def within(self, seconds: float, rate: float) -> PaintConfig:
        """The settings with smaller views and fewer steps, so that painting takes about `seconds` or less.

        The time is estimated for an encoder that computes `rate` floating-point operations per second, as
        `convolution_rate` measures. Settings that fit are returned as they are; for those that never will, the
        last of `rungs`.
        """
        check_value("seconds", seconds, Annotated[float, Within(0, above=True)])
        check_value("rate", rate, Annotated[float, Within(0, above=True)])
        for rung in self.rungs():
            if rung._encoder_flops() * OVERHEAD <= seconds * rate:
                break
        return rung

    def rungs(self) -> Iterator[PaintConfig]:
        """The settings, then with smaller and smaller views and fewer and fewer steps: the choices of `within`."""
        yield self
        schedule = self.schedule.over(self.rig.views)
        for size, steps in RUNGS:
            smaller = self.with_size(max(32, round(schedule.finest * size / 16) * 16))
            yield smaller.with_iterations(max(1, round(schedule.total * steps)))

    def _encoder_flops(self) -> float:
        schedules = [self.schedule, *([Schedule(self.displace.stages)] if self.displace.fraction else [])]
        return sum(encoder_flops(self.recipe, schedule, self.rig.views) for schedule in schedules)

    def with_seed(self, seed: int) -> PaintConfig:
        """The settings with another random seed."""
        return replace(self, schedule=replace(self.schedule, seed=seed))

    def with_displacement(self, fraction: float) -> PaintConfig:
        """The settings with vertices displaced by up to `fraction` (at most 0.2) of the box's diagonal."""
        if fraction == 0:
            raise ConfigError(
                "`displace` is 0, which moves nothing; give a fraction such as 0.03, or leave it out"
            )
        return replace(self, displace=replace(self.displace, fraction=fraction))


def reads_words(teacher: str | None) -> bool:
    """Whether a teacher of this name is known and paints what the words of styles say."""
    return teacher is not None and teacher in TEACHERS and TEACHERS.get(teacher).reads_words


def _resized(stages: tuple[Stage, ...], ratio: float) -> tuple[Stage, ...]:
    return tuple(replace(s, size=max(32, round(s.size * ratio / 16) * 16)) for s in stages)


def preset(name: str) -> dict[str, Any]:
    """The overrides of a preset in configs/ by name, or of a YAML file by path; none for "default".

    The config.yaml of a run is such a file, too.
    """
    if name == "default":
        return {}
    path = Path(name)
    if path.suffix not in (".yaml", ".yml"):
        path = next((f for f in (resource("configs") / f"{name}.yaml", _look(name)) if f.is_file()), path)
        if not path.is_file():
            files = [*resource("configs").glob("*.yaml"), *_look("").parent.glob("*.yaml")]
            known = ", ".join(["default", *sorted(p.stem for p in files)])
            raise ConfigError(f"preset {name!r} is not known: choose one of {known}, or give a .yaml file")
    values = read_yaml(path)
    return values["settings"] if isinstance(values.get("settings"), dict) else values


def looks_of(names: str) -> tuple[str, list[str]]:
    """The preset and the looks in names with commas between them: "quick,impasto" is quick, and impasto on top.

    A look says how a painting should look, and leaves views, sizes and steps to the preset, "default" if none is named.
    ConfigError for several presets that are none.
    """
    parts = [part.strip() for part in names.split(",")]
    if Path(names).suffix in (".yaml", ".yml"):
        return names, []
    looks = [part for part in parts if _look(part).is_file()]
    others = [part for part in parts if part not in looks]
    if len(others) > 1:
        raise ConfigError(
            f"presets {' and '.join(others)} do not add up: only looks can be on top of a preset"
        )
    return (others[0] if others else "default"), looks


def _look(name: str) -> Path:
    return resource("configs") / "looks" / f"{name}.yaml"


def with_preset(config: PaintConfig, name: str) -> PaintConfig:
    """The settings with those of a preset on top. ConfigError like `preset`, or if they do not fit together."""
    return override(config, preset(name), f"preset {name}")


def load_preset(name: str, note: Note = lambda text: None) -> PaintConfig:
    """The settings of a preset in configs/ by name, or of a YAML file by path, including a run's config.yaml.

    `note` is called about settings from older versions.
    """
    return override(PaintConfig(), preset(name), f"preset {name}", note)
