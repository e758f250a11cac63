"""How close a row is to its styles: features, colours, and what Inception sees."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from nst3d.features.inception import Inception
from nst3d.metrics.colour import ColourJudge
from nst3d.metrics.frechet import art_fid, fid, inception_activations, sifid
from nst3d.metrics.measured import Measured
from nst3d.metrics.strokes import stroke_difference, stroke_statistics
from nst3d.metrics.style import LAYERS, Masked, StyleJudge
from nst3d.pipeline.evaluation.measures.pictures import mask_of, style_pictures
from nst3d.pipeline.evaluation.rows import Row
from nst3d.pipeline.evaluation.tools import Tools
from nst3d.tensors import Array, planes_of, to_image

_KINDS = ("gram", "moments", "sliced")
_NAMES = (
    *(f"style_{kind}" for kind in _KINDS),
    *(f"{kind}_{layer}" for layer in LAYERS for kind in _KINDS),
    *("colour_sliced", "uv_histogram", "stroke_coherence", "stroke_octaves"),
    *("sifid_torchvision", "fid_inception", "artfid_inception", "fid_art", "artfid_art"),
)
_WORDS = "the run was painted without a picture, and has no picture to compare with"
_LEAST = 0.5
"""Opacity above which a pixel counts."""

Pixels = tuple[Array, Array | None]
"""A picture (h, w, 3) in [0, 1] and the mask (h, w) of what counts; None: everything."""


class Closeness:
    """Distances of each view to a row's styles, and of all views together where a metric is about sets."""

    def __init__(self, tools: Tools) -> None:
        self._tools, self._judges = tools, dict[int, StyleJudge]()
        self._colour_judges = dict[int, list[ColourJudge]]()

    def of(self, row: Row) -> Iterator[Measured]:
        """By features, colours, strokes and what Inception sees."""
        if not row.styles:
            yield from (Measured(name, "style", "lower", reason=_WORDS) for name in _NAMES)
            return
        yield from self._features(row)
        wanted = _style_pixels(row)
        judges = self._colour_judges.setdefault(id(row.styles), [ColourJudge(*each) for each in wanted])
        yield _colours("colour_sliced", row, [judge.colour_distance for judge in judges])
        yield _colours("uv_histogram", row, [judge.uv_histogram_distance for judge in judges])
        yield from _strokes(row, wanted)
        yield from _inception(row, wanted, self._tools)

    def brief(self, row: Row) -> Measured:
        """The Gram distance alone, of which the score is made."""
        if not row.styles:
            return Measured("style_gram", "style", "lower", reason=_WORDS)
        judge = self._judge(row)
        if judge is None:
            return Measured("style_gram", "style", "lower", reason=self._tools.judge.reason)
        found = [None if view is None else judge.gram([_masked(*view)]) for view in _seen(row)]
        return _of_views("style_gram", found, self._note)

    @property
    def _note(self) -> str:
        return f"in {self._tools.judge_name}, which no run optimised"

    def _features(self, row: Row) -> Iterator[Measured]:
        """The mean over layers of each distance, and each layer's own."""
        names = [*(f"style_{kind}" for kind in _KINDS), *(f"{k}_{layer}" for layer in LAYERS for k in _KINDS)]
        judge = self._judge(row)
        if judge is None:
            reason = self._tools.judge.reason
            yield from (Measured(name, "style", "lower", reason=reason) for name in names)
            return
        found: dict[str, list[float | None]] = {name: [] for name in names}
        for view in _seen(row):
            means = dict.fromkeys(names) if view is None else _by_name(judge, *view)
            for name, values in found.items():
                values.append(means[name])
        yield from (_of_views(name, values, self._note) for name, values in found.items())

    def _judge(self, row: Row) -> StyleJudge | None:
        """The features of the row's styles, read once for all rows with the same; None without an encoder."""
        encoder, key = self._tools.judge.tool, id(row.styles)
        if encoder is not None and key not in self._judges:
            self._judges[key] = StyleJudge(encoder, style_pictures(row))
        return self._judges.get(key)


def _masked(frame: Array, opacity: Array | None) -> Masked:
    return planes_of(frame), None if opacity is None else mask_of(opacity)


def _by_name(judge: StyleJudge, frame: Array, opacity: Array | None) -> dict[str, float]:
    """The distances of a view by layer, and their means."""
    by_layer = judge.distances([_masked(frame, opacity)])
    found = {f"{k}_{layer}": float(getattr(by_layer[layer], k)) for layer in LAYERS for k in _KINDS}
    means = {f"style_{k}": sum(found[f"{k}_{layer}"] for layer in LAYERS) / len(LAYERS) for k in _KINDS}
    return found | means


