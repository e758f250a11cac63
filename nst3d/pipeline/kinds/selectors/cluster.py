"""Clusters of deep features: parts of a scene that look alike."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F

from nst3d.errors import ConfigError
from nst3d.features.encoder import Encoder
from nst3d.stylize.stage_scene import TableStage
from nst3d.tensors import Image, Planes

LAYER = "relu4_1"
"""The layer whose features are compared."""
_MOST = 20
"""Most clusters."""
_AXES = 32
"""Principal axes of the features that are compared."""
_SAMPLES = 20_000
_ROUNDS = 30
_RIM = 4
"""Places around a picture that mirror it, so that its edges are not a cluster of their own."""
_SOLID = 0.5
"""Least coverage of a place that is clustered."""


def read_cluster(text: str) -> tuple[int, int]:
    """The number of a cluster and how many there are, of "2/5". ConfigError for anything else."""
    first, _, second = text.partition("/")
    if first.strip().isdecimal() and second.strip().isdecimal():
        number, count = int(first), int(second)
        if 1 <= number <= count and 2 <= count <= _MOST:
            return number, count
    raise ConfigError(
        f"region cluster:{text}: expected cluster:K/N, the K-th of N clusters, with N from 2 to {_MOST}"
    )


@dataclass(frozen=True, eq=False)
class DeepPlaces:
    """Places of a deep layer in all views, as they are clustered."""

    rows: torch.Tensor
    """(m, c): their features less the mean, of length 1, on their main axes, view after view."""
    solid: torch.Tensor
    """(m,) bool: whether the scene covers them."""
    shapes: Sequence[tuple[int, int]]
    """Rows and columns of each view's places."""


def deep_places(stage: TableStage, encoder: Encoder) -> DeepPlaces:
    """The places of a stage's views. No place need be solid."""
    features, solid = [], []
    for number in range(len(stage.views)):
        planes = deep_features(encoder, stage.content(number))
        features.append(planes)
        coverage = stage.views[number].coverage.float().permute(2, 0, 1)[None]
        shown = F.interpolate(coverage, planes.shape[1:], mode="area")[0, 0]
        solid.append((shown >= _SOLID).reshape(-1))
    chosen = torch.cat(solid)
    rows = torch.cat([f.reshape(len(f), -1).T for f in features])
    shapes = [(f.shape[1], f.shape[2]) for f in features]
    return DeepPlaces(compact_rows(rows, chosen) if bool(chosen.any()) else rows, chosen, shapes)


def cluster_scores(stage: TableStage, places: DeepPlaces, count: int) -> Callable[[int], Image]:
    """For each view how well each pixel fits each of `count` clusters, (h, w, count), the largest being its own.

    Places of a deep layer are clustered by the direction of their features from the mean, by k-means with a fixed seed.
    Scores are linear in features, so that scores lifted into a table are those of lifted features. The clusters are in
    order of size, the largest first. ConfigError if views show fewer places than clusters.
    """
    points = places.rows[places.solid]
    if len(points) < count:
        raise ConfigError(
            f"region cluster:…/{count}: the views show fewer places than clusters; give a larger `size`"
        )
    centres = k_means(points, count)
    label = torch.cdist(points, centres).argmin(1)
    centres = centres[torch.bincount(label, minlength=count).argsort(descending=True, stable=True)]
    scores = 2 * places.rows @ centres.T - centres.square().sum(1)
    of_views = scores.split([height * width for height, width in places.shapes])

    def picture(view: int) -> Image:
        planes = of_views[view].T.view(1, count, *places.shapes[view])
        finer = F.interpolate(planes, tuple(stage.views[view].size), mode="bilinear", align_corners=False)
        return Image(finer[0].permute(1, 2, 0))

    return picture


def deep_features(encoder: Encoder, picture: Planes) -> torch.Tensor:
    """Features (c, h, w) float32, without the rim that an encoder sees beside a picture's edges."""
    stride = encoder.stride(LAYER)
    rim = min(_RIM, (min(picture.shape[1:]) - 1) // stride)
    padded = F.pad(picture[None], [rim * stride] * 4, mode="reflect")[0]
    planes = encoder(Planes(padded), [LAYER])[LAYER].float().cpu()
    height, width = (max(1, side // stride) for side in picture.shape[1:])
    return planes[:, rim : rim + height, rim : rim + width]


def compact_rows(rows: torch.Tensor, chosen: torch.Tensor) -> torch.Tensor:
    """Features (m, c) less the mean of the `chosen` (m,), of length 1, on their main axes."""
    rows = F.normalize(rows - rows[chosen].mean(0), dim=1)
    some = rows[chosen]
    axes = torch.linalg.eigh((some.T @ some / len(some)).double())[1]
    return rows @ axes[:, -_AXES:].float()


def k_means(points: torch.Tensor, count: int, seed: int = 0) -> torch.Tensor:
    """The centres (count, c) of clusters of points (m, c), by k-means++ (Arthur & Vassilvitskii 2007).

    The same points, count and seed give the same centres. Of many points an even sample is used.
    """
    generator = torch.Generator().manual_seed(seed)
    points = points[:: max(1, len(points) // _SAMPLES)]
    centres = points[torch.randint(len(points), (1,), generator=generator)]
    while len(centres) < count:
        far = torch.cdist(points, centres).amin(1).square()
        weights = far if float(far.sum()) > 0 else torch.ones_like(far)
        centres = torch.cat([centres, points[torch.multinomial(weights, 1, generator=generator)]])
    for _ in range(_ROUNDS):
        label = torch.cdist(points, centres).argmin(1)
        members = F.one_hot(label, count).to(points)
        size = members.sum(0)[:, None]
        moved = torch.where(size > 0, members.T @ points / size.clamp_min(1), centres)
        if torch.equal(moved, centres):
            break
        centres = moved
    return centres
