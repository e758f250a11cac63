"""Distils a painted grid into its NeRF: the colour part of the model is trained on the grid's renders.

Imports nerfstudio: import this module locally, after `need_nerfstudio`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from nst3d.formats.nerfstudio.run import save_run
from nst3d.integrations.nerfstudio.baked.bake import Baked, Count
from nst3d.integrations.nerfstudio.model.colour_net import ColourNet, Looking
from nst3d.integrations.nerfstudio.model.frozen import FrozenView
from nst3d.tensors import Array, Image, Share

_MOST_RAYS = 1024


@dataclass(frozen=True)
class DistilOptions:
    """Options for distilling."""

    steps: int = 400
    rays: int = 256
    """Minimum number of rays per step, all of one view; increased up to `_MOST_RAYS` if all steps would see
    less than half of all rays."""
    rate: float = 0.2
    """Initial step size, in units of the parameters; the final one is a hundredth of it."""
    seed: int = 0


class PaintedRun:
    """Saves a baked NeRF with painted colours as a run that nerfstudio opens."""

    def __init__(
        self, baked: Baked, count: Count, options: DistilOptions | None = None, data: Path | None = None
    ) -> None:
        """`data` is the current location of the run's dataset, if it differs from the run's."""
        self._baked, self._count, self._options = baked, count, options or DistilOptions()
        self._moved = {} if data is None else {"pipeline.datamanager.data": data.resolve()}
        self.psnr = math.nan
        """PSNR of the written model to the painted grid over the last tenth of the steps, dB."""

    def __call__(self, folder: Path, colours: Array, keep: Share) -> list[Path]:
        """Write the table (n, 3) with a share `keep` of the NeRF's view-dependence; returns the paths.

        With a share per node, the network keeps the most of them everywhere, and is fitted to views with the rest.
        """
        renderer = self._baked.renderer
        net = ColourNet(renderer.nerf, Looking(self._mean_direction(), float(np.max(keep))))
        targets = [renderer.shown(view, colours, keep) for view in renderer.views]
        self.psnr = distil(net, renderer.views, targets, self._count, self._options)
        return save_run(folder, renderer.nerf.run, net.state(), net.edits() | self._moved)

    def _mean_direction(self) -> Tensor:
        """nerfstudio's direction encoding (16,), averaged over the rays of all views."""
        nerf = self._baked.renderer.nerf
        means = []
        for view in self._baked.renderer.views:
            rays = torch.from_numpy(view.camera.rays()[1].reshape(-1, 3).astype(np.float32)).to(nerf.device)
            unit = torch.nn.functional.normalize(rays, dim=1)
            means.append(nerf.encoded(unit).mean(0))
        return torch.stack(means).mean(0)


def distil(
    net: ColourNet,
    views: Sequence[FrozenView],
    targets: Sequence[Image],
    count: Count,
    options: DistilOptions,
) -> float:
    """Fit a model's colours to target images of views, (h, w, 3) premultiplied; returns the final PSNR, dB.

    Adam (Kingma & Ba 2015) on the squared error of random rays with frozen samples and weights.
    """
    parameters = net.parameters()
    device = parameters[0].device
    # A single pass over the table, which is most of a step.
    fused = device.type in ("cpu", "cuda")
    optimiser = torch.optim.Adam(parameters, lr=options.rate, eps=1e-15, fused=fused)
    fall = torch.optim.lr_scheduler.ExponentialLR(optimiser, 0.01 ** (1 / options.steps))
    generator = np.random.default_rng(options.seed)
    whole = sum(len(view.starts) - 1 for view in views)
    rays = max(options.rays, min(whole // (2 * options.steps), _MOST_RAYS))
    errors = []
    for step in range(options.steps):
        number = int(generator.integers(len(views)))
        batch = _batch(views[number], targets[number], generator, rays, device)
        optimiser.zero_grad()
        geometry = net.geometry(batch.places)
        encoded = net.encoded(batch.directions) if net.directional else None
        seen = net.colours(batch.places, geometry, encoded) * batch.weights[:, None]
        shown = torch.zeros_like(batch.target).index_add(0, batch.rows, seen)
        error = ((shown - batch.target) ** 2).mean()
        error.backward()
        optimiser.step()
        fall.step()
        errors.append(float(error.detach()))
        count("writing the paint into the NeRF", step + 1, options.steps)
    last = errors[-max(1, options.steps // 10) :]
    return -10 * math.log10(max(sum(last) / len(last), 1e-12))


@dataclass(frozen=True)
class _Batch:
    """A batch of rays of a view."""

    rows: Tensor
    """(m,) int64: ray of each sample."""
    places: Tensor
    """(m, 3)."""
    weights: Tensor
    """(m,)."""
    directions: Tensor
    """(m, 3), unit."""
    target: Tensor
    """(rays, 3)."""


def _batch(
    view: FrozenView, target: Image, generator: np.random.Generator, rays: int, device: torch.device
) -> _Batch:
    chosen = generator.choice(len(view.starts) - 1, min(rays, len(view.starts) - 1), replace=False)
    lengths = np.diff(view.starts)[chosen]
    rows = np.repeat(np.arange(len(chosen)), lengths)
    index = np.repeat(view.starts[chosen] - (np.cumsum(lengths) - lengths), lengths) + np.arange(
        lengths.sum()
    )
    directions = view.camera.rays()[1].reshape(-1, 3)[chosen]
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    arrays = (rows, view.places_of(index), view.weights[index], directions[rows].astype(np.float32))
    first, second, third, fourth = (torch.from_numpy(a).to(device) for a in arrays)
    return _Batch(first, second, third, fourth, target.reshape(-1, 3)[torch.from_numpy(chosen)].to(device))
