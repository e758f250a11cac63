"""Regions of pictures: columns of weights beside the pixels."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial
from pathlib import Path

import numpy as np

from nst3d.features.encoder import Encoder
from nst3d.pipeline.kinds.regions import Select, Selectors
from nst3d.pipeline.kinds.selectors.colour import colour_region
from nst3d.pipeline.kinds.selectors.masks import read_mask
from nst3d.pipeline.kinds.selectors.places import place_selectors
from nst3d.pipeline.kinds.selectors.seen import Note, Sights, sight_selectors
from nst3d.stylize.layout import Layout, resampled
from nst3d.stylize.picture_stage import picture_stage
from nst3d.tensors import Array, Colours, ImageSize


def picture_selectors(
    layout: Layout, full: Layout, own: Colours, encoder: Callable[[], Encoder], note: Note
) -> Selectors:
    """What chooses regions of a picture with `own` colours (n, 3): masks, places, colours,
    clusters, and words.

    `full` is the layout of the picture as it was read. The unit of the scene is its long side.
    """
    pixel = 1 / max(layout.images[0])

    @cache
    def places() -> Array:
        rows, columns = np.indices(layout.images[0]).reshape(2, -1)
        return np.stack([columns, rows, np.zeros_like(rows)], axis=1) * pixel

    sights = Sights(lambda: picture_stage(own, layout, 1.0), places, lambda: pixel, None, encoder, note)
    by_name: dict[str, Select] = {
        "mask": lambda path: mask_region(Path(path), layout, full, note),
        "colour": partial(colour_region, own),
        **{name: place_selectors(places)[name] for name in ("axis", "ramp")},
        **{name: sight_selectors(sights)[name] for name in ("cluster", "words")},
    }
    return Selectors(by_name, places, lambda: pixel)


def mask_region(path: Path, layout: Layout, full: Layout, note: Note) -> Colours:
    """Weights (n, 1) from the brightness of a mask image: white inside, black outside.

    `note` hears of one of another size than the picture's, `full`. InputError for a file that cannot be read.
    """
    mask = read_mask(path)
    found = Layout.of_images([ImageSize(*mask.shape[:2])])
    if found not in (layout, full):
        (height, width), size = mask.shape[:2], full.images[0]
        note(f"{path}: {width} x {height} pixels, resized to the picture's {size.width} x {size.height}")
    return resampled(mask.reshape(-1, 1), found, layout).clamp(0, 1)
