"""How well two pictures of a scene agree where both show the same point."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from nst3d.cameras.pinhole import Camera
from nst3d.tensors import Array

_TOLERANCE = 0.01
"""Relative difference of depth within which two views see the same point."""


class Seen(NamedTuple):
    """A camera and the depth along its axis (h, w) of what it sees; not finite where it sees nothing."""

    camera: Camera
    depth: Array


class Warp(NamedTuple):
    """Where the pixels of one view are in another."""

    pixels: Array
    """(h, w, 2): x and y in the other picture, pixel centres at +0.5; 0 where not valid."""
    valid: Array
    """(h, w) bool: both views see the point."""


def warp_between(view: Seen, other: Seen, tolerance: float = _TOLERANCE) -> Warp:
    """The place of each pixel's point in another view, with occlusion, from the depth of both.

    A point counts if the other view's depth is within `tolerance` of its own distance at all pixels around it, so that
    no sample mixes two surfaces.
    """
    origin, rays = view.camera.rays()
    known = np.isfinite(view.depth)
    points = origin + rays * np.where(known, view.depth, 0.0)[..., None]
    pixels, distance = other.camera.project(points.reshape(-1, 3))
    pixels, distance = pixels.reshape(*known.shape, 2), distance.reshape(known.shape)
    height, width = other.depth.shape
    inside = known & (distance > 0) & ((pixels >= 0.5) & (pixels <= [width - 0.5, height - 0.5])).all(-1)
    corner = np.floor(np.where(inside[..., None], pixels, 0.5) - 0.5).astype(int)
    for right in (0, 1):
        for down in (0, 1):
            x, y = (
                np.minimum(corner[..., 0] + right, width - 1),
                np.minimum(corner[..., 1] + down, height - 1),
            )
            behind = np.where(np.isfinite(other.depth[y, x]), other.depth[y, x], np.inf)
            inside &= np.abs(behind - distance) <= tolerance * distance
    return Warp(np.where(inside[..., None], pixels, 0.0), inside)


def warped_rmse(picture: Array, other: Array, warp: Warp) -> float:
    """Root mean square difference of a picture (h, w, c) from another (h', w', c) where both see the same points.

    The other is sampled bilinearly. NaN if there is no common point.
    """
    if not warp.valid.any():
        return math.nan
    return float(np.sqrt(np.mean((picture[warp.valid] - carried_by(warp, other)) ** 2)))


def carried_by(warp: Warp, other: Array) -> Array:
    """The other picture (h', w', c) at the valid pixels (n, c), in their order, sampled bilinearly."""
    return _sampled(other, warp.pixels[warp.valid] - 0.5)


def _sampled(picture: Array, places: Array) -> Array:
    """The picture (h, w, c) at places (n, 2), x and y from the first pixel's centre, bilinearly: (n, c)."""
    last = np.array([picture.shape[1] - 1, picture.shape[0] - 1])
    low = np.clip(np.floor(places), 0, last).astype(int)
    high = np.minimum(low + 1, last)
    right, down = np.clip(places - low, 0, 1).T[..., None]
    above = picture[low[:, 1], low[:, 0]] * (1 - right) + picture[low[:, 1], high[:, 0]] * right
    below = picture[high[:, 1], low[:, 0]] * (1 - right) + picture[high[:, 1], high[:, 0]] * right
    return above * (1 - down) + below * down
