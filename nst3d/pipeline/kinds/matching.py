"""Matches parts of a scene to parts of styles by deep features (after Huang et al. 2019, "Style Mixer")."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import permutations
from typing import Literal

import torch
import torch.nn.functional as F

from nst3d.errors import ConfigError
from nst3d.features.encoder import Encoder
from nst3d.images.resize import resize
from nst3d.operators.lift import shown_share
from nst3d.pipeline.kinds.regions import region_column
from nst3d.pipeline.kinds.selectors.cluster import compact_rows, deep_features, k_means
from nst3d.pipeline.kinds.table_subject import TableSubject
from nst3d.stylize.coat import Coat
from nst3d.stylize.style import Style
from nst3d.tensors import Colours, Image, Mask, Planes

MOST = 6
"""Most parts, of which all assignments are compared."""
_SOLID = 0.5
"""Least opacity or coverage of a place that counts."""


@dataclass(frozen=True)
class StyleParts:
    """The pictures of styles, divided into parts."""

    masks: Sequence[Sequence[Sequence[Mask]]]
    """For each part, style and picture the part's mask (h, w) in [0, 1]."""
    looks: torch.Tensor
    """(k, c): what is typical of each part."""

    def of(self, styles: Sequence[Style], part: int) -> tuple[Style, ...]:
        """The styles, of which only this part counts; those that have nothing of it are left out."""
        found = []
        for style, masks in zip(styles, self.masks[part]):
            kept = [number for number, mask in enumerate(masks) if bool((mask > 0).any())]
            if kept:
                images = tuple(style.images[number] for number in kept)
                found.append(replace(style, images=images, opacities=tuple(masks[number] for number in kept)))
        return tuple(found)


@dataclass(frozen=True)
class Match:
    """Parts of a scene with the parts of styles that they get, the largest part of the scene first."""

    coats: tuple[Coat, ...]
    """What paints the parts, of which the last is what the others leave of the region."""
    columns: tuple[Colours, ...]
    """The weights (n, 1) of the scene's parts."""
    styles: tuple[tuple[Style, ...], ...]
    """For each part of the scene what paints it."""


def matched(
    coat: Coat, parts: int | Literal["auto"], subject: TableSubject, encoder: Encoder, size: int
) -> Match:
    """The coat, divided into coats for parts of the scene; each gets the part of the styles that is most like it.

    The scene's parts are its clusters, as `cluster:K/N` chooses them, and the styles' are clusters of the same features
    of their pictures, `size` pixels long. Parts are assigned one to one so that the sum of cosines between their mean
    features, each relative to the mean of all, is largest. "auto" takes as many as the styles' pictures have.
    ConfigError if the pictures or the views show fewer places than parts.
    """
    found = style_parts(coat.styles, parts, encoder, size)
    count = len(found.looks)
    everything = torch.ones(subject.layout.num_colours, 1)
    region = everything if coat.selector is None else region_column(coat.selector, subject.selectors)
    columns = {k: region_column(_cluster(k, count), subject.selectors) for k in range(count)}
    columns = {k: torch.minimum(column, region) for k, column in columns.items()}
    columns = {k: column for k, column in columns.items() if bool((column > 0).any())}
    looks = _scene_looks(list(columns.values()), subject, encoder)
    chosen = assigned(looks @ found.looks.T)
    subject.selectors.forget()
    coats, styles = [], []
    for k, part in zip(columns, chosen):
        styles.append(found.of(coat.styles, part))
        selector = (
            _cluster(k, count) if coat.selector is None else f"({coat.selector}) and {_cluster(k, count)}"
        )
        coats.append(replace(coat, styles=styles[-1], region=f"{coat.name} part {k + 1}", selector=selector))
    first = replace(coats[0], region=coat.region, selector=coat.selector)
    return Match((*coats[1:], first), tuple(columns.values()), tuple(styles))


def assigned(likeness: torch.Tensor) -> tuple[int, ...]:
    """For each row of a matrix (m, k), m ≤ k ≤ 6, a column of its own, so that the sum is largest; ties: the first."""
    rows, columns = likeness.shape
    table = likeness.tolist()

    def total(choice: tuple[int, ...]) -> float:
        return sum(table[row][column] for row, column in enumerate(choice))

    return max(permutations(range(columns), rows), key=total)


