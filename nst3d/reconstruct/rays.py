"""All rays of a set of photographs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from nst3d.cameras.pinhole import Camera
from nst3d.representations.harmonics import basis
from nst3d.tensors import Array


@dataclass(frozen=True)
class RayBatch:
    """Rays with their target colours, one row per ray."""

    origins: Array
    """(n, 3) float64."""
    directions: Array
    """(n, 3) float32, camera z = 1."""
    targets: Array
    """(n, 3) float32."""
    background: Array
    """(3,) float32: background of the targets."""

    def basis(self, degree: int) -> Array:
        """Harmonics (n, (degree + 1)²) of the directions, but 1 as the first, which weighs colours."""
        unit = self.directions / np.linalg.norm(self.directions, axis=1, keepdims=True)
        values = basis(unit, degree).astype(np.float32)
        values[:, 0] = 1
        return values


class RayBank:
    """The rays of all pixels of the photographs, for random sampling."""

    def __init__(
        self,
        cameras: Sequence[Camera],
        images: Sequence[Array],
        background: Array | None = None,
        opacities: Sequence[Array] = (),
    ) -> None:
        """`images` (h, w, 3) float32, one per camera and of its size, over `background` (3,).

        `background` None: the mean colour. `opacities` (h, w) in [0, 1], if known, let `take` replace the
        background.
        """
        self._positions = np.stack([camera.position for camera in cameras])
        self._directions, self._targets, owner = [], [], []
        for number, (camera, image) in enumerate(zip(cameras, images)):
            valid = camera.valid().ravel()
            self._directions.append(camera.rays()[1].reshape(-1, 3)[valid].astype(np.float32))
            self._targets.append(image.reshape(-1, 3)[valid].astype(np.float32))
            owner.append(np.full(int(valid.sum()), number, np.int32))
        self._all = (
            np.concatenate(owner),
            np.concatenate(self._directions),
            np.concatenate(self._targets),
        )
        self._through: Array | None = None
        if opacities:
            clear = [1 - o[c.valid()].astype(np.float32) for c, o in zip(cameras, opacities)]
            self._through = np.concatenate(clear)
        mean = np.asarray(self._all[2].mean(0), np.float32)
        self.background = mean if background is None else np.asarray(background, np.float32)

    def __len__(self) -> int:
        return len(self._all[0])

    @property
    def mean(self) -> Array:
        """The mean colour, (3,) float32."""
        return np.asarray(self._all[2].mean(0), np.float32)

    def owners(self, rays: Array) -> Array:
        """The number (n,) of the photograph that each of the rays is of."""
        return np.asarray(self._all[0][rays])

    def take(self, rays: Array, behind: Array | None = None) -> RayBatch:
        """The rays with these indices, over the background `behind` (3,) if opacities are known."""
        owner, directions, targets = (column[rays] for column in self._all)
        background = self.background
        if behind is not None and self._through is not None:
            shown = targets + self._through[rays, None] * (behind - background)
            return RayBatch(self._positions[owner], directions, shown, behind)
        return RayBatch(self._positions[owner], directions, targets, background)
