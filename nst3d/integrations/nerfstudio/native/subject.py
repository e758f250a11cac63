"""A nerfacto as the subject of a paint job: its colour part is trained, its density is unchanged.

Imports nerfstudio: import this module locally, after `need_nerfstudio`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from nst3d.cameras.bounds import scene_frame
from nst3d.cameras.crowd import spread_out, visiting_order
from nst3d.cameras.paths import fitting_size, tour
from nst3d.cameras.pinhole import Camera
from nst3d.errors import ConfigError
from nst3d.formats.captures.photos import load_photo
from nst3d.formats.nerfstudio.run import save_run
from nst3d.images.io import write_image
from nst3d.images.palette import PaletteMap, match_palette
from nst3d.integrations.nerfstudio.model.colour_net import ColourNet, Looking
from nst3d.integrations.nerfstudio.model.nerfacto import Nerfacto
from nst3d.integrations.nerfstudio.native.views import NerfDepths, NerfViews, draw
from nst3d.pipeline.kinds.radiance.overlap import DepthViews
from nst3d.pipeline.kinds.radiance.scene import SMALLEST
from nst3d.pipeline.settings.config import PaintConfig
from nst3d.renderers.radiance import Frame
from nst3d.representations.capture import Capture
from nst3d.stylize.canvas import Canvas
from nst3d.stylize.coat import Coat, painted
from nst3d.stylize.colouring import Colouring
from nst3d.stylize.field_canvas import FieldCanvas
from nst3d.stylize.kept import Kept
from nst3d.stylize.recolour import seen_colours
from nst3d.stylize.schedule import Stage
from nst3d.stylize.stage_scene import StageScene
from nst3d.tensors import Array, Image, Planes, to_image, to_planes
from nst3d.video.encode import write_mp4

_GLANCE = 48
"""Long side of the views used for the scene's palette, pixels."""
_FIT = (80, 0.05, 0.01)
"""Number of steps, and initial and final step size, for fitting the images that painting starts from."""
_PLACES, _COLUMNS = 8, 4
_FLIGHT = 0.5
"""Size of a flight's frames relative to the sheet's pictures; they render no faster than in nerfstudio."""


