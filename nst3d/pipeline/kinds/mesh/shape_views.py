"""Grey, lit renders of a moving mesh."""

from __future__ import annotations

import dataclasses

import numpy as np
import torch

from nst3d.cameras.pinhole import Camera
from nst3d.cameras.rigs import tight
from nst3d.pipeline.kinds.mesh.rig import Rig, plan_rig
from nst3d.pipeline.runtime.machine import resolve_device
from nst3d.pipeline.settings.config import PaintConfig
from nst3d.renderers.pierced import pierced_by
from nst3d.renderers.radiance import Frame
from nst3d.renderers.raycast import Raycaster
from nst3d.renderers.relief import PixelHits, ReliefMesh, corner_normals, relief_image
from nst3d.representations.displaced import Welded
from nst3d.representations.surface import Surface
from nst3d.stylize.shape.canvas import ShapeCanvas
from nst3d.stylize.shape.moving import Moving
from nst3d.stylize.shape.options import DisplaceOptions
from nst3d.stylize.shape.terms import Topology
from nst3d.stylize.stage_scene import StageScene
from nst3d.tensors import Array, Mask, Planes

_GREY = 0.7
BACKGROUND = 0.5
"""The background grey."""


class ShapeViews:
    """Grey renders of a moving mesh from the rig's cameras."""

    def __init__(self, surface: Surface, welded: Welded, config: PaintConfig) -> None:
        self.welded, self._config = welded, config
        self.device = resolve_device(config.device)
        self._surface = dataclasses.replace(
            surface, positions=welded.positions.astype(np.float32), faces=welded.faces.astype(np.int32)
        )
        self._start = self._caster = Raycaster(self._surface)
        self._finest = finest_size(config.displace)
        self._rig: Rig = plan_rig(self._surface, self._caster, config.rig, self._finest)
        topology = Topology.of(torch.from_numpy(welded.faces).to(self.device))
        corners = torch.from_numpy(welded.corners).to(self.device)
        self._mesh = ReliefMesh(topology.faces, corners, topology.neighbours)
        self._topology = topology
        # Leave a margin for moving vertices in the picture.
        self._hull = surface.hull(5000) * (1 + 2 * config.displace.fraction)
        self._cameras: list[Camera] = []
        self.pixel = self._rig.pixel
        self.stage(1.0)

    @property
    def num_views(self) -> int:
        """The number of the rig's cameras."""
        return len(self._rig.cameras)

    def moving(self) -> Moving:
        """The points and offsets as tensors."""

        def tensor(a: Array) -> torch.Tensor:
            return torch.from_numpy(a.astype(np.float32)).to(self.device)

        positions = tensor(self.welded.positions)
        every = ReliefMesh(self._mesh.faces, self._mesh.faces, self._mesh.neighbours)
        normals = torch.zeros_like(positions)
        found = corner_normals(positions, every)
        normals[: len(found)] = found
        row = torch.from_numpy(self.welded.row).to(self.device)
        _, first = np.unique(self.welded.row, return_index=True)
        linear = None if self.welded.linear is None else tensor(self.welded.linear)
        return Moving(
            positions, self._topology, row, linear, normals[torch.from_numpy(first).to(self.device)]
        )

    def stage(self, scale: float) -> StageScene:
        """Prepare views at a scale, with the initial mesh as content."""
        self.pixel = self._rig.pixel / scale
        self._cameras = [tight(c.scaled(scale), self._hull) for c in self._rig.cameras]
        return self.scene()

    def scene(self) -> StageScene:
        """The stage's scene; views share the shape, so they are not compared."""
        return StageScene(
            len(self._cameras), lambda view: self.start(view)[0], self._cameras, depth=self._start_depth
        )

    def _start_depth(self, view: int) -> torch.Tensor:
        """The depth (h, w) of the initial mesh at the centres of pixels, inf where they show nothing."""
        hits = self._start.view(self._cameras[view], 1)
        return torch.from_numpy(np.where(hits.face >= 0, hits.depth, np.float32(np.inf)))

    def look(self, positions: torch.Tensor) -> None:
        """Update visibility for vertices at these positions (s, 3)."""
        moved = positions.detach().cpu().numpy().astype(np.float32)
        self._caster = Raycaster(dataclasses.replace(self._surface, positions=moved))

    @torch.no_grad()
    def preview(self, canvas: ShapeCanvas, camera: Camera | None = None) -> Frame:
        """The current grey, lit mesh from a camera in normalised units; None: the rig's first."""
        camera = camera or self._cameras[0]
        positions = canvas.moving.at(canvas.offsets)
        moved = positions.cpu().numpy().astype(np.float32)
        caster = Raycaster(dataclasses.replace(self._surface, positions=moved))
        sight = PixelHits.of(camera, caster.view(camera, 1), positions.dtype, positions.device)
        image, coverage = relief_image(positions, self._mesh, sight, "studio", _GREY, 0.0)
        grey = image[..., 0].expand(3, -1, -1).permute(1, 2, 0).cpu().numpy()
        opacity = coverage.cpu().numpy().astype(np.float32)
        return Frame(grey.astype(np.float32), opacity, np.full(opacity.shape, np.inf, np.float32))

    def piercing(self, positions: torch.Tensor) -> int:
        """The number of edges that pierce the surface at these positions (s, 3) but did not at the start."""
        faces, edges = self.welded.faces, self._topology.edges.cpu().numpy()
        before = pierced_by(self.welded.positions, faces, edges, self._start)
        self.look(positions)
        moved = positions.detach().cpu().double().numpy()
        return int((pierced_by(moved, faces, edges, self._caster) & ~before).sum())

    def render(self, positions: torch.Tensor, view: int) -> tuple[Planes, Mask]:
        """The grey picture (3, h, w), differentiable, and its coverage (h, w)."""
        return self._draw(positions, view, self._caster)

    def start(self, view: int) -> tuple[Planes, Mask]:
        """The same for the initial mesh."""
        return self._draw(torch.from_numpy(self._surface.positions).to(self.device), view, self._start)

    def _draw(self, positions: torch.Tensor, view: int, caster: Raycaster) -> tuple[Planes, Mask]:
        camera = self._cameras[view]
        sight = PixelHits.of(camera, caster.view(camera, 1), positions.dtype, positions.device)
        image, coverage = relief_image(positions, self._mesh, sight, "studio", _GREY, BACKGROUND)
        return Planes(image[..., 0].expand(3, -1, -1)), coverage


def finest_size(options: DisplaceOptions) -> int:
    """Side of the largest views, in pixels."""
    return max(s.size for s in options.stages)
