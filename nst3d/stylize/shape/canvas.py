"""The canvas of shape: a mesh whose vertices move."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import torch

from nst3d.errors import ConfigError
from nst3d.stylize.canvas import Canvas
from nst3d.stylize.schedule import OptimiserName
from nst3d.stylize.shape.faults import FaultFinder, Faults
from nst3d.stylize.shape.moving import Moving
from nst3d.stylize.shape.options import DisplaceOptions
from nst3d.stylize.shape.steps import SmoothSteps
from nst3d.stylize.shape.terms import (
    Smoother,
    bounded,
    edge_lengths,
    edge_term,
    laplacian_term,
    normal_term,
    side_cosines,
)
from nst3d.stylize.stage_scene import StageScene
from nst3d.tensors import Mask, Planes

_RETREATS = 12
_RECAST = 4
"""Number of steps between updates of visibility."""
_CHECK = 5
"""Number of steps between fault checks; a stage always ends with one."""
_RETREAT = 0.6
"""Factor by which a retreat shortens the offsets around faults."""


class Views(Protocol):
    """Renders moving points."""

    pixel: float
    """Size of a pixel on the mesh, at the stage's scale."""

    def stage(self, scale: float) -> StageScene:
        """Prepare views at a scale, and return the stage's scene."""

    def look(self, positions: torch.Tensor) -> None:
        """Update visibility for these positions (s, 3)."""

    def render(self, positions: torch.Tensor, view: int) -> tuple[Planes, Mask]:
        """The grey picture (3, h, w), differentiable, and its coverage (h, w)."""


