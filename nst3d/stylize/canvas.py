"""The interface between the optimiser and what it paints."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Annotated

import torch

from nst3d.bounds import Within
from nst3d.errors import ConfigError
from nst3d.stylize.held import Fit, Held
from nst3d.stylize.look import Look
from nst3d.stylize.optimisers import make_optimiser
from nst3d.stylize.schedule import OptimiserName
from nst3d.stylize.stage_scene import StageScene
from nst3d.stylize.teachers.reference import Reference
from nst3d.tensors import Colours, Mask, Planes


class Canvas(ABC):
    """Something with parameters to learn, rendered from several views."""

    held: Held | None = None
    """The references that are held at this scale."""

    @abstractmethod
    def enter(self, scale: float) -> None:
        """Prepare to render at `scale` times the finest size; the current paint is carried over."""

    @property
    @abstractmethod
    def stage(self) -> StageScene:
        """The views of the current scale."""

    @property
    def num_views(self) -> int:
        """The number of views."""
        return self.stage.num_views

    @abstractmethod
    def parameters(self) -> list[torch.Tensor]:
        """The tensors to optimise, valid until the next `enter`."""

    @abstractmethod
    def render(self, view: int, background: torch.Tensor) -> Planes:
        """The view (3, h, w) over a background colour (3,), differentiable in the parameters."""

    @abstractmethod
    def coverage(self, view: int) -> Mask:
        """The view's opacity (h, w)."""

    def masks(self, view: int) -> Mapping[str, Mask]:
        """Region name to its mask (h, w) in a view: the covered fraction of each pixel."""
        return {}

    def look(
        self, view: int, background: torch.Tensor, step: int = 0, share: float = 0.0, seed: int = 0
    ) -> Look:
        """A view rendered over a background colour (3,), as guides and teachers see it.

        `step` counts the steps taken before, which are `share` of all; `seed` is the run's.
        """
        stage = self.stage
        cameras, coarse, depth = stage.cameras, stage.coarse, stage.depth
        return Look(
            image=self.render(view, background),
            coverage=self.coverage(view),
            view=view,
            step=step,
            share=share,
            camera=cameras[view] if cameras else None,
            seed=seed,
            coarse=None if coarse is None else partial(coarse, view),
            through=stage.through,
            content=partial(stage.content, view),
            depth=None if depth is None else partial(depth, view),
            regions=self.masks(view),
        )

    @property
    def painted(self) -> str | None:
        """The only region whose colours change; None: all of them do."""
        return None

    def part(self, look: Look, background: torch.Tensor, region: str | None = None) -> Look:
        """A region of a look, as if there were nothing else but the background; None: the one that is painted."""
        return look

    def penalties(self) -> dict[str, torch.Tensor]:
        """View-independent losses on the paint itself, by name."""
        return {}

    def optimiser(self, name: OptimiserName, rate: float) -> torch.optim.Optimizer:
        """The optimiser for a stage."""
        return make_optimiser(name, self.parameters(), rate)

    @abstractmethod
    def learn(self, pictures: Sequence[Planes], background: torch.Tensor) -> dict[str, float]:
        """Fit one picture (3, h, w) of what `part` shows per view, over `background` (3,); returns losses by name.

        "fit" is the mean squared error, by coverage.
        """

    def heed(self, references: Sequence[Reference]) -> None:
        """Prepare to `hold` references at this scale. ConfigError for a scene that is not a table of colours."""
        raise ConfigError("`references` need a scene that is a table of colours, which this one is not")

    def hold(self) -> dict[str, float]:
        """Fit the painted pixels of references, where they show the scene; returns losses by name.

        "reference" is their mean squared error.
        """
        raise RuntimeError("the canvas heeds no references")

    def fits(self, colours: Colours) -> Sequence[Fit]:
        """How well a finished table (n, 3) shows the references that are held; empty if there are none."""
        return () if self.held is None else self.held.fits(colours)

    @abstractmethod
    def collect_(self) -> None:
        """Move the gradients from backward passes through renders to the parameters' `grad`."""

    @abstractmethod
    def project_(self) -> None:
        """Keep the parameters valid after a step."""

    @abstractmethod
    def state(self) -> list[torch.Tensor]:
        """Copies of all tensors that steps change at this scale."""

    @abstractmethod
    def restore(self, state: list[torch.Tensor]) -> None:
        """Restore the result of `state`, after entering the same scale."""


@dataclass(frozen=True)
class TableOptions:
    """Learning settings of a linear canvas."""

    pyramid_levels: Annotated[int, Within(1, 16)] = 3
    """Number of pyramid levels, each half as large as the last, whose sum is the texture; 1: texels only. For
    vertices, a grid slightly coarser than pixels is the second level."""
    coverage_power: Annotated[float, Within(0, 4)] = 0.5
    """Exponent of coverage / median coverage, capped at 1, that scales steps; 0: no scaling. On a field's
    grid, the sum of squared weights replaces coverage."""
    texture_variation: Annotated[float, Within(0)] = 0.0
    """Weight of the textures' own total variation, which smooths poorly seen texels."""
    clamp: bool = True
    """Keep colours in [0, 1] after each step."""
    field: Annotated[float, Within(0, 100)] = 0.0
    """Above 0: learn a small network of places on the surface, which gives all rows their colours, in place of the rows
    themselves. This is the fineness of what it paints, in waves across half the scene; 6 is coarse, 20 fine."""
