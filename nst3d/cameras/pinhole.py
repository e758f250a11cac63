"""The pinhole camera: OpenCV axes (x right, y down, z forward), pixel centres at +0.5."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from nst3d.tensors import Array, ImageSize


@dataclass(frozen=True)
class Camera:
    """A pinhole camera: pixel (x, y) looks along R ((x − cx)/f, (y − cy)/f, 1)."""

    camera_to_world: Array
    """(4, 4) float64; columns are the camera's right, down and forward axes and its position."""
    focal: float
    """Focal length, pixels (square pixels)."""
    centre: tuple[float, float]
    """Principal point (cx, cy), pixels from the top left corner."""
    size: ImageSize

    @property
    def position(self) -> Array:
        """The camera's centre, (3,)."""
        return self.camera_to_world[:3, 3]

    @property
    def forward(self) -> Array:
        """The viewing direction, a unit vector (3,)."""
        return self.camera_to_world[:3, 2]

    def scaled(self, factor: float) -> Camera:
        """The same view with `factor` times as many pixels along each side."""
        height, width = round(self.size.height * factor), round(self.size.width * factor)
        centre = (self.centre[0] * factor, self.centre[1] * factor)
        return replace(self, focal=self.focal * factor, centre=centre, size=ImageSize(height, width))

    def zoomed(self, factor: float) -> Camera:
        """The same image of a `factor` times longer lens."""
        return replace(self, focal=self.focal * factor)

    def cropped(self, top: int, left: int, size: ImageSize) -> Camera:
        """The rectangle of the view that starts at (top, left), pixels."""
        return replace(self, centre=(self.centre[0] - left, self.centre[1] - top), size=size)

    def rays(self) -> tuple[Array, Array]:
        """Origins (3,) and unnormalised directions (h, w, 3), float64, whose camera z is 1."""
        x = (np.arange(self.size.width) + 0.5 - self.centre[0]) / self.focal
        y = (np.arange(self.size.height) + 0.5 - self.centre[1]) / self.focal
        grid = np.empty((*self.size, 3))
        grid[..., 0], grid[..., 1], grid[..., 2] = x[None, :], y[:, None], 1.0
        return self.position, grid @ self.camera_to_world[:3, :3].T

    def directions(self, pixels: Array) -> Array:
        """Directions (…, 3) like those of `rays`, through pixel positions (…, 2) given as x, y."""
        local = (pixels - np.asarray(self.centre)) / self.focal
        rotation = self.camera_to_world[:3, :3]
        return local @ rotation[:, :2].T + rotation[:, 2]

    def project(self, points: Array) -> tuple[Array, Array]:
        """World points (n, 3) to pixel positions (n, 2) and depths along the viewing axis (n,)."""
        local = (points - self.position) @ self.camera_to_world[:3, :3]
        depth = local[:, 2]
        safe = np.where(np.abs(depth) < 1e-12, 1e-12, depth)
        return local[:, :2] / safe[:, None] * self.focal + np.asarray(self.centre), depth


def look_at(position: Array, target: Array, up: Array) -> Array:
    """Camera-to-world (4, 4) of a camera that looks from `position` at `target`, `up` upwards in the image."""
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
