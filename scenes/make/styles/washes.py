"""Transparent paint on paper: washes that add optical density, with dark rims, blooms and granulation."""

from __future__ import annotations

import fields as f
import numpy as np

Array = np.ndarray


class Sheet:
    """A sheet of paper and the density (h, w, 3) of the pigment that it has taken up."""

    def __init__(self, rng: np.random.Generator, h: int, w: int, tint: Array, fibres: int) -> None:
        self.rng, self.h, self.w = rng, h, w
        self.density = np.zeros((h, w, 3), np.float32)
        self.tooth = f.noise(rng, h, w, 3.2, 2)
        self.edges = [f.noise(rng, h, w, 30, 5, 1.0, 0.7) for _ in range(3)]
        self.pools = [f.noise(rng, h, w, 75, 5, 1.0, 0.62) for _ in range(3)]
        self.paper = (
            tint * (1 + 0.05 * (f.noise(rng, h, w, 120, 5) - 0.5) + 0.045 * (self.tooth - 0.5))[..., None]
        )
        self.paper *= (1 - 0.06 * threads(rng, h, w, fibres))[..., None]

    def shuffled(self, bank: list[Array]) -> Array:
        """One of the stored noises, mirrored at random: much cheaper than a new one."""
        flip = self.rng.choice([-1, 1], 2)
        return bank[int(self.rng.integers(len(bank)))][:: flip[0], :: flip[1]]

    def wash(
        self, level: Array, colour: Array, strength: float | Array = 1.0, rim: float = 0.5, bloom: float = 0.6
    ) -> None:
        """Lay `colour` where `level` (pixels inside the wet edge) is above 0.

        `rim` is the extra pigment that dries at the edge, `bloom` how unevenly the wash settles.
        """
        ragged = level + 5.0 * (self.shuffled(self.edges) - 0.5)
        body = f.smoothstep(0.0, 1.6, ragged)
        dark = np.exp(-np.maximum(ragged, 0) / 2.4) + 0.35 * np.exp(-np.maximum(ragged, 0) / 9.0)
        pool = self.shuffled(self.pools)
        back = f.smoothstep(0.06, 0.0, np.abs(self.shuffled(self.pools) - 0.55)) * 0.35
        load = 1.0 + bloom * (pool * 1.6 - 0.8 + back) + 0.30 * (0.5 - self.tooth)
        amount = body * np.clip(load + rim * dark, 0.05, 3.0) * strength
        self.density += amount[..., None] * -np.log(np.clip(colour, 0.02, 0.98))

    def lift(self, level: Array, amount: float | Array) -> None:
        """Take `amount` of the pigment up again where `level` (pixels inside) is above 0, as with a thirsty brush."""
        ragged = level + 5.0 * (self.shuffled(self.edges) - 0.5)
        self.density *= (1.0 - f.smoothstep(-1.0, 1.5, ragged) * amount)[..., None]

    def dried(self) -> Array:
        """The sheet as a picture (h, w, 3)."""
        return np.clip(self.paper * np.exp(-self.density), 0, 1)


def threads(rng: np.random.Generator, h: int, w: int, count: int) -> Array:
    """Short curved fibres (h, w), 1 on a fibre."""
    out = np.zeros((h, w), np.float32)
    t = np.linspace(-0.5, 0.5, 60)[None]
    turn, bend = rng.uniform(0, np.pi, (count, 1)), rng.normal(0, 1.4, (count, 1))
    long = rng.uniform(12, 60, (count, 1))
    way = turn + bend * t
    x = rng.uniform(0, w, (count, 1)) + np.cumsum(np.cos(way), 1) * long / 60
    y = rng.uniform(0, h, (count, 1)) + np.cumsum(np.sin(way), 1) * long / 60
    np.maximum.at(out, (y.astype(int) % h, x.astype(int) % w), 1.0)
    return f.blur(out, 0.6) * 1.6


def petal(
    x: Array, y: Array, at: tuple[float, float], long: float, wide: float, turn: float, tip: float = 0.8
) -> Array:
    """Pixels inside a petal or leaf that grows from `at` along `turn`; `tip` < 1 fattens its far end."""
    dx, dy = x - at[0], y - at[1]
    along = (dx * np.cos(turn) + dy * np.sin(turn)) / long
    across = -dx * np.sin(turn) + dy * np.cos(turn)
    bulge = wide * np.sin(np.pi * np.clip(along, 0, 1) ** (1 / tip)) ** 0.75
    return np.where((along > 0) & (along < 1), bulge - np.abs(across), -np.hypot(dx, dy) - 9.0).astype(
        np.float32
    )