class NativeSubject:
    """A NeRF, the photographs of a capture in its run's frame, and the coat whose palette it takes."""

    def __init__(
        self,
        nerf: Nerfacto,
        capture: Capture,
        coats: Sequence[Coat],
        config: PaintConfig,
        data: Path | None = None,
    ) -> None:
        """`data` is the current location of the run's dataset, if it differs from the run's.

        ConfigError for regions, which its network does not have.
        """
        if len(coats) > 1 or coats[0].region is not None or coats[0].strength < 1:
            raise ConfigError(
                f"`nerf={config.nerf!r}` paints all of a NeRF alike: leave out regions and strength, or give"
                " `nerf='baked'`"
            )
        if config.recipe.colour != "style":
            raise ConfigError(f"`colour` is {config.recipe.colour}, which needs `nerf='baked'`")
        self._coat = painted(coats)[0]
        photos = capture.of("train")
        self._photos = [photos[i] for i in spread_out([p.camera for p in photos], config.capture_views)]
        self._nerf, self._data, self._behind = nerf, data, capture.background
        self._config = config = suited(config, [p.camera for p in self._photos])
        self._background = self._coat.background
        self._budget = config.cache_gb * 1e9
        glances = self._views_of(
            ColourNet(nerf, Looking(torch.zeros(16), 1.0), wide=False), _GLANCE, self._budget
        )
        glances.enter(1.0)
        looking = Looking(_mean_direction(glances), config.keep_specular)
        self._palette = self._palette_of(glances, self._coat)
        net = ColourNet(nerf, looking, config.nerf == "native", config.schedule.seed)
        self._views = self._views_of(net, config.schedule.finest, self._budget / 2)
        self._pictures: Kept[int, tuple[Array, ...]] = Kept(self._budget / 8)

    @property
    def config(self) -> PaintConfig:
        """The settings for the scene: its cameras' sizes, and an initial stage that fits the start."""
        first = self._config.schedule.stages[0]
        steps, rate, final = _FIT
        fit = Stage(first.size, steps, rate, final, fit=True)
        schedule = replace(self._config.schedule, stages=(fit, *self._config.schedule.stages))
        return replace(self._config, schedule=schedule)

    @property
    def net(self) -> ColourNet:
        """The colours in their current state."""
        return self._views.net

    @property
    def num_views(self) -> int:
        """Number of cameras of the photographs."""
        return self._views.num_views

    def canvas(self) -> Canvas:
        """The NeRF's colours, rendered in chunks."""
        return FieldCanvas(self._views, self._enter)

    @property
    def colouring(self) -> Colouring:
        """None: there is no table whose colours it could keep."""
        return Colouring()

    def counted(self, canvas: Canvas) -> None:
        """None: a network is no table."""

    def _enter(self, scale: float) -> StageScene:
        """Switch the views to a scale; the content is photographs or the NeRF's own renders, in the style's palette."""
        self._views.enter(scale)
        depths = DepthViews(NerfDepths(self._nerf), self._views.cameras, self._budget / 8)
        return StageScene(
            self.num_views,
            self._content,
            self._views.cameras,
            depths.neighbours,
            depths.correspond,
            depths.footprint,
            depths.depth,
        )

    def _content(self, view: int) -> Planes:
        return to_planes(Image(self._moved(self._picture(self._views, view)).clamp(0, 1)))

    def painted(self, canvas: Canvas) -> ColourNet:
        """The net, which is what was painted, moved to the style's palette as far as the recipe asks."""
        strength = self._config.recipe.palette_after
        if strength > 0:
            canvas.enter(1.0)
            seen, weights = seen_colours(canvas)
            self._learn(canvas, match_palette(seen.cpu(), self._coat.palette, weights.cpu()), strength)
        return self._views.net

    def _learn(self, canvas: Canvas, palette: PaletteMap, strength: float) -> None:
        """Fit the net to its own views changed by a palette map."""
        background = self._background.to(canvas.parameters()[0])
        targets = []
        for view in range(canvas.num_views):
            with torch.no_grad():
                image = to_image(Planes(canvas.render(view, background).cpu()))
            opacity = canvas.coverage(view).cpu()[..., None]
            own = (image - (1 - opacity) * self._background) / opacity.clamp_min(1e-6)
            moved = image + strength * opacity * (palette.apply(own).clamp(0, 1) - own)
            targets.append(Planes(to_planes(Image(moved)).to(background)))
        canvas.learn(targets, background)

    def preview(self, canvas: Canvas, camera: Camera | None = None) -> Frame:
        """The NeRF in its current colours, seen by a camera in the run's frame; None: by its first."""
        return draw(self._nerf, self._views.net, camera or self._views.cameras[0])

    def save(self, folder: Path, painted: ColourNet) -> list[Path]:
        """Write the run with the painted colours, in nerfstudio's folder structure."""
        moved = {} if self._data is None else {"pipeline.datamanager.data": self._data.resolve()}
        return save_run(folder, self._nerf.run, painted.state(), painted.edits() | moved)

    def show(self, folder: Path, painted: ColourNet) -> list[Path]:
        """Write sheet.png, before and after from eight of the cameras, and flight.mp4, after along them."""
        output = self._config.output
        places = self._places()
        rows = []
        for first in range(0, len(places), _COLUMNS):
            some = places[first : first + _COLUMNS]
            rows.append(np.concatenate([self._over(self._nerf.draw(c)) for c in some], axis=1))
            rows.append(np.concatenate([self._over(draw(self._nerf, painted, c)) for c in some], axis=1))
        paths = [folder / "sheet.png"]
        write_image(paths[0], np.concatenate(rows, axis=0))
        if output.turntable:
            paths.append(folder / "flight.mp4")
            write_mp4(paths[1], self._flight(painted), output.fps)
        return paths

    def facts(self, canvas: Canvas) -> dict[str, Any]:
        """Numbers of parameters and views."""
        cameras = self._views.scaled(1.0)
        return {
            "kind": f"nerf, {self._config.nerf}",
            "parameters": sum(p.numel() for p in self._views.parameters()),
            "views": self.num_views,
            "view_size": [max(c.size[k] for c in cameras) for k in (0, 1)],
            "content": "photos" if self._config.photos else "renders",
        }

    def _views_of(self, net: ColourNet, finest: int, budget: float) -> NerfViews:
        return NerfViews(self._nerf, net, [p.camera for p in self._photos], finest, budget)

    def _palette_of(self, glances: NerfViews, coat: Coat) -> PaletteMap:
        shown = [self._picture(glances, view).reshape(-1, 3) for view in range(glances.num_views)]
        weights = [glances.coverage(view).cpu().reshape(-1) for view in range(glances.num_views)]
        return match_palette(torch.cat(shown), coat.palette, torch.cat(weights))

    def _picture(self, views: NerfViews, view: int) -> Image:
        """The content image of a view, (h, w, 3), at the views' scale."""
        size = views.size(view)
        if self._config.photos:
            return Image(torch.from_numpy(load_photo(self._photos[view], size, self._behind)))
        clear = (1 - views.coverage(view).cpu())[..., None]
        return Image(views.own(view).cpu() + clear * self._background)

    def _moved(self, colours: Image) -> Image:
        return Image(torch.lerp(colours, self._palette.apply(colours), self._config.recipe.palette_before))

    def _places(self) -> list[Camera]:
        """Cameras for whole rows of the sheet along a short path, in one size no finer than painted."""
        cameras = [p.camera for p in self._photos]
        size = fitting_size(cameras, min(self._config.output.size, self._config.schedule.finest))
        order = visiting_order(cameras)
        count = min(_PLACES, len(order) // _COLUMNS * _COLUMNS or len(order))
        return [cameras[order[k * len(order) // count]].resized(size) for k in range(count)]

    def _flight(self, painted: ColourNet) -> Iterator[Array]:
        output, cameras = self._config.output, [p.camera for p in self._photos]
        long_side = min(round(output.size * _FLIGHT), self._config.schedule.finest)
        for camera in tour(cameras, output.frames, fitting_size(cameras, long_side)):
            yield self._over(draw(self._nerf, painted, camera))

    def _over(self, frame: Any) -> Array:
        return np.asarray(frame.over(np.asarray(self._nerf.background, np.float32)))


def suited(config: PaintConfig, cameras: Sequence[Camera]) -> PaintConfig:
    """The settings adapted to the cameras: sizes and content weight."""
    recipe, schedule = config.recipe, config.schedule
    if scene_frame(cameras).kind == "forward":
        recipe = recipe.facing_forward()
    long_side = max(max(c.size) for c in cameras)
    least = max(long_side / min(c.size) for c in cameras) * SMALLEST * recipe.reduce
    return replace(config, recipe=recipe, schedule=schedule.at_most(long_side, math.ceil(least) + 1))


def _mean_direction(views: NerfViews) -> torch.Tensor:
    """nerfstudio's direction encoding (16,), averaged over the rays of all views."""
    means = [views.net.encoded(views.samples(v).directions).mean(0) for v in range(views.num_views)]
    return torch.stack(means).mean(0)
