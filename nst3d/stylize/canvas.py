"""What the optimiser paints on."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

import torch

from nst3d.bounds import Within
from nst3d.stylize.look import Look
from nst3d.stylize.optimisers import make_optimiser
from nst3d.stylize.schedule import OptimiserName
from nst3d.stylize.stage_scene import StageScene
from nst3d.tensors import Mask, Planes


class Canvas(ABC):
    """Something that renders from several views and has colours to learn."""

    @abstractmethod
    def enter(self, scale: float) -> None:
        """Get ready to render at `scale` times the finest size; paint so far is carried over."""

    @property
    @abstractmethod
    def stage(self) -> StageScene:
        """The views of the scale that was entered last."""

    @property
    def num_views(self) -> int:
        """How many views there are."""
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
        """Region to its mask (h, w) in a view: how much of each pixel it covers."""
        return {}

    def look(
        self, view: int, background: torch.Tensor, step: int = 0, share: float = 0.0, seed: int = 0
    ) -> Look:
        """A view rendered over a background colour (3,), as guides and teachers see it.

        `step` counts the steps taken before, which are `share` of all; `seed` is the run's.
        """
        cameras = self.stage.cameras
        return Look(
            image=self.render(view, background),
            coverage=self.coverage(view),
            view=view,
            step=step,
            share=share,
            camera=cameras[view] if cameras else None,
            seed=seed,
            regions=self.masks(view),
        )

    def penalties(self) -> dict[str, torch.Tensor]:
        """Losses on the paint itself, whatever the view, by name."""
        return {}

    def optimiser(self, name: OptimiserName, rate: float) -> torch.optim.Optimizer:
        """What takes the steps of a stage."""
        return make_optimiser(name, self.parameters(), rate)

    @abstractmethod
    def learn(self, pictures: Sequence[Planes], background: torch.Tensor) -> dict[str, float]:
        """Take over one picture (3, h, w) per view, as they look over `background` (3,); returns losses by name."""

    @abstractmethod
    def collect_(self) -> None:
        """Bring the gradients that backward passes through renders left into the parameters' `grad`."""

    @abstractmethod
    def project_(self) -> None:
        """Keep the parameters valid after a step."""

    @abstractmethod
    def state(self) -> list[torch.Tensor]:
        """Copies of all tensors of this scale that steps change."""

    @abstractmethod
    def restore(self, state: list[torch.Tensor]) -> None:
        """Take back what `state` gave, after entering the same scale."""


@dataclass(frozen=True)
class TableOptions:
    """How a linear canvas learns."""

    pyramid_levels: Annotated[int, Within(1, 16)] = 3
    """Number of levels, each half as large as the last, whose sum a texture is learnt as; 1: texels alone. Vertices
    have a grid a little coarser than pixels for a second level."""
    coverage_power: Annotated[float, Within(0, 4)] = 0.5
    """Power of coverage / median coverage, at most 1, by which steps are scaled; 0: no scaling. On the grid of a
    field, the sum of squared weights takes the place of coverage."""
    texture_variation: Annotated[float, Within(0)] = 0.0
    """Weight of the textures' own total variation, which smooths what views do not see well."""
    clamp: bool = True
    """Keep colours in [0, 1] after each step."""
