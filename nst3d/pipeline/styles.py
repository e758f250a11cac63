"""Reading a job's styles, palette and encoder."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import torch

from nst3d.errors import ConfigError, InputError
from nst3d.features.encoder import Encoder
from nst3d.features.kinds import encoder_kind, encoder_name
from nst3d.features.layers import check_layers
from nst3d.features.precision import fast_dtype
from nst3d.features.weights import load_encoder
from nst3d.files import PathLike
from nst3d.images.colour import hex_colour
from nst3d.images.grade import Grade
from nst3d.images.io import read_image
from nst3d.images.palette import mixtures
from nst3d.losses.observation import IMAGE
from nst3d.pipeline.runtime.events import Events
from nst3d.pipeline.settings.config import PaintConfig
from nst3d.pipeline.settings.direction import Direction, StyleEntry
from nst3d.sounds.read import read_sound
from nst3d.stylize.coat import Coat
from nst3d.stylize.colouring import Colouring
from nst3d.stylize.recipe import Recipe
from nst3d.stylize.style import Style
from nst3d.tensors import Colours, Image
from nst3d.weights.find import find_weights, need_weights

_DTYPES = {"float32": torch.float32, "float64": torch.float64, "bfloat16": torch.bfloat16}
_STYLE_PIXELS = 4_000_000
_STYLE_ASPECT = 16


def find_encoder(config: PaintConfig, device: torch.device, events: Events) -> Encoder:
    """The recipe's encoder, or its fallback, with a note."""
    recipe, name = config.recipe, _encoder_name(config)
    if name != encoder_name(recipe.encoder):
        events.note(f"weights {recipe.encoder} were not found, using {name}; see nst3d weights")
    dtype = encoder_dtype(config, device)
    return load_encoder(name, pooling=recipe.pooling, smooth=recipe.smooth, dtype=dtype, device=device)


def check_encoder(config: PaintConfig) -> None:
    """Raise MissingDependencyError if neither the recipe's encoder nor its fallback is on this machine.

    ConfigError, with those that it has, for layers that it lacks.
    """
    name = _encoder_name(config)
    kind = encoder_kind(name)
    layers = [layer for layer in config.recipe.layers(kind.own) if layer != IMAGE]
    check_layers(layers, kind.layers, name)
    if find_weights(name) is None:
        need_weights(name)


def _encoder_name(config: PaintConfig) -> str:
    name, other = encoder_name(config.recipe.encoder), config.recipe.fallback_encoder
    return name if other is None or find_weights(name) is not None else encoder_name(other)


def encoder_dtype(config: PaintConfig, device: torch.device) -> torch.dtype:
    """The number format in which the encoder runs on a device."""
    return fast_dtype(device) if config.precision == "auto" else _DTYPES[config.precision]


def read_colouring(recipe: Recipe, own: Colours, weights: torch.Tensor | None = None) -> Colouring:
    """The recipe's colouring for a scene with the colours `own` (n, 3) of these `weights` (n,).

    InputError for a palette's image that cannot be read, ConfigError for a colour that is none, or for a single one.
    """
    palette = None if recipe.palette is None else read_palette(recipe.palette)
    return Colouring.of(recipe.colour, own, weights, palette)


def read_palette(text: str) -> Colours:
    """The colours (n, 3) of an image's opaque pixels, or what can be mixed from "#rrggbb,#rrggbb,...".

    InputError for an image that cannot be read, ConfigError for a colour that is none.
    """
    path = palette_file(text)
    if path is not None:
        return read_style(path, Events()).palette
    try:
        return mixtures(torch.tensor([hex_colour(word) for word in text.split(",")]))
    except ValueError as error:
        raise ConfigError(f"`palette`: {error}") from None


def palette_file(text: str | None) -> Path | None:
    """The image that a palette names; None for a list of colours, which has a comma or begins with #."""
    return None if text is None or text.lstrip().startswith("#") or "," in text else Path(text)


def read_style(path: PathLike, events: Events) -> Style:
    """The style in an image file; its transparent pixels do not count.

    Raises InputError for an image too narrow to be encoded, or transparent throughout.
    """
    path = Path(path)
    picture = read_image(path, max_pixels=_STYLE_PIXELS)
    for note in picture.notes:
        events.note(note)
    height, width = picture.pixels.shape[:2]
    if max(height, width) > _STYLE_ASPECT * min(height, width):
        raise InputError(f"{path}: {width} x {height} pixels is too narrow for a style; crop it")
    images = (Image(torch.from_numpy(picture.pixels)),)
    if picture.alpha is None or (picture.alpha >= 1).all():
        return Style(images, path.stem)
    if not picture.alpha.any():
        raise InputError(f"{path}: is transparent throughout; give a style with opaque pixels")
    return Style(images, path.stem, opacities=(torch.from_numpy(picture.alpha),))


def read_coats(direction: Direction, recipe: Recipe, events: Events) -> list[Coat]:
    """What paints the regions of a direction, with its styles read, at the recipe's strength and in its grade.

    Raises InputError as `read_style` does.
    """
    read = {name: _style_of(name, entry, events) for name, entry in direction.styles.items()}
    direction = direction.expanded
    coats = []
    for entry in direction.entries:
        styles = [
            replace(read[name], weight=read[name].weight * weight, scale=read[name].scale * entry.stroke)
            for name, weight in entry.style.items()
            if read[name].weight * weight > 0
        ]
        if entry.style and not styles:
            told = Coat([], entry.region).told
            raise ConfigError(f"{told}: all its styles have a weight of 0")
        selector = None if entry.region is None else direction.selector(entry.region)
        strength = entry.strength * recipe.strength
        coat = Coat(styles, entry.region, selector, strength, entry.terms, entry.origin)
        coats.append(coat.styled(lambda style: _graded(style, recipe.grade)))
    return coats


def _graded(style: Style, grade: Grade) -> Style:
    """A style in changed colours, within [0, 1]."""
    if grade.neutral:
        return style
    images = (Image(torch.from_numpy(grade.apply(image.numpy()))) for image in style.images)
    return replace(style, images=tuple(images))


def _style_of(name: str, entry: StyleEntry, events: Events) -> Style:
    """A style's pictures in one, with its sound. InputError for files that cannot be read."""
    read = [read_style(path, events) for path in entry.images]
    images = tuple(image for style in read for image in style.images)
    masks = tuple(mask for style in read for mask in style.opacities or (None,))
    opacities = masks if any(mask is not None for mask in masks) else ()
    heard = None
    if entry.sound is not None:
        sound = read_sound(entry.sound)
        for note in sound.notes:
            events.note(note)
        heard = torch.from_numpy(sound.samples.copy())
    return Style(
        images,
        name,
        entry.weight,
        entry.scale,
        opacities,
        entry.detail,
        entry.text,
        entry.avoid,
        entry.taught,
        heard,
    )


def default_encoder() -> Encoder:
    """The default recipe's encoder on the CPU."""
    return find_encoder(PaintConfig(), torch.device("cpu"), Events())
