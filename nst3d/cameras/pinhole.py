"""The pinhole camera with optional lens: OpenCV axes (x right, y down, z forward), pixel centres at +0.5."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from nst3d.cameras.lens import Lens
from nst3d.tensors import Array, ImageSize


@dataclass(frozen=True)
class Camera:
    """A camera: pixel (x, y) looks along R (u, v, 1), (u, v) = undistort((x − cx)/f, (y − cy)/(f·aspect))."""

    camera_to_world: Array
    """(4, 4) float64; columns are the camera's right, down and forward axes and its position."""
    focal: float
    """Horizontal focal length, pixels."""
    centre: tuple[float, float]
    """Principal point (cx, cy), pixels from the top left corner."""
    size: ImageSize
    aspect: float = 1.0
    """Vertical over horizontal focal length; 1: square pixels."""
    lens: Lens | None = None
    """Distortion of normalised coordinates; None: no distortion."""

    @property
    def position(self) -> Array:
        """The camera's centre, (3,)."""
        return self.camera_to_world[:3, 3]

    @property
    def forward(self) -> Array:
        """The viewing direction, a unit vector (3,)."""
        return self.camera_to_world[:3, 2]

    def scaled(self, factor: float) -> Camera:
        """The same view with `factor` times the pixels along each side."""
        height, width = round(self.size.height * factor), round(self.size.width * factor)
        centre = (self.centre[0] * factor, self.centre[1] * factor)
        return replace(self, focal=self.focal * factor, centre=centre, size=ImageSize(height, width))

    def coarser(self, stride: int) -> Camera:
        """The same view with pixels `stride` times as large; what is left over right and below is cropped."""
        size = ImageSize(self.size.height // stride, self.size.width // stride)
        return replace(self.scaled(1 / stride), size=size)

    def resized(self, size: ImageSize) -> Camera:
        """The same view, edge to edge, with `size` pixels; a different aspect ratio changes `aspect`."""
        down, across = size.height / self.size.height, size.width / self.size.width
        return replace(
            self,
            focal=self.focal * across,
            centre=(self.centre[0] * across, self.centre[1] * down),
            size=size,
            aspect=self.aspect if down == across else self.aspect * down / across,
        )

    def zoomed(self, factor: float) -> Camera:
        """The same camera with `factor` times the focal length."""
        return replace(self, focal=self.focal * factor)

    def cropped(self, top: int, left: int, size: ImageSize) -> Camera:
        """The crop of the view with `size` pixels that starts at (top, left), pixels."""
        return replace(self, centre=(self.centre[0] - left, self.centre[1] - top), size=size)

    def rays(self) -> tuple[Array, Array]:
        """Origin (3,) and unnormalised directions (h, w, 3), float64, whose camera z is 1."""
        x = (np.arange(self.size.width) + 0.5 - self.centre[0]) / self.focal
        y = (np.arange(self.size.height) + 0.5 - self.centre[1]) / (self.focal * self.aspect)
        grid = np.empty((*self.size, 3))
        grid[..., 0], grid[..., 1], grid[..., 2] = x[None, :], y[:, None], 1.0
        if self.lens is not None:
            grid[..., :2] = self.lens.undistort(grid[..., :2])
        return self.position, grid @ self.camera_to_world[:3, :3].T

    def directions(self, pixels: Array) -> Array:
        """Directions (…, 3), as from `rays`, through pixel positions (…, 2) given as x, y."""
        local = (pixels - np.asarray(self.centre)) / self._focals
        if self.lens is not None:
            local = self.lens.undistort(local)
        rotation = self.camera_to_world[:3, :3]
        return local @ rotation[:, :2].T + rotation[:, 2]

    def project(self, points: Array) -> tuple[Array, Array]:
        """World points (n, 3) to pixel positions (n, 2) and depths along the viewing axis (n,)."""
        local = (points - self.position) @ self.camera_to_world[:3, :3]
        depth = local[:, 2]
        safe = np.where(np.abs(depth) < 1e-12, 1e-12, depth)
        flat = local[:, :2] / safe[:, None]
        if self.lens is not None:
            flat = self.lens.distort(flat)
        return flat * self._focals + np.asarray(self.centre), depth

    def valid(self) -> Array:
        """Mask (h, w) bool of pixels with correct rays: all, except those beyond a lens's limit."""
        if self.lens is None:
            return np.ones(self.size, bool)
        local = self.rays()[1] @ self.camera_to_world[:3, :3]
        return np.asarray(np.linalg.norm(local[..., :2], axis=-1) <= self.lens.limit)

    @property
    def _focals(self) -> Array:
        """Horizontal and vertical focal length, (2,)."""
        return np.array([self.focal, self.focal * self.aspect])


def look_at(position: Array, target: Array, up: Array) -> Array:
    """Camera-to-world (4, 4) at `position`, looking at `target`, with `up` upwards in the image."""
    forward = np.asarray(target, float) - position
    forward = forward / np.linalg.norm(forward)
    right = np.cross(forward, up)
    if np.linalg.norm(right) < 1e-6:
        right = np.cross(forward, np.roll(np.asarray(up, float), 1))
    right = right / np.linalg.norm(right)
    pose = np.eye(4)
    pose[:3, 0], pose[:3, 1], pose[:3, 2] = right, np.cross(forward, right), forward
    pose[:3, 3] = position
    return pose


def perspective(pose: Array, size: ImageSize, field_of_view: float) -> Camera:
    """A camera whose shorter image side spans `field_of_view` radians."""
    focal = min(size) / 2 / math.tan(field_of_view / 2)
    return Camera(pose, focal, (size.width / 2, size.height / 2), size)
