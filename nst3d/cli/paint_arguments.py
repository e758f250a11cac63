"""The arguments of nst3d paint, and the settings that they ask for."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro

from nst3d.cli.values import read_options, read_terms
from nst3d.errors import ConfigError
from nst3d.pipeline.kinds.paint_job import Hearing, Words
from nst3d.pipeline.settings.config import (
    ColourMode,
    NerfPaint,
    PaintConfig,
    Renderer,
    TeachOptions,
    Up,
    looks_of,
)

STARTS = {"instant": "warm", "quilt": "quilt"}
"""The preset that a start means, on top of the scene's own."""


@dataclass(frozen=True)
class PaintArguments:
    """Arguments of `nst3d paint`."""

    scene: tyro.conf.Positional[Annotated[Path, tyro.conf.arg(metavar="SCENE")]]
    """Mesh, picture, voxel field, splats or point cloud to paint; a folder with one mesh; or a nerfstudio run: its
    folder, its config.yml or a checkpoint."""
    out: Annotated[Path, tyro.conf.arg(metavar="FOLDER")]
    """Folder for the results."""
    style: tyro.conf.UseAppendAction[Annotated[tuple[Path, ...], tyro.conf.arg(metavar="IMAGE")]] = ()
    """Style image; repeat the option to mix several. (required, unless there are words, a direction, a reference or a
    teacher that needs none)"""
    text: tyro.conf.UseAppendAction[Annotated[tuple[str, ...], tyro.conf.arg(metavar="WORDS")]] = ()
    """What the scene should look like, in words, such as "carved jade"; repeat the option to mix several. Mixes with
    style images, too. --words says how; with --teacher diffusion, that teacher paints them."""
    avoid: tyro.conf.UseAppendAction[Annotated[tuple[str, ...], tyro.conf.arg(metavar="WORDS")]] = ()
    """What it should not look like, in words."""
    words: Words = "auto"
    """How words paint: followed by CLIP step by step (clip; see nst3d weights), or by choosing pictures whose captions
    are like them (choose); auto follows if CLIP's weights are there."""
    library: Annotated[Path | None, tyro.conf.arg(metavar="FOLDER")] = None
    """Pictures among which words choose, described in the folder's captions.yaml or by their names; by default those
    that ship with nst3d."""
    sound: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """Sound (wav, flac, ogg, mp3, …) whose mood is painted. --sound-as says how it is heard."""
    sound_as: Hearing = "auto"
    """How a sound is heard: in CLIP's space, by Wav2CLIP (embedding), or as tags that become words (tags). auto:
    embedding if its weights and CLIP's are there, otherwise tags."""
    direction: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """Which regions are painted in which styles: a .yaml file, or the config.yaml of a run."""
    reference: tyro.conf.UseAppendAction[Annotated[tuple[Path, ...], tyro.conf.arg(metavar="IMAGE")]] = ()
    """Picture from nst3d render --for-painting, painted over: the scene takes it and the rest is painted alike.
    Repeat the option for several; where two are painted, the first counts."""
    preset: Annotated[str, tyro.conf.arg(metavar="NAME")] = "default"
    """Preset: default, quick, fine, gatys, arf, or a .yaml file with settings; and looks on top of it, such as
    impasto, or quick,watercolour. By default, pictures use picture, and voxel fields, splats and nerfstudio runs use
    capture."""
    size: Annotated[int | None, tyro.conf.arg(metavar="PIXELS")] = None
    """Size of the finest views (for pictures, the long side); coarser stages and those of --displace scale
    accordingly."""
    iterations: Annotated[int | None, tyro.conf.arg(metavar="N")] = None
    """Total painting steps, split among the preset's stages; the steps of --displace scale accordingly."""
    region: tyro.conf.UseAppendAction[Annotated[tuple[str, ...], tyro.conf.arg(metavar="SELECTOR")]] = ()
    """Region to paint, such as "material:roof", "mask:sky.png feather 8px", or "box:x,y,z,x,y,z and not
    colour:#3050c0"; the command nst3d regions lists and draws them."""
    colour: ColourMode | None = None
    """Whose colours the painting has: the style's; the scene's own in mean and covariance (content), or but for their
    luminance, which alone is painted (luminance); or those of --palette."""
    palette: Annotated[str | None, tyro.conf.arg(metavar="IMAGE|#HEX,#HEX,...")] = None
    """Colours of the painting: those of an image, or a list such as '#1f4e79,#f2c14e'. Implies --colour palette."""
    stroke: Annotated[float | None, tyro.conf.arg(metavar="0.25..4")] = None
    """Size of strokes, relative to the usual."""
    term: Annotated[
        tyro.conf.UseAppendAction[tuple[str, ...]], tyro.conf.arg(metavar="NAME[.OPTION]=VALUE")
    ] = ()
    """Weight of a loss or guide, or one of its options: gram=1, content=0.4, nnfm.agree=0.1; repeatable."""
    method: Literal["optimise", "instant"] = "optimise"
    """How to paint: optimise step by step, or instant: in seconds, by networks alone."""
    start: Literal["content", "noise", "instant", "quilt"] | None = None
    """Starting point: the scene's own colours (content), what --method instant paints, from where fewer steps are
    needed (instant), patches of the style laid over the surface, for meshes without colours (quilt), or noise, for
    pictures."""
    teacher: Annotated[str | None, tyro.conf.arg(metavar="NAME")] = None
    """Teacher whose pictures the scene learns first, such as posterise or network; --iterations 0 stops after it.
    translate, a CycleGAN generator, needs no style, and paints alone without one."""
    teacher_option: Annotated[
        tyro.conf.UseAppendAction[tuple[str, ...]], tyro.conf.arg(metavar="NAME=VALUE")
    ] = ()
    """An option of the teacher: levels=4, file=wave.safetensors; repeatable."""
    up: Up | None = None
    """World up axis; auto follows the file or its format."""
    renderer: Renderer | None = None
    """Rasteriser for mesh views: embree, or pytorch3d if installed (on a CUDA GPU if there is one)."""
    cameras: Annotated[Path | None, tyro.conf.arg(metavar="CAPTURE")] = None
    """Capture whose cameras paint a mesh, a voxel field, splats or a nerfstudio run; for a mesh also a camera path,
    whose keyframes are used. By default the scene's own cameras, or a rig."""
    dataparser: Annotated[str | None, tyro.conf.arg(metavar="NAME")] = None
    """nerfstudio dataparser for the capture of --cameras, such as blender-data."""
    displace: Annotated[float | None, tyro.conf.arg(metavar="FRACTION")] = None
    """Stylise a mesh's shape as well: the maximum displacement as a fraction of the bounding-box diagonal,
    such as 0.03."""
    clean: tyro.conf.FlagCreatePairsOff[bool] = False
    """Clean a scan with Open3D before painting: repair and decimate a mesh, or mesh a point cloud."""
    clean_faces: Annotated[int | None, tyro.conf.arg(metavar="N")] = None
    """Target face count for --clean, 0 to keep all; by default only meshes above 500,000 faces are reduced."""
    clean_depth: Annotated[int | None, tyro.conf.arg(metavar="N")] = None
    """Octree depth for meshing a point cloud with --clean; by default as fine as the point spacing."""
    data: Annotated[Path | None, tyro.conf.arg(metavar="FOLDER")] = None
    """Data of a nerfstudio run, if it has moved since training."""
    nerf: NerfPaint | None = None
    """How to paint a nerfacto run: train new features and the colour head (native), the colour head alone (head), or
    paint a grid and distil it into the model (baked, the default)."""
    keep_specular: Annotated[float | None, tyro.conf.arg(metavar="0..1")] = None
    """Fraction of a capture's own highlights kept on top of the paint."""
    seed: Annotated[int | None, tyro.conf.arg(metavar="N")] = None
    """Random seed."""
    quiet: tyro.conf.FlagCreatePairsOff[bool] = False
    """No progress bar."""
    overwrite: tyro.conf.FlagCreatePairsOff[bool] = False
    """Write into a folder that is not empty."""
    resume: tyro.conf.FlagCreatePairsOff[bool] = False
    """Continue an interrupted run; give the same scene, style and settings again."""
    report: tyro.conf.FlagCreatePairsOff[bool] = False
    """Measure the painting when it is done, as nst3d eval does, and write OUT/report."""
    tensorboard: tyro.conf.FlagCreatePairsOff[bool] = False
    """Log losses to OUT/tensorboard."""


