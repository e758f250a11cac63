"""What a fit can be told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from nst3d.bounds import Within


@dataclass(frozen=True)
class Level:
    """One resolution."""

    nodes: Annotated[int, Within(8, 512)]
    """Along the longest axis of the grid."""
    iterations: Annotated[int, Within(1, 1_000_000)]
    """Steps of the optimiser."""


@dataclass(frozen=True)
class FitOptions:
    """How a field is fitted."""

    levels: tuple[Level, ...] = (Level(48, 200), Level(96, 300), Level(176, 500))
    """Resolutions, coarse to fine."""
    degree: Annotated[int, Within(0, 2)] = 1
    """Of the harmonics at the last level, 0 to 2: how finely colour may depend on the view."""
    batch: Annotated[int, Within(1, 1 << 20)] = 8192
    """Rays a step."""
    step: Annotated[float, Within(0.1, 4)] = 0.8
    """Distance of samples, in cells."""
    density_rate: Annotated[float, Within(0)] = 0.1
    """Learning rate of raw density."""
    colour_rate: Annotated[float, Within(0)] = 0.03
    """Learning rate of colours."""
    harmonics_rate: Annotated[float, Within(0)] = 0.01
    """Learning rate of what depends on the view."""
    final_rate: Annotated[float, Within(1e-6, 1)] = 0.1
    """Share of the rates that is left at the end."""
    smooth_density: Annotated[float, Within(0)] = 3e-4
    """Weight of the density's total variation."""
    smooth_colour: Annotated[float, Within(0)] = 3e-4
    """Weight of the colours' total variation."""
    smooth_harmonics: Annotated[float, Within(0)] = 1e-3
    """Weight of the higher harmonics' total variation."""
    distortion: Annotated[float, Within(0)] = 2e-4
    """Weight of the distortion loss, which gathers density in surfaces (mip-NeRF 360)."""
    faint: Annotated[float, Within(0, 0.1)] = 2e-4
    """Samples of less weight than this are passed over."""
    start: Annotated[float, Within(-20, 20)] = -5.0
    """Raw density to start from."""
    prune: Annotated[float, Within(0, 1)] = 4e-3
    """Nodes that no ray gives more weight than this are left out at the next level."""
    near: Annotated[float, Within(0, 10)] = 0.25
    """Rays start at this share of the mean distance to the scene's centre; bounded scenes: at the grid."""
    seed: Annotated[int, Within(0, 2**63 - 1)] = 0
    """Of the random choice of rays."""