def _strokes(row: Row, wanted: Sequence[Pixels]) -> Iterator[Measured]:
    """How far strokes are from the first style's, in their straightness and in octaves of their width."""
    target = stroke_statistics(*wanted[0])
    found = [None if v is None else stroke_difference(stroke_statistics(*v), target) for v in _seen(row)]
    for name, key in (("stroke_coherence", "coherence"), ("stroke_octaves", "mean_octaves")):
        values = [None if each is None else getattr(each, key) for each in found]
        yield _of_views(name, values, "from the first style's")


def _style_pixels(row: Row) -> list[Pixels]:
    return [
        (to_image(picture).numpy(), None if mask is None else mask.numpy())
        for picture, mask in style_pictures(row)
    ]


def _seen(row: Row) -> list[Pixels | None]:
    """The views with their masks, over the styles' mean colour; None for one that shows nothing.

    The border to another background would be the strongest edge of a picture.
    """
    mean = np.mean([style.background.numpy() for style in row.styles], axis=0)
    views = row.take.views.over(mean, row.take.background)
    return [(f, o) if (o > _LEAST).any() else None for f, o in zip(views.frames, views.opacities)]


def _colours(name: str, row: Row, distances: Sequence[Callable[..., float]]) -> Measured:
    """The distance of each view's colours to the nearest of the styles', of each of which there is a distance."""
    values = [None if view is None else min(distance(*view) for distance in distances) for view in _seen(row)]
    return _of_views(name, values, "to the nearest style")


def _of_views(name: str, values: Sequence[float | None], note: str) -> Measured:
    if all(value is None for value in values):
        return Measured(name, "style", "lower", reason="no view shows enough of the scene")
    return Measured(name, "style", "lower", tuple(values), note=note)


def _inception(row: Row, wanted: Sequence[Pixels], tools: Tools) -> Iterator[Measured]:
    """SIFID of each view; FID and ArtFID of all views to crops of the styles."""
    single = tools.inceptions["inception-torchvision"]
    if single.tool is None:
        yield Measured("sifid_torchvision", "style", "lower", reason=single.reason)
    else:
        network: Inception = single.tool
        values = [
            None if v is None else min(sifid(network, v[0], s, (v[1], mask)) for s, mask in wanted)
            for v in _seen(row)
        ]
        yield _of_views("sifid_torchvision", values, "to the nearest style")
    for name, kind in (("fid_inception", "inception-fid"), ("fid_art", "inception-art")):
        yield from _sets(name, row, wanted, tools, kind)


def _sets(name: str, row: Row, wanted: Sequence[Pixels], tools: Tools, kind: str) -> Iterator[Measured]:
    """FID between views and as many crops of the styles, and with LPIPS to the unpainted views ArtFID."""
    found, lpips = tools.inceptions[kind], tools.lpips["alex"]
    art = f"artfid_{name.removeprefix('fid_')}"
    if found.tool is None:
        yield Measured(name, "style", "lower", reason=found.reason)
        yield Measured(art, "style", "lower", reason=found.reason)
        return
    views, bare = row.take.views.frames, row.unpainted.views.frames
    if len(views) < 2:
        reason = "a set needs two views at least"
        yield Measured(name, "style", "lower", reason=reason)
        yield Measured(art, "style", "lower", reason=reason)
        return
    crops = _crops([picture for picture, _ in wanted], views[0].shape[:2], len(views))
    distance = fid(*(inception_activations(found.tool, each) for each in (views, crops)))
    note = f"{kind}; {len(views)} views and crops of the styles: biased upwards, compare equal numbers only"
    yield Measured(name, "style", "lower", (distance,), note=note)
    if lpips.tool is None:
        yield Measured(art, "style", "lower", reason=lpips.reason)
        return
    between = float(np.mean([lpips.tool.distance(b, v) for b, v in zip(bare, views)]))
    yield Measured(art, "style", "lower", (art_fid(between, distance),), note=note)


def _crops(styles: Sequence[Array], size: tuple[int, int], count: int) -> list[Array]:
    """Crops of the styles, spread over each, of the views' size or as large as a style is."""
    found = []
    for number in range(count):
        picture = styles[number % len(styles)]
        room = [max(0, own - side) for own, side in zip(picture.shape, size)]
        share = np.array([number * 0.618034 % 1, number * 0.381966 % 1])
        top, left = (int(r * s) for r, s in zip(room, share))
        found.append(picture[top : top + size[0], left : left + size[1]])
    return found
