"""Renders Gaussian splats on a CUDA device with gsplat's routines."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import torch

from nst3d.cameras.pinhole import Camera
from nst3d.operators.sparse import Csr, SparseView
from nst3d.renderers.gsplat_routines import Routines, gsplat_routines
from nst3d.renderers.radiance import NOTHING, Frame
from nst3d.renderers.splat_composite import MAX_ALPHA, MIN_LIGHT
from nst3d.renderers.splat_project import BLUR, MIN_ALPHA
from nst3d.renderers.splats import SplatOptions, SplatRenderer
from nst3d.representations.splats import Splats
from nst3d.tensors import Array, Share

_TILE = 16
_BATCH = 1 << 19
"""Tile-list entries processed at a time; a row of tiles is never split."""
_SIGMAS = 3.0
"""Minimum extent of gsplat's radii in standard deviations (3 before version 1.5, 3.33 since)."""
_WIDEST = 1 << 24
"""Largest radius, pixels; radii are integers in gsplat."""
_ALL = 1 << 30
"""More batches of splats than any tile has, so that gsplat lists a pixel's splats at once."""


class _Footprints(NamedTuple):
    """Footprints of one camera in gsplat's layout, with a leading axis of length 1."""

    centres: torch.Tensor
    conics: torch.Tensor
    depths: torch.Tensor
    opacities: torch.Tensor
    radii: torch.Tensor


class _Band(NamedTuple):
    """Splats seen by the pixels of some rows of tiles, pixel by pixel, nearest first."""

    first: int
    """Flat index of the first pixel."""
    counts: torch.Tensor
    """(pixels,) int64: entries of each pixel."""
    pixels: torch.Tensor
    """(entries,) int64, relative to `first`."""
    splats: torch.Tensor
    """(entries,) int64: rows of the renderer's tensors."""
    weights: torch.Tensor
    """(entries,) float32."""
    before: torch.Tensor
    """(entries,) float32: transmittance in front of each splat."""
    after: torch.Tensor
    """(entries,) float32: transmittance behind it."""


