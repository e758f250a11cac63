"""What a fit can be told."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Level:
    """One resolution."""

    nodes: int
    """Along the longest axis of the grid."""
    iterations: int
    """Steps of the optimiser."""


@dataclass(frozen=True)
class FitOptions:
    """How a field is fitted."""

    levels: tuple[Level, ...] = (Level(48, 200), Level(96, 300), Level(176, 500))
    """Resolutions, coarse to fine."""
    degree: int = 1
    """Of the harmonics at the last level, 0 to 2: how finely colour may depend on the view."""
    batch: int = 8192
    """Rays a step."""
    step: float = 0.8
    """Distance of samples, in cells."""
    density_rate: float = 0.1
    """Learning rate of raw density."""
    colour_rate: float = 0.03
    """Learning rate of colours."""
    harmonics_rate: float = 0.01
    """Learning rate of what depends on the view."""
    final_rate: float = 0.1
    """Share of the rates that is left at the end."""
    smooth_density: float = 3e-4
    """Weight of the density's total variation."""
    smooth_colour: float = 3e-4
    """Weight of the colours' total variation."""
    smooth_harmonics: float = 1e-3
    """Weight of the higher harmonics' total variation."""
    distortion: float = 2e-4
    """Weight of the distortion loss, which gathers density in surfaces (mip-NeRF 360)."""
    faint: float = 2e-4
    """Samples of less weight than this are passed over."""
    start: float = -5.0
    """Raw density to start from."""
    prune: float = 4e-3
    """Nodes that no ray gives more weight than this are left out at the next level."""
    near: float = 0.25
    """Rays start at this share of the mean distance to the scene's centre; bounded scenes: at the grid."""
    seed: int = 0
    """Of the random choice of rays."""
