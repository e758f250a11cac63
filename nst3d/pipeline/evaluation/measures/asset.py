"""How good the asset is that a row shows: its texture, its colours, its noise, and whether it comes out again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import zip_longest

import numpy as np
import torch

from nst3d.images.gamut import gamut_shares
from nst3d.metrics.grain import Masked, grain
from nst3d.metrics.measured import Better, Measured
from nst3d.metrics.seams import seam_error
from nst3d.metrics.texels import pixel_size, seen_points, texel_density
from nst3d.pipeline.evaluation.assets import equal_run, same_files, table_of
from nst3d.pipeline.evaluation.measures.pictures import style_pictures
from nst3d.pipeline.evaluation.rows import Row
from nst3d.pipeline.evaluation.run_folder import RunFolder
from nst3d.pipeline.kinds.asset import AssetTable
from nst3d.stylize.style import Style
from nst3d.tensors import Array, to_image

_OPAQUE = 0.99
_TEXTURE: dict[str, Better] = {"seam_error": "lower", "texels_per_pixel": "neither", "texel_spread": "lower"}
_NO_PICTURE = "the run was painted without a picture, and has no picture's colours and grain to compare with"
_COLOURS: dict[str, Better] = {"clipped": "lower", "out_of_gamut": "lower"}
_LACKING = "by design more with colours of the content, a grade, or a strength below 1"


def asset(row: Row, runs: Sequence[RunFolder]) -> Iterator[Measured]:
    """What can be said of the asset of a run or of the unpainted scene; nothing of decoys, which have none."""
    if row.file is None:
        return
    yield from _of_table(row, _table(row))
    if row.run is not None:
        yield _grain(row)
        yield from _coverage(row.run)
        yield _determinism(row.run, runs)


def _table(row: Row) -> AssetTable | str:
    if row.file is None or (row.run is not None and row.run.is_video):
        return "a video has pictures, and no table of colours"
    return table_of(row.file)


def _of_table(row: Row, table: AssetTable | str) -> Iterator[Measured]:
    if isinstance(table, str):
        yield from (_missing(name, better, table) for name, better in (_TEXTURE | _COLOURS).items())
        return
    seen = row.take.views.seen
    shown = _shown(row, table.positions)
    if table.texels is None:
        yield from (_missing(name, better, table.untextured) for name, better in _TEXTURE.items())
    else:
        yield _seams(row, table)
        density = texel_density(table.texels, table.weights * shown)
        pixel = pixel_size(seen or ())
        if density is None or pixel is None:
            yield from (_missing(n, _TEXTURE[n], "no view shows a texel") for n in list(_TEXTURE)[1:])
        else:
            long = max(row.take.views.frames[0].shape[:2])
            note = f"along a line, in frames of {long} pixels"
            yield Measured("texels_per_pixel", "asset", "neither", (density.median * pixel,), note=note)
            note = "95th percentile of texels per length over the 5th, by area"
            yield Measured("texel_spread", "asset", "lower", (density.spread,), note=note)
    yield from _gamut(row, table, shown)


def _shown(row: Row, points: Array | None) -> Array:
    """Which points (n, 3) the views of a row show, (n,) bool, or True where all are seen."""
    seen = row.take.views.seen
    return np.array(True) if points is None or seen is None else seen_points(points, seen)


def _seams(row: Row, table: AssetTable) -> Measured:
    seams = table.seams
    if seams is None:
        reason = "the textures are cut at creases only, where a jump of colours is no seam"
        return _missing("seam_error", "lower", reason)
    lengths = seams.lengths * _shown(row, seams.places)
    value = seam_error(
        seams.across, seams.inside, lengths, seams.inside_lengths * _shown(row, seams.inside_places)
    )
    if value is None:
        return _missing("seam_error", "lower", "no view shows a cut of the textures")
    note = "jump of colours across cuts of textures over that beside them; 1: no seam can be seen"
    return Measured("seam_error", "asset", "lower", (value,), note=note)


def _gamut(row: Row, table: AssetTable, shown: Array) -> Iterator[Measured]:
    """The shares of what is seen that is clipped, or outside of the colours of the row's styles."""
    weights = np.broadcast_to(table.weights * shown, len(table.colours))
    if not weights.sum() > 0:
        yield from (_missing(name, better, "no view shows it") for name, better in _COLOURS.items())
        return
    if not row.styles:
        yield from (_missing(name, better, _NO_PICTURE) for name, better in _COLOURS.items())
        return
    palette = [pixels for style in row.styles for pixels in _opaque_pixels(style)]
    counted = weights > 0
    shares = gamut_shares(
        torch.from_numpy(table.colours[counted]),
        torch.from_numpy(weights[counted].astype(np.float64)),
        torch.cat(palette),
    )
    note = "beyond the share of the styles' own pixels"
    yield Measured("clipped", "asset", "lower", (shares["clipped"],), note=note)
    yield Measured("out_of_gamut", "asset", "lower", (shares["outside"],), note=_LACKING)


def _grain(row: Row) -> Measured:
    """The grain of each view beyond that of the styles and of the unpainted view."""
    if not row.styles:
        return _missing("grain", "lower", _NO_PICTURE)
    own, bare, styles = row.take.views, row.unpainted.views, _styles(row)
    values = tuple(
        grain([(frame, opacity)], styles, [content])
        for frame, opacity, content in zip(own.frames, own.opacities, bare.frames)
    )
    if all(value is None for value in values):
        return _missing("grain", "lower", "no view shows 24 x 24 pixels of nothing but the scene")
    note = "fine waves that neither styles nor content have, RMS in levels of 255"
    return Measured("grain", "asset", "lower", values, note=note)


def _opaque_pixels(style: Style) -> Iterator[torch.Tensor]:
    """The pixels (k, 3) of each of a style's pictures, at their own size: small ones lack their extremes."""
    for image, opacity in zip_longest(style.images, style.opacities):
        yield image.reshape(-1, 3) if opacity is None else image[opacity > _OPAQUE]


def _styles(row: Row) -> list[Masked]:
    """The styles' pictures, as large as the frames, with what is opaque in them."""
    pictures = ((to_image(picture).numpy(), mask) for picture, mask in style_pictures(row))
    return [(p, np.ones(p.shape[:2]) if mask is None else mask.numpy()) for p, mask in pictures]


def _coverage(run: RunFolder) -> Iterator[Measured]:
    """How much the cameras of painting saw, as the run measured it: of all, and of what is seen from outside."""
    seen, outside = (_number(run, name) for name in ("coverage", "visible_from_outside"))
    if seen is None:
        yield _missing("coverage", "higher", "the run's metrics.json has no coverage")
        return
    yield Measured("coverage", "asset", "higher", (seen,), note="share that the cameras of painting saw")
    if outside:
        note = "of what can be seen from outside"
        yield Measured("coverage_outside", "asset", "higher", (min(1.0, seen / outside),), note=note)


def _number(run: RunFolder, name: str) -> float | None:
    value = run.metrics.get(name)
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _determinism(run: RunFolder, runs: Sequence[RunFolder]) -> Measured:
    """1 if another run with the same settings painted the same bytes, 0 if others."""
    other = equal_run(run, runs)
    if other is None:
        reason = "needs another run of the same scene, styles and settings"
        return _missing("determinism", "higher", reason)
    same = same_files(run, other)
    return Measured("determinism", "asset", "higher", (float(same),), note=f"bytes of {other.path}")


def _missing(name: str, better: Better, reason: str) -> Measured:
    return Measured(name, "asset", better, reason=reason)