@dataclass(frozen=True)
class AllArguments(PaintArguments):
    """Arguments of `nst3d paint`, with every setting."""

    settings: PaintConfig = dataclasses.field(default_factory=PaintConfig)


def _teach(teach: TeachOptions, parsed: PaintArguments) -> TeachOptions:
    """The preset's teacher with the options of the command line, or the command line's teacher."""
    name = parsed.teacher or teach.teacher
    if name is None:
        raise ConfigError("--teacher-option needs a teacher: give --teacher NAME, too")
    texts = TeachOptions.texts_of(name)
    given = read_options("--teacher-option", parsed.teacher_option, "levels=4", texts)
    options = teach.options if teach.teacher in (None, name) else {}  # a preset's are of its own teacher
    return dataclasses.replace(teach, teacher=name, options={**options, **given})


def _coloured(config: PaintConfig, parsed: AllArguments) -> PaintConfig:
    """The settings with the colours of --colour and --palette."""
    if parsed.colour is None and parsed.palette is None:
        return config
    colour = parsed.colour or "palette"
    own = config.recipe.palette if colour == "palette" else None  # a preset's
    recipe = dataclasses.replace(config.recipe, colour=colour, palette=parsed.palette or own)
    return dataclasses.replace(config, recipe=recipe)


def styled(parsed: PaintArguments) -> bool:
    """Whether a style is given in some way."""
    return (
        bool(parsed.style or parsed.text or parsed.sound or parsed.reference) or parsed.direction is not None
    )


