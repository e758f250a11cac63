"""A picture as the subject of a paint job: its pixels are its colours (Gatys et al. 2016)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from nst3d.cameras.pinhole import Camera
from nst3d.errors import InputError
from nst3d.formats.picture import load_picture, save_picture
from nst3d.images.io import Picture, write_image
from nst3d.pipeline.kinds.picture.regions import picture_selectors
from nst3d.pipeline.kinds.regions import coated_regions
from nst3d.pipeline.kinds.selectors.seen import Note
from nst3d.pipeline.kinds.table_subject import TableSubject
from nst3d.pipeline.settings.config import PaintConfig
from nst3d.pipeline.styles import read_colouring
from nst3d.renderers.radiance import Frame
from nst3d.stylize.canvas import Canvas
from nst3d.stylize.coat import Coat, painted
from nst3d.stylize.layout import Layout, resampled
from nst3d.stylize.picture_stage import picture_stage
from nst3d.stylize.recolour import to_palette
from nst3d.stylize.stage_scene import TableStage
from nst3d.tensors import Array, Colours, ImageSize

_SMALLEST = 32


class PictureSubject(TableSubject):
    """A picture, resized so that its long side is the schedule's finest size."""

    def __init__(
        self,
        source: Path,
        coats: Sequence[Coat],
        config: PaintConfig,
        note: Note = lambda text: None,
    ) -> None:
        """`note` hears about regions."""
        size = config.schedule.finest
        picture = load_picture(source, max_pixels=4 * size * size)
        own = picture.full or ImageSize(*picture.pixels.shape[:2])
        if min(own) * size < _SMALLEST * max(own):
            enough = math.ceil(_SMALLEST * max(own) / min(own))
            raise InputError(
                f"{source}: {own.width} x {own.height} pixels are too narrow to be painted at {size}: crop the picture,"
                f" or give a `size` of {enough} or more"
            )
        self._source, self._size, self._config = source, size, config
        self._set_up(picture, coats, note)
        final = self.layout.images[0]
        # What it was reduced to on reading is not what it is painted at.
        self.notes = (*(picture.notes if picture.full is None else ()), *_resized(source, own, final))

    def _set_up(self, picture: Picture, coats: Sequence[Coat], note: Note) -> None:
        height, width = picture.pixels.shape[:2]
        scale = self._size / max(height, width)
        full = Layout.of_images([ImageSize(height, width)])
        self.layout = full.scaled(scale)
        flat = torch.from_numpy(picture.pixels.reshape(-1, 3))
        self._initial = resampled(flat, full, self.layout)
        self._alpha = None
        if picture.alpha is not None:
            alpha = torch.from_numpy(picture.alpha.reshape(-1, 1))
            self._alpha = resampled(alpha, full, self.layout).view(*self.layout.images[0]).numpy()
        self.selectors = picture_selectors(self.layout, full, self._initial, self._encoder, note)
        rows = self.layout.num_colours
        self.regions = coated_regions(coats, self.selectors, rows, self._config.recipe.regions)
        counted = self.regions.weighted(torch.ones(rows, 1))[:, 0]
        self.colouring = read_colouring(self._config.recipe, self._initial, counted)
        self._coats = [coat.styled(self.colouring.style) for coat in painted(coats)]
        self._content = self.regions.mixed(self._coats, self._moved, self._initial)
        noisy = self._config.start == "noise"
        self.start = self.regions.inside(self._noise(), self._initial) if noisy else self._content

    def _moved(self, coat: Coat) -> Colours:
        if self.colouring.keeps:
            return self.colouring.seen(self._initial)
        strength = self._config.recipe.palette_before
        return to_palette(self._initial.double(), coat.palette, strength=strength).float()

    def _noise(self) -> Colours:
        """Grey noise around the content's mean: a start without content."""
        generator = torch.Generator().manual_seed(self._config.schedule.seed)
        noise = torch.randn(self._content.shape, generator=generator) * 0.15
        return (self._content.mean(0) + noise).clamp(0, 1)

    @property
    def initial(self) -> Colours:
        """The original picture."""
        return self._initial

    @property
    def num_views(self) -> int:
        """One."""
        return 1

    def stage(self, scale: float) -> TableStage:
        """One view: the picture itself, at a scale. Its content is the picture in the style's palette."""
        return picture_stage(self._content, self.layout, scale)

    def finished(self, colours: Colours, coverage: Colours, stage: TableStage) -> Colours:
        """The table unchanged: every pixel is seen."""
        return colours

    def shown_from(self) -> Sequence[Camera | None]:
        """The picture itself."""
        return [None]

    def drawn(self, colours: Array, layout: Layout, camera: Camera | None) -> Frame:
        """The whole picture, whatever the camera."""
        size = layout.images[0]
        alpha = torch.ones(self.layout.num_colours, 1)
        if self._alpha is not None:
            alpha = torch.from_numpy(self._alpha).float().reshape(-1, 1)
        opacity = resampled(alpha, self.layout, layout).reshape(*size).numpy()
        image = colours.reshape(*size, 3) * opacity[..., None]
        return Frame(image, opacity, np.full(size, np.inf, np.float32))

    def save(self, folder: Path, colours: Array) -> list[Path]:
        """Write painted.png, with the picture's own alpha."""
        size = self.layout.images[0]
        return save_picture(folder / "painted.png", colours.reshape(*size, 3), self._alpha)

    def show(self, folder: Path, painted: Array) -> list[Path]:
        """Write sheet.png: before and after side by side."""
        size = self.layout.images[0]
        pair = [table.reshape(*size, 3) for table in (self.initial.numpy(), painted)]
        write_image(folder / "sheet.png", np.concatenate(pair, axis=1 if size.height >= size.width else 0))
        return [folder / "sheet.png"]

    def facts(self, canvas: Canvas) -> dict[str, Any]:
        """The picture's size."""
        return {"size": list(self.layout.images[0]), "colours": self.layout.num_colours, "views": 1}


def _resized(source: Path, own: ImageSize, painted: ImageSize) -> tuple[str, ...]:
    """A note on a picture that is painted at another size than its own."""
    if painted == own:
        return ()
    how = "reduced" if painted < own else "enlarged"
    return (
        f"{source}: {own.width} x {own.height} pixels, {how} to {painted.width} x {painted.height} for painting",
    )
