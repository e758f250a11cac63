"""The registry of guides other than feature losses; other packages register theirs here."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch

from nst3d.errors import ConfigError
from nst3d.losses.registry import LOSSES
from nst3d.plugins import Registry, rows_of
from nst3d.stylize.guide import Guide
from nst3d.stylize.loaded import Loaded
from nst3d.stylize.stage_scene import StageScene
from nst3d.stylize.style import Style

FEATURES = "features"
"""Name, in sums of guides, of the one that evaluates all losses on features."""
WORDS = "words"
"""The guide that follows the words of styles where a recipe names no other that does."""


@dataclass(frozen=True)
class GuideInputs:
    """The inputs for making a guide of one stage."""

    options: Mapping[str, Any]
    """The guide's own options, including defaults."""
    styles: Sequence[Style]
    """The target styles: those of its region for a recipe's term, and of all regions for a guide given to `run_job`."""
    scene: StageScene
    """The stage's views."""
    size: int
    """Finest side of the stage's views, in pixels."""
    background: torch.Tensor
    """(3,): background of the looks; the guide's own `background`."""
    loaded: Loaded = field(default_factory=Loaded)
    """Where a guide keeps what those of other stages and regions of the run use, too, such as a network."""


MakeGuide = Callable[[GuideInputs], Guide]


@dataclass(frozen=True)
class GuideKind:
    """A registered guide."""

    name: str
    make: MakeGuide
    options: Mapping[str, Any] = field(default_factory=dict)
    """Its options and their defaults; `Declared` says what they can be, too."""
    reads_words: bool = False
    """Whether it follows the words of styles, so that it has nothing to say where there are none."""
    ready: Callable[[Mapping[str, Any], Sequence[Style]], Sequence[str]] = lambda options, styles: ()
    """Asked before painting: returns notes on the styles, and raises MissingDependencyError if something that it needs
    is not on this machine."""


def _check_name(row: GuideKind, others: list[GuideKind]) -> None:
    """Raise ConfigError for the name of a loss, as terms find both by name, and for the reserved one."""
    if row.name == FEATURES:
        raise ConfigError(f"guide {row.name!r}: the name is that of all losses together; use another name")
    if row.name in LOSSES:
        raise ConfigError(f"guide {row.name!r}: there is a loss of that name; use another name")


GUIDES: Registry[GuideKind] = Registry(
    "guide",
    "nst3d.guides",
    ("nst3d.stylize.words.guide", "nst3d.stylize.diffusion.score"),
    unpack=rows_of(GuideKind),
    check=_check_name,
)


def register_guide(
    name: str,
    make: MakeGuide,
    options: Mapping[str, Any] | None = None,
    **others: Any,
) -> None:
    """Register a guide by name, for use in recipe terms; `others` are further fields of `GuideKind`.

    ConfigError if the name is taken.
    """
    GUIDES.register(name, GuideKind(name, make, options or {}, **others))
