"""Gathers the pictures that a network is trained on: views of a scene, pictures in a folder or frames of a video."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch

from nst3d.errors import InputError
from nst3d.formats.picture import is_picture
from nst3d.formats.registry import suffixes_of
from nst3d.images.io import read_image
from nst3d.images.resize import fit_long_side
from nst3d.pipeline.captures.stills import is_video
from nst3d.pipeline.jobs.prepare import prepare
from nst3d.pipeline.jobs.train_frames import gather_frames
from nst3d.pipeline.kinds.bridges import Bridges
from nst3d.pipeline.kinds.kind import Opened
from nst3d.pipeline.kinds.registry import open_path
from nst3d.pipeline.runtime.events import Events
from nst3d.pipeline.settings.config import PaintConfig, TeachOptions, load_preset
from nst3d.pipeline.settings.train import TrainOptions
from nst3d.tensors import Image, Mask, Planes, to_planes
from nst3d.training.patches import LEAST
from nst3d.training.shot import Shot

_MOST = 200
"""Number of pictures above which a folder is thinned out evenly."""
_WANTED = "give a scene, a folder of pictures or a video"


def gather_shots(
    source: Path, styles: Sequence[Path], options: TrainOptions, events: Events, bridges: Bridges
) -> list[Shot]:
    """Views of a scene that can be painted, as painting renders them, the pictures in a folder, or a video's frames.

    Views have the size of the `options`, pictures that many pixels on their long side. Raises Nst3dError subclasses,
    InputError for a folder with neither, and for all but a video if pairs of frames are asked for.
    """
    size = options.size
    if is_video(source):
        return gather_frames(source, size, options.video, events)
    if options.video and source.exists():
        raise InputError(
            f"{source}: has no frames, of which `video` needs pairs; give a video, or leave out `video`"
        )
    pictures = _pictures(source)
    if pictures and not _has_scene(source):
        return _photographs(source, pictures, size, events)
    opened = _opened(source)
    if opened.kind.paint is None:
        raise opened.refusal("paint", f", which cannot be painted; {_WANTED}")
    return _views(source, styles, size, bridges, opened)


def _opened(source: Path) -> Opened:
    """The scene. InputError that says what else could have been given."""
    try:
        return open_path(source)
    except InputError as error:
        if source.is_dir() and not any(source.iterdir()):
            raise InputError(f"{source}: the folder is empty; {_WANTED}") from None
        raise InputError(f"{error}; {_WANTED}") from None


def _pictures(source: Path) -> list[Path]:
    """The pictures in a folder, or in its folder images if it has none itself, sorted by name."""
    for folder in (source, source / "images"):
        if folder.is_dir():
            found = sorted(p for p in folder.iterdir() if not p.name.startswith(".") and is_picture(p))
            if found:
                return found
    return []


def _has_scene(folder: Path) -> bool:
    """Whether a file in the folder is a scene by its name; pictures beside it are its textures then."""
    suffixes = tuple(suffixes_of("mesh", "splats", "points", "field"))
    return any(path.name.lower().endswith(suffixes) for path in folder.iterdir())


def _photographs(source: Path, paths: Sequence[Path], size: int, events: Events) -> list[Shot]:
    chosen = paths if len(paths) <= _MOST else [paths[i * len(paths) // _MOST] for i in range(_MOST)]
    if len(chosen) < len(paths):
        events.note(f"{source}: training on {_MOST} of {len(paths)} pictures, evenly chosen")
    shots = []
    for path in chosen:
        picture = read_image(path, max_pixels=4 * size * size)
        small = fit_long_side(Image(torch.from_numpy(picture.pixels)), size)
        if min(small.shape[:2]) < LEAST:
            events.note(f"{path}: left out, as its short side would have {min(small.shape[:2])} pixels")
            continue
        shots.append(Shot(to_planes(small), Mask(torch.ones(small.shape[:2]))))
    if not shots:
        raise InputError(
            f"{source}: has no picture whose short side has {LEAST} pixels when its long has {size}"
        )
    return shots


def _views(source: Path, styles: Sequence[Path], size: int, bridges: Bridges, opened: Opened) -> list[Shot]:
    config = _unpainted(load_preset(opened.kind.preset).with_size(size))
    if not styles:  # views need none, but a painting does
        config = replace(config, teach=TeachOptions("identity")).with_iterations(0)
    prepared = prepare(source, styles, config, bridges=bridges, opened=opened)
    canvas = prepared.canvas()
    black = torch.zeros(3)
    with torch.no_grad():
        return [
            Shot(
                Planes(canvas.render(v, black).detach().clamp(0, 1)),
                Mask(canvas.coverage(v).detach().clone()),
            )
            for v in range(canvas.num_views)
        ]


def _unpainted(config: PaintConfig) -> PaintConfig:
    """The settings with the scene's own colours at the start."""
    return replace(config, recipe=replace(config.recipe, palette_before=0.0), device="cpu")