def style_parts(
    styles: Sequence[Style], parts: int | Literal["auto"], encoder: Encoder, size: int
) -> StyleParts:
    """The pictures of styles, `size` pixels long, divided into clusters of deep features, the largest first."""
    planes, solid = [], []
    for style in styles:
        for picture, opacity in zip(style.at(size), style.opacities_at(size)):
            planes.append(deep_features(encoder, picture))
            mask = torch.ones(picture.shape[1:]) if opacity is None else opacity
            solid.append(_cells(mask, planes[-1]) >= _SOLID)
    rows = torch.cat([p.flatten(1).T for p in planes])
    chosen = torch.cat(solid)
    shown = int(chosen.sum())
    if shown <= (MOST if parts == "auto" else parts):
        raise ConfigError(
            f"match: the styles' pictures show {shown} places, which are too few for their parts: give a larger `size`"
        )
    compact = compact_rows(rows, chosen)
    centres = _natural(compact[chosen]) if parts == "auto" else k_means(compact[chosen], parts)
    label = torch.cdist(compact, centres).argmin(1)
    sizes = torch.bincount(label[chosen], minlength=len(centres))
    order = sizes.argsort(descending=True, stable=True)
    label = order.argsort()[label]
    members = F.one_hot(label, len(centres)).float() * chosen[:, None]
    grids = [
        Image(cells.view(*p.shape[1:], len(centres)))
        for cells, p in zip(members.split([len(s) for s in solid]), planes)
    ]
    return StyleParts(_masks(styles, grids), _looks(rows, members, chosen.float()))


def _masks(styles: Sequence[Style], grids: Sequence[Image]) -> list[list[list[Mask]]]:
    """For each part, style and picture the part's mask, from the places (y, x, k) of all pictures."""
    left = iter(grids)
    found: list[list[list[Mask]]] = [[[] for _ in styles] for _ in range(grids[0].shape[2])]
    for number, style in enumerate(styles):
        for picture, image in enumerate(style.images):
            fine = resize(next(left), (image.shape[0], image.shape[1])).clamp(0, 1)
            opacity = style.opacities[picture] if style.opacities else None
            for part, masks in enumerate(found):
                own = fine[..., part]
                masks[number].append(own.contiguous() if opacity is None else own * opacity)
    return found


def _scene_looks(columns: Sequence[Colours], subject: TableSubject, encoder: Encoder) -> torch.Tensor:
    """What is typical of each part of the scene (m, c)."""
    stage = subject.stage(1.0)
    rows, members, shown = [], [], []
    for number in range(len(stage.views)):
        view = stage.views[number]
        planes = deep_features(encoder, Planes(stage.content(number).float()))
        rows.append(planes.flatten(1).T)
        shown.append(_cells(view.coverage[..., 0].float(), planes))
        members.append(torch.stack([_cells(shown_share(view, c)[..., 0], planes) for c in columns], 1))
    covered = torch.cat(shown)
    return _looks(torch.cat(rows), torch.cat(members) * covered[:, None], covered)


def _looks(rows: torch.Tensor, members: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    """Directions (k, c) of the features (m, c) of members (m, k) from the mean by weights (m,), of length 1."""
    mean = (rows * weights[:, None]).sum(0) / weights.sum().clamp_min(1e-9)
    return F.normalize(members.T @ F.normalize(rows - mean, dim=1), dim=1)


def _natural(points: torch.Tensor) -> torch.Tensor:
    """The centres of as many clusters of points (m, c), 2 to 6, as have the best silhouette, in its simple form: by
    distances to centres (Hruschka et al. 2006)."""
    best, found = -1.0, k_means(points, 2)
    for count in range(2, MOST + 1):
        centres = k_means(points, count)
        near = torch.cdist(points, centres).sort(1).values[:, :2]
        silhouette = float(((near[:, 1] - near[:, 0]) / near[:, 1].clamp_min(1e-9)).mean())
        if silhouette > best:
            best, found = silhouette, centres
    return found


def _cells(mask: torch.Tensor, planes: torch.Tensor) -> torch.Tensor:
    """A mask (h, w), averaged over the places of features (c, y, x): (y · x,)."""
    return F.interpolate(mask[None, None], tuple(planes.shape[1:]), mode="area").flatten()


def _cluster(number: int, count: int) -> str:
    return f"cluster:{number + 1}/{count}"
