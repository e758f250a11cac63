"""Selectors that choose rows by what views show: masks, depth, clusters of deep features, and words."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

import numpy as np
import torch

from nst3d.errors import InputError
from nst3d.features.encoder import Encoder
from nst3d.images.resize import resize
from nst3d.operators.lift import lift, lift_masks
from nst3d.pipeline.kinds.selectors.cluster import DeepPlaces, cluster_scores, deep_places, read_cluster
from nst3d.pipeline.kinds.selectors.masks import read_mask
from nst3d.pipeline.kinds.selectors.part_names import Named, nameless
from nst3d.pipeline.kinds.selectors.places import bounds_of
from nst3d.pipeline.kinds.selectors.words import WordParts
from nst3d.representations.neighbours import Neighbours
from nst3d.stylize.stage_scene import TableStage
from nst3d.tensors import Array, Colours, Image

_SUFFIXES = (".npy", ".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".bmp")
_REACH = 3.0
"""Distance in pixels over which rows that no pixel sees follow one that is seen: texels between samples."""
_LISTED = 4

Note = Callable[[str], None]


@dataclass(frozen=True)
class Sights:
    """What regions are lifted from: a scene's views at the finest scale."""

    stage: Callable[[], TableStage]
    """Makes the views, in which contents are the scene's own colours."""
    places: Callable[[], Array]
    """Gives the position of each row, (n, 3) in units of the scene, NaN where it shows nowhere."""
    pixel: Callable[[], float]
    """Gives the size of a pixel, in units of the scene."""
    depth: Callable[[TableStage, int], Array] | None
    """Maps a view to its depth (h, w) in units of the scene, inf where it shows nothing; None: there is no depth."""
    encoder: Callable[[], Encoder]
    note: Note
    names: Sequence[str] = ()
    """The photographs' names, one per view, by which masks are found; empty: their numbers, from 000."""
    named: Named = nameless
    """Gives the parts of the scene that have names."""

    def followed(self, table: Colours, seen: Colours) -> Colours:
        """The table (n, c), in which rows that are not `seen` (n, 1) follow the nearest that are."""
        return followed(table, seen[:, 0].numpy(), self.places(), _REACH * self.pixel())


def followed(table: Colours, weight: Array, places: Array, reach: float) -> Colours:
    """The table (n, c), in which rows of no weight (n,) take the values of the nearest row that has some.

    `places` (n, 3) are the rows' positions; rows at NaN, or farther than `reach` from any other, stay.
    """
    known = np.isfinite(places).all(1)
    seen, lost = np.flatnonzero((weight > 0) & known), np.flatnonzero((weight <= 0) & known)
    if not len(seen) or not len(lost):
        return table
    index = Neighbours(places[seen]).of(places[lost], 1, reach)[0]
    near = index[:, 0] >= 0
    result = table.clone()
    result[lost[near]] = table[seen[index[near, 0]]]
    return result


def sight_selectors(sights: Sights) -> Mapping[str, Callable[[str], Colours]]:
    """views, depth where there is one, cluster, and words."""

    @cache
    def places() -> DeepPlaces:
        return deep_places(sights.stage(), sights.encoder())

    @lru_cache(maxsize=4)
    def clusters(count: int) -> Colours:
        stage = sights.stage()
        pictures = cluster_scores(stage, places(), count)
        scores, weight = lift(stage.views, pictures, stage.layout.num_colours, count)
        best = torch.zeros_like(scores).scatter_(1, scores.argmax(1, keepdim=True), (weight > 0).float())
        return sights.followed(best, weight)

    def cluster(text: str) -> Colours:
        number, count = read_cluster(text)
        return clusters(count)[:, number - 1 : number].contiguous()

    words = WordParts(sights.stage, sights.named, clusters, lambda: int(places().solid.sum()), sights.note)
    found = {
        "views": lambda text: views_region(sights, Path(text)),
        "cluster": cluster,
        "words": words.region,
    }
    return found if sights.depth is None else found | {"depth": lambda text: depth_region(sights, text)}


def views_region(sights: Sights, folder: Path) -> Colours:
    """Weights (n, 1) lifted from masks of the views: a picture or .npy for each, of any size, white or 1 inside.

    Files are named like the photographs, or by the views' numbers. Views without a mask do not count, which is said.
    InputError for a folder without a mask of any view.
    """
    stage = sights.stage()
    if not folder.is_dir():
        raise InputError(
            f"{folder}: {'not a folder' if folder.exists() else 'no such folder'}, expected masks of views"
        )
    files = {p.stem: p for p in sorted(folder.iterdir()) if p.suffix.lower() in _SUFFIXES}
    count = len(stage.views)
    names = [Path(name).stem for name in sights.names] or [f"{k:03d}" for k in range(count)]
    found = {k: files[name] for k, name in enumerate(names) if name in files}
    if not found:
        listed = ", ".join(names[:_LISTED]) + (", …" if count > _LISTED else "")
        raise InputError(f"{folder}: no mask of any view; expected pictures or .npy files named {listed}")
    if len(found) < count:
        sights.note(f"{folder}: masks for {len(found)} of {count} views; the others do not count")
    masks = {view: read_mask(path) for view, path in found.items()}
    sizes = {view: stage.views[view].size for view in masks}
    other = sum(mask.shape[:2] != tuple(sizes[view]) for view, mask in masks.items())
    if other:
        sights.note(f"{folder}: masks of another size than their views, resized: {other}")
    fitting = {view: Image(resize(mask, sizes[view]).clamp(0, 1)) for view, mask in masks.items()}
    return sights.followed(*lift_masks(stage.views, fitting.get, stage.layout.num_colours))


def depth_region(sights: Sights, text: str) -> Colours:
    """Weights (n, 1) of rows that views show between two depths, "near..far" in units of the scene.

    Either end may be left out. A row's weight is the share of the pixels that see it at such a depth.
    """
    near, far = bounds_of(text, f"depth:{text}", "a range in units of the scene, depth:2..5")
    stage = sights.stage()
    assert sights.depth is not None
    depth = sights.depth

    def picture(view: int) -> Image:
        shown = depth(stage, view)
        inside = (shown >= near) & (shown <= far) & np.isfinite(shown)
        return Image(torch.from_numpy(inside.astype(np.float32))[..., None])

    return sights.followed(*lift(stage.views, picture, stage.layout.num_colours, 1))
