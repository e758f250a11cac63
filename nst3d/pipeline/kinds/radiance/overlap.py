"""Overlap and correspondences between views of a radiance scene, from their depth."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np
import torch

from nst3d.cameras.footprint import footprint
from nst3d.cameras.pinhole import Camera
from nst3d.losses.partner import Correspondence
from nst3d.renderers.radiance import Frame
from nst3d.stylize.kept import Kept
from nst3d.tensors import Array, ImageSize

_NEIGHBOURS = 4
_CELLS = 20
"""Pixels along the long side of the depth pictures used to find overlapping views."""
_OPAQUE = 0.5
"""Minimum opacity for a depth to be trusted."""
_TOLERANCE = 0.05
"""Relative depth difference within which two views see the same point."""


class DepthSource(Protocol):
    """A scene that can be rendered with depth; its colours do not matter."""

    num_colours: int

    def draw(self, camera: Camera, colours: Array) -> Frame:
        """The view with a table of colours (n, 3)."""


class DepthViews:
    """A scene's depth from some cameras, at the resolution of feature cells."""

    def __init__(self, renderer: DepthSource, cameras: Sequence[Camera], budget_bytes: float) -> None:
        """Depth pictures are cached within the budget, and rendered again beyond it."""
        self._renderer, self._cameras = renderer, cameras
        self._known: Kept[tuple[int, int], tuple[Array, ...]] = Kept(budget_bytes)
        self._dark = np.zeros((renderer.num_colours, 3), np.float32)
        self._coarse = max(1, max(max(c.size) for c in cameras) // _CELLS)
        self._neighbours: list[list[int]] | None = None

    def neighbours(self) -> list[list[int]]:
        """For each view, up to four others that see most of what it sees."""
        if self._neighbours is None:
            count = len(self._cameras)
            shared = np.zeros((count, count))
            for view in range(count):
                for partner in range(count):
                    if partner != view:
                        shared[view, partner] = self.correspond(view, partner, self._coarse).valid.sum()
            order = np.argsort(-shared, axis=1, kind="stable")[:, :_NEIGHBOURS]
            self._neighbours = [[int(k) for k in row if shared[i, k] > 0] for i, row in enumerate(order)]
        return self._neighbours

    def correspond(self, view: int, partner: int, cell: int) -> Correspondence:
        """Where a view's cells of `cell` × `cell` pixels are in a partner that sees the same points."""
        depth, other = self._depth(view, cell), self._depth(partner, cell)
        origin, rays = self._cells(view, cell).rays()
        known = np.isfinite(depth)
        points = origin + rays * np.where(known, depth, 0.0)[..., None]
        camera = self._cells(partner, cell)
        pixels, distance = camera.project(points.reshape(-1, 3))
        pixels, distance = pixels.reshape(*depth.shape, 2), distance.reshape(depth.shape)
        limit = np.array([other.shape[1], other.shape[0]])
        inside = known & (distance > 0) & ((pixels >= 0) & (pixels < limit)).all(-1)
        x, y = (np.where(inside, pixels[..., k], 0).astype(int) for k in (0, 1))
        valid = inside & (np.abs(other[y, x] - distance) < _TOLERANCE * distance)
        grid = np.where(inside[..., None], pixels, 0.0) / limit * 2 - 1
        return Correspondence(torch.from_numpy(grid.astype(np.float32)), torch.from_numpy(valid))

    def pixel(self, place: Callable[[Array], Array]) -> float:
        """The size of a pixel on the visible surface, in the coordinates to which `place` maps points.

        The median over all views; 0 if no view shows anything.
        """
        sizes = [np.empty(0)]
        for view, camera in enumerate(self._cameras):
            depth = self._depth(view, self._coarse)
            origin, rays = self._cells(view, self._coarse).rays()
            known = np.isfinite(depth)
            points = origin + rays[known] * depth[known][:, None]
            beside = points + camera.camera_to_world[:3, 0] * (depth[known] / camera.focal)[:, None]
            sizes.append(np.linalg.norm(place(beside) - place(points), axis=1))
        found = np.concatenate(sizes)
        return float(np.median(found)) if len(found) else 0.0

    def footprint(self, view: int) -> torch.Tensor:
        """The sides (h, w) of a view's pixels on the surface, in coarse cells; NaN where it shows nothing."""
        depth = self._depth(view, self._coarse)
        return torch.from_numpy(footprint(self._cells(view, self._coarse), depth) / self._coarse)

    def depth(self, view: int) -> torch.Tensor:
        """The depth (h, w) of a view's pixels, inf where it shows nothing that is opaque."""
        return torch.from_numpy(np.nan_to_num(self._depth(view, 1), nan=np.inf))

    def _cells(self, view: int, cell: int) -> Camera:
        """The camera whose pixels are a view's complete cells, as encoders pool."""
        camera = self._cameras[view]
        size = ImageSize(camera.size.height // cell, camera.size.width // cell)
        return camera.scaled(1 / cell).cropped(0, 0, size)

    def _depth(self, view: int, cell: int) -> Array:
        """The depth (h, w) at the centre of each cell, NaN if it is not reliable."""
        if (view, cell) not in self._known:
            camera = self._cells(view, cell)
            frame = self._renderer.draw(camera, self._dark)
            opaque = (frame.opacity > _OPAQUE) & np.isfinite(frame.depth) & camera.valid()
            self._known[view, cell] = (np.where(opaque, frame.depth, np.nan).astype(np.float32),)
        return self._known[view, cell][0]
