"""The options of a fit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from nst3d.bounds import Within


@dataclass(frozen=True)
class Level:
    """One resolution level."""

    nodes: Annotated[int, Within(8, 512)]
    """Grid nodes along the longest axis."""
    iterations: Annotated[int, Within(1, 1_000_000)]
    """Number of optimiser steps."""


@dataclass(frozen=True)
class FitOptions:
    """Options for fitting a field."""

    levels: tuple[Level, ...] = (Level(48, 200), Level(96, 300), Level(176, 500))
    """Resolutions, coarse to fine."""
    degree: Annotated[int, Within(0, 2)] = 1
    """Degree of the spherical harmonics of view-dependent colour at the last level, 0 to 2."""
    batch: Annotated[int, Within(1, 1 << 20)] = 8192
    """Rays per step."""
    step: Annotated[float, Within(0.1, 4)] = 0.8
    """Distance between samples along a ray, in cells."""
    density_rate: Annotated[float, Within(0)] = 0.3
    """Learning rate of raw density."""
    colour_rate: Annotated[float, Within(0)] = 0.03
    """Learning rate of colours."""
    harmonics_rate: Annotated[float, Within(0)] = 0.01
    """Learning rate of the higher harmonics, which depend on the view."""
    final_rate: Annotated[float, Within(1e-6, 1)] = 0.1
    """Share of the learning rates that is left at the end."""
    smooth_density: Annotated[float, Within(0)] = 3e-5
    """Weight of the density's total variation."""
    smooth_colour: Annotated[float, Within(0)] = 3e-4
    """Weight of the colours' total variation."""
    smooth_harmonics: Annotated[float, Within(0)] = 1e-3
    """Weight of the higher harmonics' total variation."""
    distortion: Annotated[float, Within(0)] = 2e-4
    """Weight of the distortion loss, which gathers density in surfaces (mip-NeRF 360)."""
    faint: Annotated[float, Within(0, 0.1)] = 2e-4
    """Weight below which samples are skipped."""
    start: Annotated[float, Within(-20, 20)] = -5.0
    """Initial raw density."""
    prune: Annotated[float, Within(0, 1)] = 4e-3
    """Weight, greatest over all rays, below which nodes are dropped at the next level."""
    near: Annotated[float, Within(0, 10)] = 0.25
    """Start of rays, as a share of the mean distance to the scene's centre; in bounded scenes rays start at the
    grid."""
    exposures: bool = True
    """Whether the exposure of each photograph, a gain per channel, is fitted and left out of the field; never for an
    object on a known background."""
    seed: Annotated[int, Within(0, 2**63 - 1)] = 0
    """Random seed of the choice of rays."""