class GsplatRenderer(SplatRenderer):
    """Compiles and draws views of splats on a CUDA device, with the rules of `SplatRenderer`.

    gsplat projects the splats, sorts them into tiles and lists the splats that each pixel sees; weights and
    images are computed here, in torch. gsplat's rules equal those of `SplatRenderer` (blur, largest and
    smallest alpha, end of a ray, sorting by depth), with two exceptions:

    - it uses float32: very long, thin footprints are less exact, and splats with equal float32 depths keep
      the table's order;
    - versions before 1.5 drop footprints that reach the image only with the last third of a standard
      deviation, where a splat covers at most 1 % of a pixel.

    Its pinhole cameras have no lens distortion, so views with a lens are compiled and drawn on the CPU.
    Results may differ slightly between runs. Device memory: 48 bytes per splat, about 60 more while a view is
    rendered, and the lists of some rows of tiles, rarely more than 2 GB.
    """

    def __init__(
        self,
        splats: Splats,
        device: torch.device,
        options: SplatOptions | None = None,
        routines: Routines | None = None,
    ) -> None:
        """Copy the splats to the device; `routines` None: gsplat's.

        Raises MissingDependencyError if those are not available.
        """
        super().__init__(splats, options)
        self._routines = routines or gsplat_routines()
        arrays = (splats.positions, splats.rotations, splats.scales, splats.opacities[:, None])
        # gsplat does not check for non-finite numbers.
        usable = np.logical_and.reduce([np.isfinite(a).all(1) for a in arrays])
        self._rows = np.flatnonzero(usable & (splats.opacities >= MIN_ALPHA)).astype(np.int32)
        on_device = [torch.from_numpy(np.asarray(a[self._rows], np.float32)).to(device) for a in arrays]
        self._means, self._turns, self._scales, opacities = on_device
        self._opacities = opacities[:, 0].clamp_max(1)

    def compile(self, camera: Camera) -> SparseView:
        """The view as a linear map from the splats' colours (n, 3), without view-dependence."""
        if self._left_to_cpu(camera):
            return super().compile(camera)
        nothing = (
            np.empty(0, np.int32),
            np.empty(0, np.int64),
            np.empty(0, np.int32),
            np.empty(0, np.float32),
        )
        parts = [nothing, *(self._stored(band) for band in self._bands(camera, self._footprints(camera)))]
        pixels, counts, columns, weights = (np.concatenate(arrays) for arrays in zip(*parts))
        starts = np.concatenate([[0], np.cumsum(counts)])
        return SparseView(camera.size, self.num_colours, pixels, Csr(starts, columns, weights))

    def draw(self, camera: Camera, colours: Array, specular: Share = 0.0) -> Frame:
        """The view with the splats' colours (n, 3), plus `specular` times their own higher harmonics.

        With view-dependence, each splat's colour is clamped from below at 0, like in `SplatRenderer`.
        """
        if self._left_to_cpu(camera):
            return super().draw(camera, colours, specular)
        seen = self._footprints(camera)
        paint = self._paint(camera, seen, colours, specular)
        out = paint.new_zeros(camera.size.height * camera.size.width, 5)
        for band in self._bands(camera, seen):
            shown = out[band.first : band.first + len(band.counts)]
            shown[:, 3] = _sums(band.weights, band.counts)
            for plane, channel in enumerate((0, 1, 2, 4)):  # one at a time, to save memory
                shown[:, channel] = _sums(band.weights * paint[band.splats, plane], band.counts)
            shown[:, 4] /= shown[:, 3].clamp_min(NOTHING)
            median = (band.before >= 0.5) & (band.after < 0.5)
            shown[band.pixels[median], 4] = paint[band.splats[median], 3]
        out[out[:, 3] < NOTHING, 4] = torch.inf
        image = out.view(*camera.size, 5).cpu().numpy()
        return Frame(*(np.ascontiguousarray(image[..., part]) for part in (slice(3), 3, 4)))

    def _left_to_cpu(self, camera: Camera) -> bool:
        """Whether gsplat cannot render the view, or there is nothing to render."""
        return camera.lens is not None or not len(self._rows)

    def _paint(self, camera: Camera, seen: _Footprints, colours: Array, specular: Share) -> torch.Tensor:
        """Colours and depths (m, 4) of the rows of the renderer's tensors, 0 for unseen ones."""
        reached = (seen.radii[0] > 0).reshape(len(self._rows), -1).all(1)
        painted = self._shown_colours(camera, self._rows[reached.cpu().numpy()], colours, specular)
        paint = seen.depths.new_zeros(len(self._rows), 4)
        paint[reached, :3] = torch.from_numpy(painted).to(paint)
        paint[:, 3] = seen.depths[0]
        return paint

    def _footprints(self, camera: Camera) -> _Footprints:
        """The footprints of all splats; unseen ones have radius 0."""
        pose, size = camera.camera_to_world, camera.size
        view = np.eye(4)
        view[:3, :3], view[:3, 3] = pose[:3, :3].T, -pose[:3, :3].T @ camera.position
        lens = np.array(
            [[camera.focal, 0, camera.centre[0]], [0, camera.focal * camera.aspect, camera.centre[1]]]
        )
        radii, centres, depths, conics, dimming = self._routines.project(
            self._means,
            None,
            self._turns,
            self._scales,
            self._means.new_tensor(view)[None],
            self._means.new_tensor(np.vstack([lens, [0, 0, 1]]))[None],
            size.width,
            size.height,
            eps2d=BLUR,
            near_plane=self.options.near,
            calc_compensations=self.options.antialiased,
        )
        opacities = self._opacities[None] * dimming if self.options.antialiased else self._opacities[None]
        # gsplat leaves the memory of unseen splats uninitialised, and infinite ones have no finite values.
        sound = torch.cat([centres, conics, opacities[..., None]], -1).isfinite().all(-1)
        sound &= (depths > self.options.near) & (opacities >= MIN_ALPHA)
        reach = torch.where(sound, (2 * torch.log(opacities / MIN_ALPHA)).clamp_min(0).sqrt() / _SIGMAS, 0)
        reach = reach.reshape(*reach.shape, *[1] * (radii.ndim - reach.ndim))
        wide = torch.ceil(radii * reach).clamp(0, _WIDEST).int()
        return _Footprints(centres, conics, depths, opacities, wide)

    def _bands(self, camera: Camera, seen: _Footprints) -> Iterator[_Band]:
        """The image in bands of some rows of tiles, without empty ones.

        In bands, each pixel is listed at once. gsplat can list batches of splats instead, nearest first, but
        then it loses track of finished pixels, and fainter splats behind the end of a ray reappear.
        """
        height, width = camera.size
        down, across = -(-height // _TILE), -(-width // _TILE)
        _, keys, entries = self._routines.tiles(seen.centres, seen.radii, seen.depths, _TILE, across, down)
        offsets = self._routines.offsets(keys, 1, across, down)
        starts = [*offsets[0, :, 0].tolist(), len(entries)]
        first = 0
        while first < down:
            last = first + 1
            while last < down and starts[last + 1] - starts[first] <= _BATCH:
                last += 1
            mine = entries[starts[first] : starts[last]]
            if len(mine):
                top = first * _TILE
                shifted = seen._replace(centres=seen.centres - seen.centres.new_tensor([0, top]))
                rows = min(last * _TILE, height) - top
                light = seen.depths.new_ones(1, rows, width)
                table = offsets[:, first:last] - starts[first]
                splats, pixels, _ = self._routines.indices(
                    0, _ALL, light, *shifted[:2], seen.opacities, width, rows, _TILE, table, mine
                )
                yield _weighed(shifted, splats, pixels, (top, rows, width))
            first = last

    def _stored(self, band: _Band) -> tuple[Array, Array, Array, Array]:
        """Pixels, their numbers of entries, columns and weights, as stored in a compiled view."""
        kept = band.weights >= self.options.cutoff
        kept &= band.weights > 0
        gains = _sums(band.weights, band.counts) / _sums(band.weights * kept, band.counts)
        pixels, splats = band.pixels[kept], band.splats[kept]
        weights = band.weights[kept] * gains[pixels]
        counts = torch.bincount(pixels, minlength=len(band.counts))
        rows = counts.nonzero()[:, 0]
        columns = self._rows[splats.cpu().numpy()]
        numbers = (rows + band.first).int().cpu().numpy()
        return numbers, counts[rows].cpu().numpy(), columns, weights.cpu().numpy()


def _weighed(
    seen: _Footprints, splats: torch.Tensor, pixels: torch.Tensor, place: tuple[int, int, int]
) -> _Band:
    """The weights w_i = α_i Π (1 − α_j) over the splats j in front of i (Kerbl et al. 2023, eq. 3).

    `place` is the band's first row, number of rows and width. The products are cumulative sums of logarithms
    along the whole list, in float64, minus their value at the start of each pixel.
    """
    top, rows, width = place
    x = pixels % width + 0.5 - seen.centres[0, splats, 0]
    y = torch.div(pixels, width, rounding_mode="floor") + 0.5 - seen.centres[0, splats, 1]
    across, mixed, along = (seen.conics[0, splats, i] for i in range(3))
    power = 0.5 * (across * x * x + along * y * y) + mixed * x * y
    # Rounding may put splats that gsplat found visible slightly below the minimum.
    alpha = (seen.opacities[0, splats] * torch.exp(-power)).clamp(MIN_ALPHA, MAX_ALPHA)
    counts = torch.bincount(pixels, minlength=rows * width)
    dimming = torch.log1p(-alpha.double())
    behind = dimming.cumsum(0)
    front = behind - dimming
    start = front[(counts.cumsum(0) - counts)[pixels]]
    before, after = torch.exp(front - start).float(), torch.exp(behind - start).float()
    weights = torch.where(after > MIN_LIGHT, alpha * before, 0)
    return _Band(top * width, counts, pixels, splats, weights, before, after)


def _sums(values: torch.Tensor, counts: torch.Tensor) -> torch.Tensor:
    """The sum of each pixel's values, 0 for pixels without any."""
    return torch.segment_reduce(values, "sum", lengths=counts, unsafe=True)
