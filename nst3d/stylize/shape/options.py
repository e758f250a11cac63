"""How a mesh's shape is stylised."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from nst3d.stylize.schedule import Stage


@dataclass(frozen=True)
class DisplaceOptions:
    """How shape is stylised before colour."""

    fraction: float = 0.0
    """How far vertices may move, as a share of the bounding box' diagonal; 0: not at all."""
    subdivide: Literal["auto", "always", "never"] = "auto"
    """Cut faces until edges are at most two pixels long, so that they can hold relief; auto: but not those of a glTF
    file that a skin or morph targets pose, which always makes a new file of, in the rest pose."""
    stages: tuple[Stage, ...] = (Stage(128, 50, 1.3, 0.4), Stage(224, 60, 0.8, 0.1))
    """Sizes of the views, steps, and rates as shares of the bound."""
    style: float = 1.0
    """Weight of the recipe's style losses."""
    content: float = 0.1
    """Weight of keeping what the grey renders show: the shape stays readable."""
    laplacian: float = 1.0
    """Weight of offsets being like their neighbours'."""
    normals: float = 0.6
    """Weight of normal consistency: edges may not become sharper."""
    edges: float = 0.3
    """Weight of edges keeping their lengths."""
    reach: float = 3.0
    """How far one place's pull moves its surroundings, pixels of the stage; at least an edge."""
    sideways: float = 0.3
    """How freely vertices slide along the surface, as a share of how they move along its normal."""
    faults: float = 0.001
    """Share of the faces that may flip or run into a neighbour; where more do, offsets are taken back."""
