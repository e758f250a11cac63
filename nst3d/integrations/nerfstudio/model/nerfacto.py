"""A trained nerfacto in evaluation mode: nerfstudio's own modules, without its dataset and its metrics.

Imports nerfstudio: import this module locally, after `need_nerfstudio`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from nerfstudio.cameras.rays import RayBundle, RaySamples
from nerfstudio.data.scene_box import SceneBox
from nerfstudio.model_components.ray_samplers import ProposalNetworkSampler, UniformSampler
from torch import Tensor

from nst3d.cameras.pinhole import Camera
from nst3d.formats.nerfstudio.run import NerfstudioRun
from nst3d.integrations.nerfstudio.model.parts import build_parts
from nst3d.renderers.radiance import NOTHING, Frame
from nst3d.tensors import Array, ImageSize

CUTOFF = 1e-3
"""Default weight below which samples are dropped."""
_RAYS = 2048
"""Number of rays sampled at a time, each with 256 initial proposals."""
_PLACES = 65536
"""Number of places coloured at a time."""
_BACKGROUNDS = {"black": (0.0, 0.0, 0.0), "random": (0.0, 0.0, 0.0), "white": (1.0, 1.0, 1.0)}
"""Background in evaluation; "last_sample" is not a colour."""


@dataclass(frozen=True)
class NerfSamples:
    """Samples of a view's rays in the field, ordered by pixel."""

    size: ImageSize
    starts: Array
    """(h·w + 1,) int64: pixel p has samples starts[p] … starts[p + 1]."""
    places: Tensor
    """(m, 3) float32 in [0, 1]: inputs of the field, front to back."""
    weights: Tensor
    """(m,) float32: fractions of the pixel's light, which sum to its opacity."""
    directions: Tensor
    """(h·w, 3) float32: unit direction of each pixel's ray."""
    depth: Array
    """(h, w) float32: depth along the viewing axis of the sample where less than half the light is left."""

    @property
    def pixels(self) -> Tensor:
        """(m,) int64: pixel of each sample."""
        counts = torch.from_numpy(np.diff(self.starts)).to(self.places.device)
        return torch.repeat_interleave(torch.arange(len(counts), device=counts.device), counts)

    @property
    def nbytes(self) -> int:
        """Memory of the arrays, in bytes."""
        tensors = (self.places, self.weights, self.directions)
        return self.starts.nbytes + self.depth.nbytes + sum(t.nbytes for t in tensors)


