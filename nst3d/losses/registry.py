"""The registry of losses: each registers itself in its own file, and other packages can add theirs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

import torch

from nst3d.bounds import Within
from nst3d.features.encoder import Encoder
from nst3d.losses.base import Loss, Normalise
from nst3d.losses.observation import Observation
from nst3d.losses.partner import FindPartner
from nst3d.plugins import Registry, rows_of
from nst3d.tensors import Features, Mask, Planes


class AskPartners(Protocol):
    """Requests other views for a loss to compare with."""

    def __call__(self, cells: Mapping[str, str], layers: tuple[str, ...] = ()) -> FindPartner | None:
        """A function that finds a view's partner; None if there is a single view.

        `cells` maps a name to the layer at whose positions correspondences are computed; `layers` are those
        whose features are kept.
        """


@dataclass(frozen=True)
class LossInputs:
    """The inputs for making a loss of one stage."""

    name: str
    """The term's name."""
    layers: tuple[str, ...]
    """Layers that the loss compares."""
    options: Mapping[str, Any]
    """The loss's own options, including defaults."""
    normalise: Normalise
    """Normalisation of distances."""
    encoder: Encoder
    styles: Callable[[tuple[str, ...]], Mapping[str, Features]]
    """Maps layers to the styles' features, layer to (c, 1, n), with all positions concatenated."""
    contents: Callable[[tuple[str, ...]], Mapping[int, Mapping[str, Features]]]
    """Maps layers to the contents' features, view to layer to (c, h, w), computed on demand."""
    partners: AskPartners
    """Finds other views of the same surface."""
    pictures: Callable[[], Sequence[tuple[Planes, Mask | None]]] = tuple
    """The styles' pictures (3, h, w) at the views' scale, and their opacities (h, w); None: opaque."""
    encoded: Callable[[tuple[str, ...]], Sequence[tuple[Observation, float]]] = lambda layers: ()
    """Maps layers to the styles' pictures, each encoded on its own with masks of what is opaque, and the share of its
    positions that counts. `styles` has the same features as one list of positions, which have lost their places."""
    depth: Callable[[int], torch.Tensor] | None = None
    """Maps a view to its depth (h, w) along the viewing axis, inf where it shows nothing; None: views have none."""


MakeLoss = Callable[[LossInputs], "Loss | None"]
"""Makes a loss; None if it has nothing to compare, such as the views of a picture."""


Aim = Literal["style", "content", "views"]


@dataclass(frozen=True)
class LossKind:
    """A registered loss."""

    name: str
    make: MakeLoss
    layers: tuple[str, ...] = ()
    """Layers that it compares by default."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """Its options and their defaults."""
    aim: Aim = "style"
    """What it compares views with: styles, the scene's contents, or nothing beyond the views themselves."""
    bounds: Mapping[str, Within] = field(default_factory=dict)
    """Which numbers its options can be."""


LOSSES: Registry[LossKind] = Registry(
    "loss",
    "nst3d.losses",
    tuple(
        f"nst3d.losses.{name}"
        for name in (
            "agreement",
            "consistency",
            "content",
            "contextual",
            "covariance",
            "depth",
            "edges",
            "excess",
            "grain",
            "gram",
            "histogram",
            "hypercolumn",
            "laplacian",
            "moments",
            "self_similarity",
            "sliced",
            "total_variation",
        )
    ),
    rows_of(LossKind),
)


def register_loss(
    name: str,
    make: MakeLoss,
    layers: tuple[str, ...] = (),
    options: Mapping[str, Any] | None = None,
    aim: Aim = "style",
    bounds: Mapping[str, Within] | None = None,
) -> None:
    """Register a loss by name, for use in recipe terms. ConfigError if the name is taken.

    Those with the `aim` style also shape meshes that are displaced. `bounds` say which numbers options can be.
    """
    LOSSES.register(name, LossKind(name, make, layers, dict(options or {}), aim, dict(bounds or {})))
