"""The loop that moves a mesh's vertices until its grey, lit renders carry a style."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Protocol

import torch

from nst3d.bounds import Within
from nst3d.stylize.criterion import Criterion
from nst3d.stylize.engine import Progress
from nst3d.stylize.schedule import Stage
from nst3d.stylize.shape.faults import FaultFinder, Faults
from nst3d.stylize.shape.steps import ShapeState, SmoothSteps
from nst3d.stylize.shape.terms import (
    Smoother,
    Topology,
    bounded,
    edge_lengths,
    edge_term,
    laplacian_term,
    normal_term,
    side_cosines,
)
from nst3d.tensors import Array, Mask, Planes

_RETREATS = 12
_RECAST = 4
"""Steps for which pixels see what was in front at the first of them."""
_CHECK = 5
"""Steps from one look for faults to the next; the last step of a stage always looks."""
_RETREAT = 0.6
"""What a retreat leaves of the offsets around faults."""


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


@dataclass(frozen=True)
class Moving:
    """What moves, as plain tensors."""

    positions: torch.Tensor
    """(s, 3) at the start, unit sphere."""
    topology: Topology
    """Of the points."""
    row: torch.Tensor
    """(s,) int64: the offset that moves each point."""
    linear: torch.Tensor | None
    """(s, 3, 3): how an offset is turned for a point; None: not at all."""
    normals: torch.Tensor
    """(n, 3) unit normals at the offsets."""

    def at(self, offsets: torch.Tensor) -> torch.Tensor:
        """The points (s, 3) moved by offsets (n, 3)."""
        own = offsets[self.row]
        if self.linear is not None:
            own = (self.linear @ own[:, :, None])[:, :, 0]
        return self.positions + own

    @property
    def edges(self) -> torch.Tensor:
        """(e, 2) edges between offsets."""
        ends = self.row[self.topology.edges].sort(1).values
        ends = torch.unique(ends, dim=0)
        return ends[ends[:, 0] != ends[:, 1]]


class Views(Protocol):
    """Renders moving points."""

    pixel: float
    """Size of a pixel on the mesh, at the stage's scale."""

    @property
    def num_views(self) -> int:
        """How many views there are."""

    def enter(self, size: int) -> None:
        """Get ready for views of `size` pixels."""

    def look(self, positions: torch.Tensor) -> None:
        """From now on, pixels see what is in front at these positions (s, 3)."""

    def render(self, positions: torch.Tensor, view: int) -> tuple[Planes, Mask]:
        """The grey picture (3, h, w), differentiable, and its coverage (h, w)."""