def _judged(config: PaintConfig, parsed: PaintArguments) -> bool:
    """Whether steps have a style that they can be judged by, and words are not for the teacher's own styles alone."""
    pictured = bool(parsed.style or parsed.reference) or parsed.direction is not None
    chosen = parsed.words != "clip" and parsed.library is None and config.teach.own_styles
    return pictured or (styled(parsed) and not chosen)


def adjusted(parsed: AllArguments) -> PaintConfig:
    """The settings with the short options applied."""
    config = parsed.settings
    config = _coloured(config, parsed)
    if parsed.term:
        config = dataclasses.replace(config, recipe=config.recipe.with_terms(read_terms(parsed.term)))
    if parsed.teacher is not None or parsed.teacher_option:
        config = dataclasses.replace(config, teach=_teach(config.teach, parsed))
    if parsed.start in ("content", "noise"):
        config = dataclasses.replace(config, start=parsed.start)
    if parsed.size is not None:
        config = config.with_size(parsed.size)
    looks = looks_of(parsed.preset)[1]
    if parsed.method == "instant" and looks:
        raise ConfigError(
            f"--method instant takes no steps, in which a look ({', '.join(looks)}) is painted: leave out one"
        )
    if parsed.method == "instant" and (parsed.iterations or parsed.term or parsed.start in STARTS):
        raise ConfigError(
            "--method instant takes no steps: leave out --iterations, --term and --start, or give --start instant"
            " in place of it"
        )
    if parsed.iterations is not None:
        config = config.with_iterations(parsed.iterations)
    elif config.teach.alone and not _judged(config, parsed):
        config = config.with_iterations(0)
    if parsed.seed is not None:
        config = config.with_seed(parsed.seed)
    if parsed.displace is not None:
        config = config.with_displacement(parsed.displace)
    if len(parsed.region) > 1:
        raise ConfigError(
            "--region is given more than once: several regions are painted by a file, --direction look.yaml"
        )
    given = {n: getattr(parsed, n) for n in ("up", "renderer", "nerf", "keep_specular", "stroke")}
    given["region"] = next(iter(parsed.region), None)
    return dataclasses.replace(config, **{n: v for n, v in given.items() if v is not None})
