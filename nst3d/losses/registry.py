"""Which losses there are: each one's own file registers it, and so can other packages."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from nst3d.features.encoder import Encoder
from nst3d.losses.base import Loss, Normalise
from nst3d.losses.partner import FindPartner
from nst3d.plugins import Registry, rows_of
from nst3d.tensors import Features


class AskPartners(Protocol):
    """How a loss asks for views to compare with."""

    def __call__(self, cells: Mapping[str, str], layers: tuple[str, ...] = ()) -> FindPartner | None:
        """What finds the partner of a view; None where there is a single view.

        `cells` maps a name to the layer whose positions correspondences are made for; `layers` are those whose
        features are kept.
        """


@dataclass(frozen=True)
class LossInputs:
    """What a loss of one stage may be made from."""

    name: str
    """The term's name."""
    layers: tuple[str, ...]
    """Where the loss looks."""
    options: Mapping[str, Any]
    """The loss's own options, defaults included."""
    normalise: Normalise
    """How distances are scaled."""
    encoder: Encoder
    styles: Callable[[tuple[str, ...]], Mapping[str, Features]]
    """Layers to the styles' features, layer to (c, 1, n): their positions, one style after the other."""
    contents: Callable[[tuple[str, ...]], Mapping[int, Mapping[str, Features]]]
    """Layers to the contents' features: view to layer to (c, h, w), computed when asked for."""
    partners: AskPartners
    """Finds other views of the same surface."""


MakeLoss = Callable[[LossInputs], "Loss | None"]
"""None where the loss has nothing to compare, such as the views of a picture."""


@dataclass(frozen=True)
class LossKind:
    """A loss by name."""

    name: str
    make: MakeLoss
    layers: tuple[str, ...] = ()
    """Where it looks by default."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """Its options and their defaults."""


LOSSES: Registry[LossKind] = Registry(
    "loss",
    "nst3d.losses",
    tuple(
        f"nst3d.losses.{name}"
        for name in ("agreement", "consistency", "content", "gram", "moments", "total_variation")
    ),
    rows_of(LossKind),
)


def register_loss(
    name: str, make: MakeLoss, layers: tuple[str, ...] = (), options: Mapping[str, Any] | None = None
) -> None:
    """Make a loss known by name, for the terms of recipes. ConfigError if the name is taken."""
    LOSSES.register(name, LossKind(name, make, layers, dict(options or {})))
