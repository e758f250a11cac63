"""How a mesh's shape is stylised."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from nst3d.bounds import Within
from nst3d.stylize.schedule import Stage


@dataclass(frozen=True)
class DisplaceOptions:
    """How shape is stylised before colour."""

    fraction: Annotated[float, Within(0, 0.2)] = 0.0
    """Greatest displacement of vertices, as a share of the bounding box's diagonal; 0: none."""
    subdivide: Literal["auto", "always", "never"] = "auto"
    """Subdivide faces until edges are at most two pixels long, so that they can hold relief; auto: except in a glTF
    file posed by a skin or morph targets, of which always makes a new file in the rest pose."""
    stages: tuple[Stage, ...] = (Stage(128, 50, 1.3, 0.4), Stage(224, 60, 0.8, 0.1))
    """Stages of the shape: view sizes, steps, and rates as shares of the greatest displacement."""
    style: Annotated[float, Within(0)] = 1.0
    """Weight of the recipe's style losses."""
    content: Annotated[float, Within(0)] = 0.1
    """Weight of keeping the content of the grey renders, so that the shape stays readable."""
    laplacian: Annotated[float, Within(0)] = 1.0
    """Weight of the offsets' Laplacian, which keeps neighbouring offsets alike."""
    normals: Annotated[float, Within(0)] = 0.6
    """Weight of normal consistency, which keeps edges from becoming sharper."""
    edges: Annotated[float, Within(0)] = 0.3
    """Weight of preserving edge lengths."""
    reach: Annotated[float, Within(0, 100)] = 3.0
    """Radius of smoothing of the steps, pixels of the stage; at least an edge."""
    sideways: Annotated[float, Within(0.01, 1)] = 0.3
    """Freedom of vertices along the surface, as a share of that along its normal."""
    faults: Annotated[float, Within(0, 1)] = 0.001
    """Greatest share of faces that may flip or run into a neighbour; beyond it, offsets are taken back."""
