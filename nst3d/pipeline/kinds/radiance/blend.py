"""Mixes and grades voxel fields and splats."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import torch

from nst3d.errors import ConfigError, InputError
from nst3d.formats.fields.registry import load_field, save_field
from nst3d.formats.splats.registry import load_splats, save_splats
from nst3d.images.grade import Grade
from nst3d.pipeline.kinds.blend_tables import Mix, mixed, mixed_colours, within
from nst3d.pipeline.kinds.regions import Select, Selectors
from nst3d.pipeline.kinds.selectors.colour import colour_region
from nst3d.pipeline.kinds.selectors.places import place_selectors
from nst3d.renderers.voxels import VoxelRenderer
from nst3d.representations.field import VoxelField
from nst3d.representations.harmonics import from_colours, to_colours
from nst3d.tensors import Array


def blend_fields(paths: Sequence[Path], mix: Mix, out: Path, note: Callable[[str], None]) -> list[Path]:
    """Write the first field with what a mix makes of all harmonics. Raises InputError if grids or densities differ."""
    if out.suffix.lower() != ".npz":
        raise ConfigError(f"{out}: voxel fields are written as .npz")
    first = load_field(paths[0])
    tables = [first.harmonics]
    for path in paths[1:]:
        other = load_field(path)
        if (difference := _differ(first, other)) is not None:
            raise InputError(f"{paths[0]} and {path}: not versions of one field: {difference} differ")
        tables.append(other.harmonics)
    column = _column(mix, first.harmonics, lambda: VoxelRenderer(first).positions)
    return save_field(out, replace(first, harmonics=_mixed_harmonics(tables, mix, column)))


def blend_splats(paths: Sequence[Path], mix: Mix, out: Path, note: Callable[[str], None]) -> list[Path]:
    """Write the first splats with what a mix makes of all harmonics.

    Higher harmonics that differ by more than a factor require a new file, with a note. Raises InputError
    if the positions differ.
    """
    first = load_splats(paths[0])
    tables = [first.harmonics]
    for path in paths[1:]:
        other = load_splats(path)
        if not np.array_equal(first.positions, other.positions):
            raise InputError(
                f"{paths[0]} and {path}: not versions of one scene: their splats are in different places"
            )
        tables.append(other.harmonics)
    harmonics = _mixed_harmonics(tables, mix, _column(mix, first.harmonics, lambda: first.positions))
    colours = np.where(
        harmonics[:, 0] == first.harmonics[:, 0], first.colours, to_colours(harmonics[:, 0])
    ).astype(np.float32)
    factor = _factor(first.harmonics[:, 1:], harmonics[:, 1:])
    if factor is None:
        note(f"{out}: its higher harmonics are a mixture, so it is a new file with standard properties only")
        fresh = replace(first, harmonics=harmonics, document=None)
        return save_splats(out, fresh, colours, 1.0)
    return save_splats(out, first, colours, factor)


def _differ(first: VoxelField, other: VoxelField) -> str | None:
    """The difference in geometry between two fields, in words; None if there is none."""
    spaces = (first.space, other.space)
    if spaces[0].contracted != spaces[1].contracted or not all(
        np.array_equal(getattr(spaces[0], name), getattr(spaces[1], name)) for name in ("centre", "radius")
    ):
        return "their boxes"
    if not np.array_equal(first.links, other.links):
        return "their nodes"
    if first.activation != other.activation or not np.array_equal(first.density, other.density):
        return "their densities"
    return None


def _column(mix: Mix, harmonics: Array, positions: Callable[[], Array]) -> Array | None:
    """The weights of a mix's region, which places and colours choose: there are no views to choose by."""
    own = torch.from_numpy(to_colours(harmonics[:, 0]))
    by_name: dict[str, Select] = {**place_selectors(positions), "colour": partial(colour_region, own)}
    return mix.column(Selectors(by_name, positions, _no_pixel))


def _no_pixel() -> float:
    raise ConfigError("there are no views here: give the width of a feather in units of the scene")


def _mixed_harmonics(tables: Sequence[Array], mix: Mix, column: Array | None) -> Array:
    """Coefficients (n, k, 3) of the highest degree; tables of lower degree are zero-padded."""
    weights = mix.weights
    most = max(table.shape[1] for table in tables)
    padded = [np.pad(t, ((0, 0), (0, most - t.shape[1]), (0, 0))) for t in tables]
    result = mixed(padded, weights)
    # Clamp only values that the weights pushed outside the colours' range.
    if min(weights) < 0 or max(weights) > 1:
        colours = [to_colours(t[:, 0].astype(np.float64)) for t in padded]
        free, held = to_colours(result[:, 0].astype(np.float64)), mixed_colours(colours, weights)
        result[:, 0] = np.where(np.abs(free - held) < 1e-6, result[:, 0], from_colours(held))
    return within(column, _graded(result, mix.grade), padded[0])


def _graded(harmonics: Array, grade: Grade) -> Array:
    """Harmonics (n, k, 3) of graded colours: the constant ones move like colours, the others without the offset."""
    if grade.neutral:
        return harmonics
    moved = (harmonics.astype(np.float64) @ grade.matrix.T).astype(harmonics.dtype)
    moved[:, 0] = from_colours(grade.apply(to_colours(harmonics[:, 0].astype(np.float64))))
    return moved


def _factor(first: Array, higher: Array) -> float | None:
    """s with higher = s · first, both (n, k, 3), up to rounding; None if there is none."""
    if first.shape != higher.shape:
        return None
    if np.array_equal(first, higher):
        return 1.0
    a, b = first.astype(np.float64), higher.astype(np.float64)
    factor = float((a * b).sum() / max((a * a).sum(), 1e-30))
    return factor if np.abs(b - factor * a).max() <= 1e-5 * np.abs(b).max() + 1e-9 else None
