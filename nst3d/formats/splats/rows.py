"""The common in-memory form of all splat formats, and the handling of broken splats."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from nst3d.errors import InputError
from nst3d.limits import claim
from nst3d.representations.harmonics import basis
from nst3d.tensors import Array, Share

MAX_DEGREE = 3
"""Highest degree of harmonics that is drawn; a file's higher ones are only written back."""
_FARTHEST = 1e15
_SMALLEST = 1e-12
_NO_TURN = (1.0, 0.0, 0.0, 0.0)


@dataclass(frozen=True)
class Rows:
    """Splats as in `representations.splats.Splats`, but with rotations of any length."""

    positions: Array
    scales: Array
    rotations: Array
    opacities: Array
    harmonics: Array


def claim_rows(count: int, harmonics: int, path: Path) -> None:
    """Ask for the memory of `count` splats with so many coefficients, before they are decoded.

    Meanwhile all but the harmonics are float64. Raises TooLargeError.
    """
    shape = 4 * (3 + 3 + 4 + 1) * count
    claim(shape + 12 * harmonics * count, f"{path}: {count} splats", 2 * shape)


@dataclass(frozen=True)
class Loaded:
    """The result of a format's reader."""

    rows: Rows
    content: Any
    """Data for the format's own `repaint`."""
    notes: tuple[str, ...] = ()
    up: tuple[float, float, float] = (0.0, -1.0, 0.0)
    """World up, as stated or implied by the format."""
    antialiased: bool = False
    """Whether the splats were trained for antialiased rendering."""


@dataclass(frozen=True)
class Paint:
    """New colours for the splats of a file."""

    colours: Array
    """(n, 3) float32, sRGB-encoded, unclamped."""
    changed: Array
    """(n,) bool: the sound rows with new colours; the others keep their bits."""
    broken: Array
    """(n,) bool: the rows that cannot be drawn."""
    specular: Share
    """Factor for the higher harmonics, for all rows or one per row (n,); 1 keeps their bits."""

    @property
    def nothing(self) -> bool:
        """Whether the file stays unchanged."""
        return not self.changed.any() and not self.fades

    @property
    def fades(self) -> bool:
        """Whether higher harmonics change."""
        return bool(np.any(np.asarray(self.specular) != 1))

    @property
    def column(self) -> Array:
        """(n, 1) float32: the factor of each row's higher harmonics; 1 for broken rows, which stay as they are."""
        share = np.broadcast_to(np.asarray(self.specular, np.float32), self.broken.shape)
        return np.where(self.broken, np.float32(1), share)[:, None]


@np.errstate(invalid="ignore", over="ignore", divide="ignore")
def settled(rows: Rows, path: Path) -> tuple[Rows, Array, tuple[str, ...]]:
    """The rows made drawable as float32, a mask (n,) of the broken ones, and notes.

    Rows with a non-finite value, one beyond 1e15, or a negative scale are broken.
    They keep their row in the table with opacity 0, at a sound splat's position. Scales of 0 become
    1e-12, rotations of length 0 the identity. Raises InputError if no row is sound.
    """
    count = len(rows.positions)
    if not count:
        raise InputError(f"{path}: holds no splats")
    sound = (np.abs(rows.positions) < _FARTHEST).all(1) & np.isfinite(rows.opacities)
    sound &= ((rows.scales >= 0) & (rows.scales < _FARTHEST)).all(1)
    sound &= (np.abs(rows.harmonics) < _FARTHEST).all((1, 2)) & (np.abs(rows.rotations) < _FARTHEST).all(1)
    if not sound.any():
        raise InputError(f"{path}: broken: none of its {count} splats has a finite position, size and colour")
    broken = ~sound
    rows = _hidden(rows, broken) if broken.any() else rows
    lengths = np.linalg.norm(rows.rotations.astype(np.float64), axis=1, keepdims=True)
    rotations = np.where(lengths > 0, rows.rotations / np.where(lengths > 0, lengths, 1), _NO_TURN)
    drawable = replace(
        rows,
        scales=np.maximum(rows.scales, _SMALLEST),
        rotations=rotations,
        opacities=np.clip(rows.opacities, 0, 1),
    )
    drawable = Rows(**{k: np.ascontiguousarray(v, np.float32) for k, v in vars(drawable).items()})
    notes: tuple[str, ...] = ()
    if broken.any():
        notes = (
            f"{broken.sum()} of {count} splats are broken (values that are not finite or absurdly large):"
            " they are not drawn, and are written back unchanged",
        )
    return drawable, broken, notes


