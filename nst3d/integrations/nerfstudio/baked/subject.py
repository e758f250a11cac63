"""A baked NeRF as the subject of a paint job.

Imports nerfstudio: import this module locally, after `need_nerfstudio`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from nst3d.cameras.crowd import spread_out, visiting_order
from nst3d.cameras.pinhole import Camera
from nst3d.images.io import write_image
from nst3d.integrations.nerfstudio.baked.bake import Baked, BakeOptions, Count, bake_nerf
from nst3d.integrations.nerfstudio.baked.distil import PaintedRun
from nst3d.integrations.nerfstudio.baked.node_grid import NodeGrid
from nst3d.integrations.nerfstudio.model.colour_net import colour_layout
from nst3d.integrations.nerfstudio.model.nerfacto import Nerfacto
from nst3d.pipeline.kinds.radiance.gallery import ShownTable
from nst3d.pipeline.kinds.radiance.scene import RadianceScene, RowGrid
from nst3d.pipeline.kinds.radiance.shown import flight_frames
from nst3d.pipeline.kinds.radiance.subject import RadianceSubject
from nst3d.pipeline.kinds.table_subject import glance_of
from nst3d.pipeline.settings.config import PaintConfig
from nst3d.renderers.radiance import Frame
from nst3d.representations.capture import Capture
from nst3d.stylize.canvas import Canvas
from nst3d.stylize.coat import Coat
from nst3d.stylize.layout import Layout
from nst3d.tensors import Array
from nst3d.video.encode import write_mp4

_SHOWN, _COLUMNS = 8, 4
"""Maximum number of views in the sheet, and in one row of it."""
_FRAMES_A_VIEW = 3
"""Number of video frames per view."""


class BakedSubject(RadianceSubject):
    """A NeRF with its colours baked into a grid.

    Its pictures show the views it is painted from, whose samples exist; other views would have to be sampled,
    which takes long.
    """

    def __init__(
        self, baked: Baked, scene: RadianceScene, coats: Sequence[Coat], config: PaintConfig
    ) -> None:
        super().__init__(scene, coats, config)
        self._baked = baked

    def show(self, folder: Path, painted: Array) -> list[Path]:
        """Write sheet.png, before and after from eight views, and flight.mp4, after from all views."""
        output = self._config.output
        cameras = self._shown(output.size)
        before, after_look = (self.initial.numpy(), 1.0), (painted, self.specular)
        count = min(_SHOWN, len(cameras) // _COLUMNS * _COLUMNS or len(cameras))
        some = [cameras[i] for i in np.linspace(0, len(cameras) - 1, count).round().astype(int)]
        rows = [
            np.concatenate(list(self._frames(some[first : first + _COLUMNS], look)), axis=1)
            for first in range(0, count, _COLUMNS)
            for look in (before, after_look)
        ]
        paths = [folder / "sheet.png"]
        write_image(paths[0], np.concatenate(rows, axis=0))
        if output.turntable:
            paths.append(folder / "flight.mp4")
            frames = (f for f in self._frames(cameras, after_look) for _ in range(_FRAMES_A_VIEW))
            write_mp4(paths[1], frames, output.fps)
        return paths

    def _shown(self, long_side: int) -> list[Camera]:
        """The cameras of the most frequent size, ordered along a short path, no larger than sampled."""
        cameras = self.scene.cameras
        size = Counter(c.size for c in cameras).most_common(1)[0][0]
        sampled = max(max(view.camera.size) for view in self._baked.renderer.views)
        factor = min(long_side, sampled) / self.scene.long_side
        alike = [c.scaled(factor) for c in cameras if c.size == size]
        return [alike[i] for i in visiting_order(alike)]

    def drawn(self, colours: Array, layout: Layout, camera: Camera | None) -> Frame:
        """The NeRF, seen by a camera in the run's frame; None: by its first, at the size that it was sampled in."""
        camera = camera or glance_of(self._baked.renderer.views[0].camera)
        return super().drawn(colours, layout, camera)

    def facts(self, canvas: Canvas) -> dict[str, Any]:
        """Also the grid, and its similarity to the NeRF."""
        own = {"grid": self._baked.renderer.grid.resolution, "baked_psnr": round(self._baked.psnr, 2)}
        if isinstance(self.scene.save, PaintedRun):
            own["written_psnr"] = round(self.scene.save.psnr, 2)
        return super().facts(canvas) | own

    def _frames(self, cameras: Sequence[Camera], look: ShownTable) -> Iterator[Array]:
        behind = self.scene.background or (0.0, 0.0, 0.0)
        return flight_frames(self.scene.renderer, cameras, look[0], behind, look[1])


def baked_scene(
    nerf: Nerfacto, capture: Capture, config: PaintConfig, count: Count, data: Path | None = None
) -> tuple[Baked, RadianceScene]:
    """A NeRF baked for the cameras of a capture in its run's frame, at the finest size painted.

    `data` is the current location of the run's dataset, if it differs from the run's. Raises InputError if paint
    cannot be written into the NeRF.
    """
    colour_layout(nerf)  # before all the work
    photos = capture.of("train")
    photos = [photos[i] for i in spread_out([p.camera for p in photos], config.capture_views)]
    cameras = tuple(photo.camera for photo in photos)
    long_side = max(max(c.size) for c in cameras)
    # As in scaled_cameras, so that the samples are those of the finest stage.
    factor = min(config.schedule.finest, long_side) / long_side
    options = BakeOptions(cache_bytes=config.cache_gb * 1e9)
    baked = bake_nerf(nerf, [c.scaled(factor) for c in cameras], options, count)
    grid = baked.renderer.grid
    scene = RadianceScene(
        kind="nerf",
        renderer=baked.renderer,
        colours=baked.colours,
        cameras=cameras,
        save=PaintedRun(baked, count, data=data),
        up=np.asarray(capture.up, float),
        background=nerf.background,
        photos=tuple(photos) if config.photos else (),
        lattice=RowGrid(grid.nodes, lambda points: _in_nodes(nerf, grid, points)),
        notes=(f"the grid of {grid.resolution}³ cells reproduces the NeRF at {baked.psnr:.1f} dB",),
    )
    return baked, scene


def _in_nodes(nerf: Nerfacto, grid: NodeGrid, points: Array) -> Array:
    places = nerf.places(torch.from_numpy(np.asarray(points, np.float32)).to(nerf.device))
    return places.cpu().numpy() * grid.resolution
