"""A small grid, rays through it, and photographs of a ball to fit to."""

from __future__ import annotations

import numpy as np
from small_fields import CENTRE, noisy_field

from nst3d.cameras.bounds import SceneFrame
from nst3d.cameras.pinhole import Camera, look_at, perspective
from nst3d.cameras.rigs import Orientation, fibonacci_directions
from nst3d.reconstruct.fit import Fit, FitOptions, Level
from nst3d.reconstruct.grid import FitGrid
from nst3d.reconstruct.rays import RayBatch
from nst3d.tensors import ImageSize

BACKGROUND = np.array([0.2, 0.5, 0.9], np.float32)
RAYS = 48
EXACT = FitOptions(
    faint=0.0, batch=RAYS, distortion=0.02, smooth_density=0.1, smooth_colour=0.2, smooth_harmonics=0.3
)
"""Nothing is passed over, and all losses matter."""
TINY = FitOptions(levels=(Level(12, 10), Level(20, 12)), batch=384)


def grid(contracted: bool = False, degree: int = 1, holes: float = 0.0) -> FitGrid:
    """Values at random; with holes, none of which is a whole free block."""
    field = noisy_field(contracted, degree=degree, holes=holes)
    colours = field.harmonics.reshape(len(field), -1) + 0.5
    return FitGrid(field.space, field.links, field.density, colours, 4.0, field.near)


def rays() -> tuple[RayBatch, np.ndarray]:
    """Rays from outside towards the middle, and their jitter."""
    rng = np.random.default_rng(5)
    origins = rng.normal(size=(RAYS, 3))
    origins *= 4 / np.linalg.norm(origins, axis=1, keepdims=True)
    directions = (rng.normal(size=(RAYS, 3)) * 0.5 - origins).astype(np.float32)
    directions /= np.linalg.norm(directions, axis=1, keepdims=True) * 0.9
    batch = RayBatch(origins + CENTRE, directions, rng.random((RAYS, 3), dtype=np.float32), BACKGROUND)
    return batch, rng.random(RAYS, dtype=np.float32)


def photographs(
    views: int = 14, pixels: int = 28, radius: float = 0.6
) -> tuple[list[Camera], list[np.ndarray], list[np.ndarray]]:
    """Cameras around a ball of `radius` at `CENTRE`, its pictures over `BACKGROUND`, and its silhouettes."""
    up = np.array([0.0, 0.0, 1.0])
    directions = fibonacci_directions(views, Orientation(up, np.array([1.0, 0.0, 0.0])), 0.9)
    cameras, images, silhouettes = [], [], []
    for direction in directions:
        camera = perspective(look_at(CENTRE + 3 * direction, CENTRE, up), ImageSize(pixels, pixels), 0.75)
        origin, ways = camera.rays()
        ways = ways / np.linalg.norm(ways, axis=-1, keepdims=True)
        middle = (ways * (CENTRE - origin)).sum(-1)
        miss = ((CENTRE - origin) ** 2).sum() - middle**2
        hit = miss < radius**2
        points = origin + ways * (middle - np.sqrt(np.maximum(radius**2 - miss, 0)))[..., None] - CENTRE
        images.append(np.where(hit[..., None], 0.5 + points * (0.4 / radius), BACKGROUND).astype(np.float32))
        cameras.append(camera)
        silhouettes.append(hit.astype(np.float32))
    return cameras, images, silhouettes


def fit(options: FitOptions = TINY, kind: str = "bounded", hull: bool = True) -> Fit:
    """A fit to the ball."""
    cameras, images, silhouettes = photographs()
    frame = SceneFrame(CENTRE, 1.0, kind)
    return Fit(cameras, images, frame, options, BACKGROUND, silhouettes if hull else ())