def _hidden(rows: Rows, broken: Array) -> Rows:
    return Rows(
        positions=np.where(broken[:, None], rows.positions[broken.argmin()], rows.positions),
        scales=np.where(broken[:, None], 0, rows.scales),
        rotations=np.where(broken[:, None], _NO_TURN, rows.rotations),
        opacities=np.where(broken, 0, rows.opacities),
        harmonics=np.where(broken[:, None, None], 0, rows.harmonics),
    )


def flipped(rows: Rows, signs: tuple[int, int, int]) -> Rows:
    """The rows with each world axis multiplied by its sign, ±1; mirroring is allowed."""
    x, y, z = signs
    samples = np.random.default_rng(0).normal(size=(8, 3))
    degree = round(rows.harmonics.shape[1] ** 0.5) - 1
    parity = np.sign((basis(samples, degree) * basis(samples * signs, degree)).sum(0))
    return replace(
        rows,
        positions=rows.positions * np.array(signs, np.float32),
        rotations=rows.rotations * np.array([1, y * z, x * z, x * y], np.float32),
        harmonics=rows.harmonics * parity[:, None].astype(np.float32),
    )


def sigmoid(logits: Array) -> Array:
    """1 / (1 + e⁻ˣ); infinities give exactly 0 and 1."""
    with np.errstate(over="ignore"):
        return 1 / (1 + np.exp(-logits.astype(np.float64)))


def logit(values: Array) -> Array:
    """The inverse of `sigmoid`, with values kept a millionth away from 0 and 1."""
    inside = np.clip(values.astype(np.float64), 1e-6, 1 - 1e-6)
    return np.log(inside / (1 - inside))


def from_smallest_three(largest: Array, others: Array) -> Array:
    """Unit quaternions (n, 4) from the index of the largest component (n,) and the other three in order."""
    count = len(largest)
    quaternions = np.zeros((count, 4))
    rest = np.ones((count, 4), bool)
    rest[np.arange(count), largest] = False
    quaternions[rest] = others.ravel()
    missing = np.sqrt(np.maximum(1 - (others.astype(np.float64) ** 2).sum(1), 0))
    quaternions[np.arange(count), largest] = missing
    return quaternions


def smallest_three(quaternions: Array) -> tuple[Array, Array]:
    """The inverse of `from_smallest_three` for unit quaternions (n, 4): indices (n,) and the rest (n, 3)."""
    count = len(quaternions)
    largest = np.abs(quaternions).argmax(1)
    positive = quaternions * np.where(quaternions[np.arange(count), largest] < 0, -1, 1)[:, None]
    rest = np.ones((count, 4), bool)
    rest[np.arange(count), largest] = False
    return largest, positive[rest].reshape(-1, 3)


def coefficients(degree: int) -> int:
    """The number of harmonics coefficients of a degree beyond the first."""
    return (degree + 1) ** 2 - 1


def join_harmonics(constant: Array, higher: Array) -> Array:
    """First coefficients (n, 3) and further ones (n, k, 3) as one table (n, 1 + k, 3) float32, up to degree 3."""
    with np.errstate(over="ignore", invalid="ignore"):
        parts = [constant[:, None], higher[:, : coefficients(MAX_DEGREE)]]
        return np.concatenate(parts, axis=1, dtype=np.float32, casting="same_kind")


def degree_note(degree: int) -> tuple[str, ...]:
    """A note for harmonics of a degree that is not drawn."""
    if degree <= MAX_DEGREE:
        return ()
    return (f"harmonics of degree {degree}: those above {MAX_DEGREE} are not drawn, but written back",)
