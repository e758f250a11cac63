"""The base of losses that compare the pixels of a view with its content's, averaged over blocks of several sizes."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

import torch
import torch.nn.functional as F

from nst3d.errors import ConfigError
from nst3d.losses.base import Loss
from nst3d.losses.content import check_shape
from nst3d.losses.observation import IMAGE, Observation
from nst3d.tensors import Features, Mask, Planes


def pool_sizes(value: Any, term: str) -> tuple[int, ...]:
    """The sides of blocks in an option: a whole number, several as a list, or with commas between them.

    ConfigError for anything else.
    """
    parts = value.split(",") if isinstance(value, str) else value
    parts = list(parts) if isinstance(parts, list | tuple) else [parts]
    try:
        sizes = [int(part) for part in parts]
    except (TypeError, ValueError):
        sizes = []
    if not sizes or any(size < 1 or isinstance(part, float) for size, part in zip(sizes, parts)):
        raise ConfigError(
            f"term {term}: pools is {value!r}: expected sizes of 1 or more pixels, such as [4, 16]"
        )
    return tuple(sizes)


def pooled(planes: torch.Tensor, pool: int) -> torch.Tensor:
    """Planes (c, h, w) averaged over blocks of `pool` pixels, (c, h // pool, w // pool)."""
    return planes if pool == 1 else F.avg_pool2d(planes, pool)


class PooledLoss(Loss):
    """The mean of a distance over pool sizes."""

    usual: ClassVar[tuple[int, ...]]
    """Sides of blocks by default, in pixels."""

    def __init__(
        self, targets: Mapping[int, Mapping[str, Features]], pools: tuple[int, ...] | None = None
    ) -> None:
        """Bind `targets`, view to the content's image under `IMAGE`, and the sides of blocks in pixels."""
        super().__init__()
        self.targets, self.pools = targets, self.usual if pools is None else pools
        if not self.pools or any(pool < 1 for pool in self.pools):
            raise ConfigError(f"pools is {list(self.pools)}: expected sizes of 1 or more pixels")
        self.layers = (IMAGE,)

    @abstractmethod
    def apart(self, image: Planes, target: Planes, pool: int, mask: Mask | None) -> torch.Tensor:
        """The distance, a scalar, of images (3, h, w) over blocks of `pool` pixels where `mask` (h, w) counts."""

    def forward(self, observation: Observation) -> torch.Tensor:
        """The loss, a scalar. Raises ConfigError without a target of the view's shape."""
        image, target = observation.features[IMAGE], self.targets[observation.view][IMAGE]
        check_shape(observation.view, IMAGE, image, target)
        mask = observation.mask(IMAGE)
        return torch.stack([self.apart(Planes(image), Planes(target), p, mask) for p in self.pools]).mean()
