"""Options of a fit."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Level:
    """One resolution level."""

    nodes: int
    """Nodes along the longest axis of the grid."""
    iterations: int
    """Optimiser steps."""


@dataclass(frozen=True)
class FitOptions:
    """Options for fitting a field."""

    levels: tuple[Level, ...] = (Level(48, 200), Level(96, 300), Level(176, 500))
    """Resolutions, coarse to fine."""
    degree: int = 1
    """Degree of the harmonics at the last level, 0 to 2; higher degrees allow more view-dependence."""
    batch: int = 8192
    """Rays per step."""
    step: float = 0.8
    """Distance between samples, cells."""
    density_rate: float = 0.1
    """Learning rate of raw density."""
    colour_rate: float = 0.03
    """Learning rate of colours."""
    harmonics_rate: float = 0.01
    """Learning rate of the higher harmonics."""
    final_rate: float = 0.1
    """Fraction of the learning rates left at the end."""
    smooth_density: float = 3e-4
    """Weight of the density's total variation."""
    smooth_colour: float = 3e-4
    """Weight of the colours' total variation."""
    smooth_harmonics: float = 1e-3
    """Weight of the higher harmonics' total variation."""
    distortion: float = 2e-4
    """Weight of the distortion loss, which concentrates density in surfaces (mip-NeRF 360)."""
    faint: float = 2e-4
    """Weight below which samples are skipped."""
    start: float = -5.0
    """Initial raw density."""
    prune: float = 4e-3
    """Largest weight in any ray at which a node is pruned for the next level."""
    near: float = 0.25
    """Start of rays as a fraction of the mean distance to the scene's centre; bounded scenes: at the grid."""
    seed: int = 0
    """Random seed."""