class Displacer:
    """One run; iterate to make it happen. `state()` can be stored at any time."""

    def __init__(
        self, moving: Moving, views: Views, criterion_of: Callable[[Stage], Criterion], options: DisplaceOptions,
        seed: int, resume: ShapeState | None = None,
    ) -> None:  # fmt: skip
        self.moving, self._views, self._criterion_of, self._options = moving, views, criterion_of, options
        self.bound = 2 * options.fraction
        """The longest offset: the bounding box' diagonal is 2 in the unit sphere."""
        start = torch.zeros_like(moving.normals)
        self._state = state = resume or ShapeState()
        device = start.device
        self.offsets, self._sound, self._seen = (
            start if t is None else t.to(device) for t in (state.offsets, state.sound, state.seen)
        )
        self._generator = torch.Generator().manual_seed(seed)
        if state.generator is not None:
            self._generator.set_state(state.generator)
        self._queue = list(state.queue)
        self._edges = moving.edges
        self._cosines = side_cosines(moving.positions, moving.topology)
        self._lengths = edge_lengths(moving.positions, moving.topology.edges)
        arrays = (t.cpu().numpy() for t in (moving.positions, moving.topology.faces, moving.topology.sides))
        self._finder = FaultFinder(*arrays)
        self.retreats = state.retreats
        """How often offsets were taken back, because too many faces went wrong."""

    def __iter__(self) -> Iterator[Progress]:
        started, before = time.perf_counter(), self._state.done
        stages = self._options.stages
        total = sum(s.iterations for s in stages)
        for number in range(self._state.stage, len(stages)):
            stage, first = stages[number], self._state.iteration
            self._views.enter(stage.size)
            criterion = self._criterion_of(stage)
            steps = SmoothSteps(self._smoother(), self.offsets, self.moving.normals, self._options.sideways)
            if self._state.steps:
                steps.restore(self._state.steps)
                self._views.look(self.moving.at(self._seen))
            for iteration in range(first, stage.iterations):
                if iteration % _RECAST == 0:
                    self._seen = self.offsets
                    self._views.look(self.moving.at(self._seen))
                loss, parts = self._step(criterion, steps, stage.rate(iteration) * self.bound)
                self._settle(steps, iteration % _CHECK == _CHECK - 1 or iteration == stage.iterations - 1)
                done = self._state.done + 1
                self._state = self._snapshot(number, iteration + 1, done, steps.state())
                seconds = time.perf_counter() - started
                yield Progress(number, done, total, loss, parts, seconds, done - before)
            self._state = self._snapshot(number + 1, 0, self._state.done, {})

    def state(self) -> ShapeState:
        """What to go on from: the end of the last step."""
        return self._state

    @property
    def finished(self) -> bool:
        """Whether no step is left."""
        return self._state.stage >= len(self._options.stages)

    def _snapshot(self, stage: int, iteration: int, done: int, steps: dict[str, Any]) -> ShapeState:
        # Tensors are never changed in place, so that these stay as they are.
        offsets, sound, seen = (t.detach().cpu() for t in (self.offsets, self._sound, self._seen))
        generator = self._generator.get_state()
        return ShapeState(
            stage, iteration, done, tuple(self._queue), generator, offsets, sound, seen, self.retreats, steps
        )

    def _smoother(self) -> Smoother:
        """Of bumps as wide as `reach` pixels; neighbours at least."""
        edge = float(self._lengths.mean())
        wide = self._options.reach * self._views.pixel / max(edge, 1e-12)
        start = self.moving.normals
        return Smoother(self._edges, len(start), max(wide, 1.0) ** 2, start.dtype)

    def _next_view(self) -> int:
        if not self._queue:
            self._queue = torch.randperm(self._views.num_views, generator=self._generator).tolist()
        return self._queue.pop()

    def _step(self, criterion: Criterion, steps: SmoothSteps, rate: float) -> tuple[float, dict[str, float]]:
        moving, view = self.moving, self._next_view()
        offsets = self.offsets.detach().requires_grad_()
        positions = moving.at(offsets)
        image, coverage = self._views.render(positions, view)
        loss, parts = criterion(image, coverage, view)
        terms = self._regularisers(positions, offsets)
        total = loss + torch.stack(list(terms.values())).sum()
        total.backward()
        assert offsets.grad is not None
        self.offsets = steps.step(offsets.grad, rate)
        return float(total.detach()), parts | {k: float(v.detach()) for k, v in terms.items()}

    def _regularisers(self, positions: torch.Tensor, offsets: torch.Tensor) -> dict[str, torch.Tensor]:
        options, topology = self._options, self.moving.topology
        # Offsets in units of the bound: weights mean the same for any.
        smooth = laplacian_term(offsets / self.bound, self._edges)
        return {
            "laplacian": options.laplacian * smooth,
            "normals": options.normals * normal_term(positions, topology, self._cosines),
            "edges": options.edges * edge_term(positions, topology.edges, self._lengths),
        }

    @torch.no_grad()
    def _settle(self, steps: SmoothSteps, check: bool) -> None:
        """Keep offsets within the bound; on a check take them back where too many faces went wrong."""
        wanted = self.offsets
        kept = bounded(wanted, self.bound)
        if check and self._faults(kept).count > self.allowed:
            self.retreats += 1
            kept = self._retreated(kept)
        if check:
            self._sound = kept
        if not torch.equal(kept, wanted):
            steps.take(kept)
        self.offsets = kept

    @property
    def allowed(self) -> int:
        """Faces that may go wrong."""
        return int(self._options.faults * len(self.moving.topology.faces))

    def _faults(self, offsets: torch.Tensor) -> Faults:
        return self._finder.find(self.moving.at(offsets).cpu().numpy())

    def faults(self) -> Faults:
        """What went wrong at the offsets as they stand."""
        return self._faults(self.offsets)

    def _retreated(self, offsets: torch.Tensor) -> torch.Tensor:
        """Offsets with those around faults shortened, again and again; at last those of the last check."""
        faces = self.moving.topology.faces
        for _ in range(_RETREATS):
            faults = self._faults(offsets)
            if faults.count <= self.allowed:
                return offsets
            bad = torch.from_numpy(faults.flipped | faults.crossing).to(faces.device)
            share = offsets.new_ones(len(offsets), 1)
            share[self.moving.row[faces[bad]].reshape(-1)] = _RETREAT
            # And half as much for the vertices next to them.
            a, b = self._edges[:, 0], self._edges[:, 1]
            near = share.clone()
            near[a[share[b, 0] < 1]] = near[a[share[b, 0] < 1]].clamp_max((1 + _RETREAT) / 2)
            near[b[share[a, 0] < 1]] = near[b[share[a, 0] < 1]].clamp_max((1 + _RETREAT) / 2)
            offsets = offsets * near
        return self._sound


def as_array(offsets: torch.Tensor) -> Array:
    """Offsets as float64."""
    return offsets.detach().cpu().double().numpy()
