"""Settings for stylising a mesh's shape."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from nst3d.bounds import Within
from nst3d.stylize.schedule import Stage


@dataclass(frozen=True)
class DisplaceOptions:
    """Settings for stylising shape before colour."""

    fraction: Annotated[float, Within(0, 0.2)] = 0.0
    """Maximum vertex displacement, as a fraction of the bounding-box diagonal; 0: none."""
    subdivide: Literal["auto", "always", "never"] = "auto"
    """Subdivide faces until edges are at most two pixels long, so that they can represent relief; auto:
    except in a glTF file posed by a skin or morph targets; always: there, too, as a new file in the rest
    pose."""
    stages: tuple[Stage, ...] = (Stage(128, 50, 1.3, 0.4), Stage(224, 60, 0.8, 0.1))
    """Stages of the shape: view sizes, steps, and rates as fractions of the maximum displacement."""
    style: Annotated[float, Within(0)] = 1.0
    """Weight of the recipe's style losses."""
    content: Annotated[float, Within(0)] = 0.1
    """Weight of keeping the content of the grey renders, so that the shape stays readable."""
    laplacian: Annotated[float, Within(0)] = 1.0
    """Weight of the offsets' Laplacian, which keeps neighbouring offsets similar."""
    normals: Annotated[float, Within(0)] = 0.6
    """Weight of normal consistency, which keeps edges from becoming sharper."""
    edges: Annotated[float, Within(0)] = 0.3
    """Weight of preserving edge lengths."""
    reach: Annotated[float, Within(0, 100)] = 3.0
    """Smoothing radius of the steps, in pixels of the stage; at least one edge."""
    sideways: Annotated[float, Within(0.01, 1)] = 0.3
    """Freedom of vertices along the surface, relative to that along the normal."""
    faults: Annotated[float, Within(0, 1)] = 0.001
    """Maximum fraction of faces that may flip or intersect a neighbour; beyond it, offsets are reverted."""