class Nerfacto:
    """The geometry and colours of a run. Cameras are in the run's frame, with OpenCV axes."""

    def __init__(self, run: NerfstudioRun, device: torch.device | None = None) -> None:
        """Build it on a device (None: the CPU). Raises InputError if config and checkpoint do not match."""
        self.run = run
        self.device = device or torch.device("cpu")
        self.options, self._parts = build_parts(run.folder, run.config, run.state, self.device)
        self._sampler = self._sampler_of()

    @property
    def field(self) -> Any:
        """nerfstudio's NerfactoField, frozen."""
        return self._parts.field

    @property
    def background(self) -> tuple[float, float, float]:
        """nerfstudio's background, shown where a view's weights do not sum to 1, RGB."""
        return _BACKGROUNDS.get(self.options.background_color, _BACKGROUNDS["black"])

    def base(self, places: Tensor) -> Tensor:
        """The field's base outputs at places (m, 3) in [0, 1]: (m, 16), the log density and 15 features."""
        return _full(self.field.mlp_base, places, 1 + self.field.geo_feat_dim)

    def encoded(self, directions: Tensor) -> Tensor:
        """nerfstudio's encoding (m, 16) of unit directions (m, 3)."""
        return _full(self.field.direction_encoding, (directions + 1) / 2, 16)

    def samples(self, camera: Camera, cutoff: float = CUTOFF) -> NerfSamples:
        """The samples of a view's rays, as drawn by nerfstudio in evaluation.

        Samples with a weight below `cutoff` are dropped, except the pixel's largest, and the others scaled up
        to preserve the opacity. With the background "last_sample", remaining light belongs to the last
        sample, and the opacity is 1.
        """
        origin, rays = camera.rays()
        lengths = np.linalg.norm(rays, axis=-1)
        directions = (
            torch.from_numpy((rays / lengths[..., None]).astype(np.float32)).reshape(-1, 3).to(self.device)
        )
        counts, places, weights, depths = zip(
            *(_kept(*part, cutoff) for part in self._parts_of(origin, directions))
        )
        starts = np.concatenate([[0], np.cumsum(torch.cat(counts).cpu().numpy(), dtype=np.int64)])
        depth = torch.cat(depths).cpu().numpy().reshape(camera.size) / lengths
        return NerfSamples(
            camera.size, starts, torch.cat(places), torch.cat(weights), directions, depth.astype(np.float32)
        )

    def colours(self, places: Tensor, directions: Tensor) -> Tensor:
        """The colours (m, 3) in [0, 1] at places (m, 3), seen along unit directions (m, 3).

        Uses the appearance of nerfstudio's evaluation. Gradients flow to inputs that require them.
        """
        parts = [
            self._coloured(places[k : k + _PLACES], directions[k : k + _PLACES])
            for k in range(0, max(len(places), 1), _PLACES)
        ]
        return torch.cat(parts)

    @torch.no_grad()
    def draw(self, camera: Camera) -> Frame:
        """The view as rendered by nerfstudio; with "last_sample" the opacity is 1."""
        seen = self.samples(camera, cutoff=0.0)
        pixels = seen.pixels
        colours = self.colours(seen.places, seen.directions[pixels])
        blank = colours.new_zeros(len(seen.starts) - 1, 4)
        values = torch.cat([colours, torch.ones_like(seen.weights)[:, None]], dim=1) * seen.weights[:, None]
        flat = blank.index_add(0, pixels, values).cpu().numpy().reshape(*camera.size, 4)
        depth = np.where(flat[..., 3] > NOTHING, seen.depth, np.inf).astype(np.float32)
        return Frame(flat[..., :3].copy(), flat[..., 3].copy(), depth)

    def world(self, places: Tensor) -> Tensor:
        """The positions of places (m, 3) of the field in the run's frame, with the contraction inverted."""
        field = self._parts.field
        if field.spatial_distortion is None:
            low, high = field.aabb.to(places)
            return low + places * (high - low)
        contracted = places * 4 - 2
        reach = contracted.abs().amax(dim=-1, keepdim=True)
        # At the end of the space, which is infinitely far away, use the farthest depth that is sampled.
        beyond = (2 - reach).clamp_min(1 / self.options.far_plane)
        return torch.where(reach <= 1, contracted, contracted / (reach * beyond).clamp_min(1e-12))

    def places(self, points: Tensor) -> Tensor:
        """The field's inputs for points (…, 3) in the run's frame; outside [0, 1] if outside the field."""
        field = self._parts.field
        if field.spatial_distortion is None:
            return SceneBox.get_normalized_positions(points, field.aabb)
        return (field.spatial_distortion(points) + 2) / 4

    def _coloured(self, places: Tensor, directions: Tensor) -> Tensor:
        field = self._parts.field
        inputs = [self.encoded(directions), self.base(places)[:, 1:]]
        if field.embedding_appearance is not None:
            mean = field.embedding_appearance.mean(dim=0)
            shown = mean if self.options.use_average_appearance_embedding else torch.zeros_like(mean)
            inputs.append(shown.expand(len(places), -1))
        return _full(field.mlp_head, torch.cat(inputs, dim=1), 3)

    @torch.no_grad()
    def _parts_of(self, origin: Array, directions: Tensor) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
        """Batches of rays: places (r, s, 3), weights (r, s) with the background's, and distances (r, s)."""
        start = torch.from_numpy(origin.astype(np.float32)).to(self.device)
        nets = [net.density_fn for net in self._parts.proposal_networks]
        if self.options.use_same_proposal_network:
            nets *= self.options.num_proposal_iterations
        for first in range(0, len(directions), _RAYS):
            part = directions[first : first + _RAYS]
            samples = self._sampler(self._bundle(start, part), density_fns=nets)[0]
            places, inside = self._contracted(samples)
            raw = self.base(places.view(-1, 3))[:, :1].view(*places.shape[:-1], 1)
            density = self.options.average_init_density * torch.exp(raw) * inside
            weights = samples.get_weights(density)[..., 0]
            if self.options.background_color == "last_sample":
                weights[:, -1] += 1 - weights.sum(1)
            yield places, weights, ((samples.frustums.starts + samples.frustums.ends) / 2)[..., 0]

    def _bundle(self, origin: Tensor, directions: Tensor) -> RayBundle:
        one = directions[:, :1]
        # nerfstudio uses the near plane only in training; evaluation starts at the camera.
        return RayBundle(
            origins=origin.expand_as(directions),
            directions=directions,
            pixel_area=torch.ones_like(one),
            camera_indices=torch.zeros_like(one, dtype=torch.long),
            nears=torch.zeros_like(one),
            fars=torch.full_like(one, self.options.far_plane),
        )

    def _contracted(self, samples: RaySamples) -> tuple[Tensor, Tensor]:
        """The field's inputs for the samples (r, s, 3), and the mask of those inside it (r, s, 1)."""
        places = self.places(samples.frustums.get_positions())
        inside = ((places > 0) & (places < 1)).all(dim=-1, keepdim=True)
        return places * inside, inside

    def _sampler_of(self) -> ProposalNetworkSampler:
        options = self.options
        jitter = options.use_single_jitter
        uniform = options.proposal_initial_sampler == "uniform"
        sampler = ProposalNetworkSampler(
            num_nerf_samples_per_ray=options.num_nerf_samples_per_ray,
            num_proposal_samples_per_ray=tuple(options.num_proposal_samples_per_ray),
            num_proposal_network_iterations=options.num_proposal_iterations,
            single_jitter=jitter,
            initial_sampler=UniformSampler(single_jitter=jitter) if uniform else None,
        )
        return sampler.eval()


def _full(module: Any, inputs: Tensor, width: int) -> Tensor:
    """A module's outputs (m, width) for inputs (m, n), as float32; tiny-cuda-nn's are half precision.

    The module is not called for empty inputs.
    """
    return module(inputs).float() if len(inputs) else inputs.new_zeros(0, width)


def _kept(
    places: Tensor, weights: Tensor, distances: Tensor, cutoff: float
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Number of samples kept per ray (r,), places (m, 3) and weights (m,), and median distances (r,)."""
    median = torch.searchsorted(weights.cumsum(1), weights.new_full((len(weights), 1), 0.5))
    distance = distances.gather(1, median.clamp_max(distances.shape[1] - 1))[:, 0]
    least = weights.max(1, keepdim=True).values.clamp_max(cutoff)
    kept = (weights >= least) & (weights > 0)
    held = torch.where(kept, weights, 0)
    held = held * (weights.sum(1, keepdim=True) / held.sum(1, keepdim=True).clamp_min(1e-12))
    return kept.sum(1), places[kept], held[kept], distance