class ShapeCanvas(Canvas):
    """Vertex offsets, seen through grey, lit renders."""

    def __init__(self, moving: Moving, views: Views, options: DisplaceOptions) -> None:
        self.moving, self._views, self._options = moving, views, options
        self.bound = 2 * options.fraction
        """Maximum offset: the bounding-box diagonal is 2 in the unit sphere."""
        self._leaf = torch.zeros_like(moving.normals).requires_grad_()
        self._sound = self._seen = self.offsets.clone()
        self._count = 0  # steps of this stage
        self._cast_at = -1  # the count at the last visibility update
        self._coverage: dict[int, Mask] = {}
        self._stage: StageScene | None = None
        self._steps: SmoothSteps
        self._edges = moving.edges
        self._cosines = side_cosines(moving.positions, moving.topology)
        self._lengths = edge_lengths(moving.positions, moving.topology.edges)
        arrays = (t.cpu().numpy() for t in (moving.positions, moving.topology.faces, moving.topology.sides))
        self._finder = FaultFinder(*arrays)
        self.retreats = 0
        """Number of times offsets were reverted because too many faces were faulty."""

    @property
    def offsets(self) -> torch.Tensor:
        """The current offsets (n, 3)."""
        return self._leaf.detach()

    @property
    def stage(self) -> StageScene:
        """The views of the current scale."""
        if self._stage is None:
            raise RuntimeError("the canvas has not entered a scale yet")
        return self._stage

    def enter(self, scale: float) -> None:
        """Prepare to render at a scale; faults from the last one are reverted."""
        if self._count:
            self.settle_()
        self._stage = self._views.stage(scale)
        self._count, self._cast_at = 0, -1
        self._steps = SmoothSteps(
            self._smoother(), self.offsets.clone(), self.moving.normals, self._options.sideways
        )

    def parameters(self) -> list[torch.Tensor]:
        """The offsets."""
        return [self._leaf]

    def optimiser(self, name: OptimiserName, rate: float) -> torch.optim.Optimizer:
        """Smoothed Adam, regardless of `name`; `rate` is a fraction of the bound."""
        return _SmoothOptimiser(self._leaf, self._steps, rate, self.bound)

    def render(self, view: int, background: torch.Tensor) -> Planes:
        """The grey view (3, h, w); its background is grey, too."""
        if self._count % _RECAST == 0 and self._cast_at != self._count:
            self._cast()
        image, self._coverage[view] = self._views.render(self.moving.at(self._leaf), view)
        return image

    def coverage(self, view: int) -> Mask:
        """The opacity (h, w) of the view's last render."""
        return self._coverage[view]

    def penalties(self) -> dict[str, torch.Tensor]:
        """Regularisers: similar neighbouring offsets, no sharper edges, no stretched ones."""
        options, topology = self._options, self.moving.topology
        positions = self.moving.at(self._leaf)
        # Offsets in units of the bound, so that weights do not depend on it.
        smooth = laplacian_term(self._leaf / self.bound, self._edges)
        return {
            "laplacian": options.laplacian * smooth,
            "normals": options.normals * normal_term(positions, topology, self._cosines),
            "edges": options.edges * edge_term(positions, topology.edges, self._lengths),
        }

    def learn(self, pictures: Sequence[Planes], background: torch.Tensor) -> dict[str, float]:
        """Always raises ConfigError: pictures do not determine a shape."""
        raise ConfigError("a shape cannot be learnt from a teacher's pictures")

    def collect_(self) -> None:
        """Do nothing: backward passes reach the offsets directly."""

    def project_(self) -> None:
        """Keep offsets within the bound, and periodically revert faults."""
        self._count += 1
        self.settle_(check=self._count % _CHECK == 0)

    def state(self) -> list[torch.Tensor]:
        """Copies of the offsets, those last found sound and last used for visibility, and the counts."""
        counts = torch.tensor([self._count, self.retreats])
        return [t.detach().cpu().clone() for t in (self._leaf, self._sound, self._seen, counts)]

    def restore(self, state: list[torch.Tensor]) -> None:
        """Restore the state. ValueError if it belongs to another mesh."""
        if len(state) != 4 or state[0].shape != self._leaf.shape:
            raise ValueError("the stored shape belongs to another mesh")
        offsets, self._sound, self._seen = (t.to(self._leaf.device) for t in state[:3])
        with torch.no_grad():
            self._leaf.copy_(offsets)
        self._count, self.retreats = state[3].tolist()
        self._views.look(self.moving.at(self._seen))
        self._cast_at = self._count // _RECAST * _RECAST if self._count % _RECAST else -1

    def _cast(self) -> None:
        self._seen, self._cast_at = self.offsets.clone(), self._count
        self._views.look(self.moving.at(self._seen))

    def _smoother(self) -> Smoother:
        """The smoother for bumps `reach` pixels wide, at least one edge."""
        edge = float(self._lengths.mean())
        wide = self._options.reach * self._views.pixel / max(edge, 1e-12)
        start = self.moving.normals
        return Smoother(self._edges, len(start), max(wide, 1.0) ** 2, start.dtype)

    @torch.no_grad()
    def settle_(self, check: bool = True) -> None:
        """Keep offsets within the bound; on a check, revert them where too many faces are faulty."""
        wanted = self.offsets.clone()
        kept = bounded(wanted, self.bound)
        if check and self._faults(kept).count > self.allowed:
            self.retreats += 1
            kept = self._retreated(kept)
        if check:
            self._sound = kept.clone()
        if not torch.equal(kept, wanted):
            self._steps.take(kept)
        self._leaf.copy_(kept)

    @property
    def allowed(self) -> int:
        """Number of faulty faces allowed."""
        return int(self._options.faults * len(self.moving.topology.faces))

    def _faults(self, offsets: torch.Tensor) -> Faults:
        return self._finder.find(self.moving.at(offsets).cpu().numpy())

    def faults(self) -> Faults:
        """The faults at the current offsets."""
        return self._faults(self.offsets)

    def _retreated(self, offsets: torch.Tensor) -> torch.Tensor:
        """Offsets shortened repeatedly around faults; as a last resort, those of the last check."""
        faces = self.moving.topology.faces
        for _ in range(_RETREATS):
            faults = self._faults(offsets)
            if faults.count <= self.allowed:
                return offsets
            bad = torch.from_numpy(faults.flipped | faults.crossing).to(faces.device)
            share = offsets.new_ones(len(offsets), 1)
            share[self.moving.row[faces[bad]].reshape(-1)] = _RETREAT
            # And half as much for adjacent vertices.
            a, b = self._edges[:, 0], self._edges[:, 1]
            near = share.clone()
            near[a[share[b, 0] < 1]] = near[a[share[b, 0] < 1]].clamp_max((1 + _RETREAT) / 2)
            near[b[share[a, 0] < 1]] = near[b[share[a, 0] < 1]].clamp_max((1 + _RETREAT) / 2)
            offsets = offsets * near
        return self._sound


class _SmoothOptimiser(torch.optim.Optimizer):
    """Adapts `SmoothSteps` to the optimiser interface."""

    def __init__(self, offsets: torch.Tensor, steps: SmoothSteps, rate: float, bound: float) -> None:
        super().__init__([offsets], {"lr": rate})
        self._offsets, self._steps, self._bound = offsets, steps, bound

    def step(self, closure: Callable[[], torch.Tensor]) -> torch.Tensor:  # type: ignore[override]
        """Take a step on the gradient from `closure`."""
        loss = closure()
        assert self._offsets.grad is not None
        moved = self._steps.step(self._offsets.grad, self.param_groups[0]["lr"] * self._bound)
        with torch.no_grad():
            self._offsets.copy_(moved)
        return loss

    def state_dict(self) -> dict[str, Any]:
        """The state for `load_state_dict`."""
        return self._steps.state()

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Continue from a `state_dict`."""
        self._steps.restore(state_dict)
