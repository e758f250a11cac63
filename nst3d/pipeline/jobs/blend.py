"""Mixes painted versions of one scene by their colour tables, without painting again."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from nst3d.errors import ConfigError, InputError, OutputError
from nst3d.images.grade import Grade
from nst3d.pipeline.kinds.blend_tables import Mix
from nst3d.pipeline.kinds.kind import Kind
from nst3d.pipeline.kinds.registry import open_path

LIMITS = (-0.5, 1.5)
"""Range of the weights; beyond 0 and 1 they exaggerate a style."""


@dataclass(frozen=True)
class BlendJob:
    """Scenes to blend, their weights, and the output."""

    scenes: tuple[Path, ...]
    """Voxel fields, splats, meshes or pictures, all of one kind and geometry. Everything unpainted comes
    from the first."""
    weights: tuple[float, ...]
    """Weight of each scene; they sum to 1."""
    out: Path
    overwrite: bool = False
    """Replace an existing file."""
    region: str | None = None
    """Region in which the others count; None: everywhere. The rest stays that of the first, bit for bit."""
    grade: Grade = field(default_factory=Grade)
    """Change of the mixed colours."""

    def __post_init__(self) -> None:
        """Convert plain strings to paths."""
        object.__setattr__(self, "scenes", tuple(Path(scene) for scene in self.scenes))
        object.__setattr__(self, "out", Path(self.out))


def alpha_weights(alpha: float, count: int) -> tuple[float, ...]:
    """Weights 1 − alpha and alpha of two scenes. Raises ConfigError for more scenes or outside `LIMITS`."""
    if count != 2:
        raise ConfigError(f"`alpha` mixes two scenes, but {count} are given; give `weights`, one for each")
    low, high = LIMITS
    if not low <= alpha <= high:
        raise ConfigError(
            f"`alpha` {alpha:g}: expected {low} to {high} (0 and 1 are the two scenes themselves)"
        )
    return _checked((1 - alpha, alpha))


def given_weights(text: str, count: int, note: Callable[[str], None]) -> tuple[float, ...]:
    """Weights of `count` scenes from comma-separated numbers, normalised to sum to 1, with a note.

    Raises ConfigError for anything else, for a sum that is not positive, and for weights outside `LIMITS`.
    """
    try:
        weights = tuple(float(part) for part in text.split(","))
    except ValueError:
        raise ConfigError(
            f"`weights` {text!r}: expected numbers separated by commas, such as 0.2,0.5,0.3"
        ) from None
    if len(weights) != count:
        raise ConfigError(f"`weights` has {len(weights)} numbers for {count} scenes; give one for each")
    total = math.fsum(weights)
    if not math.isfinite(total) or total <= 1e-6:
        raise ConfigError(f"`weights` {text!r}: their sum must be positive")
    if abs(total - 1) > 1e-6:
        weights = tuple(w / total for w in weights)
        note(f"weights sum to {total:g}; normalised to {', '.join(f'{w:.3g}' for w in weights)}")
    return _checked(weights)


def run_blend(job: BlendJob, note: Callable[[str], None] = lambda text: None) -> list[Path]:
    """Write the first scene with the weighted mean of all colour tables, graded; returns the paths.

    `note` is called with messages for the user. Raises InputError for scenes that cannot be read or differ in
    kind or geometry (naming both files), OutputError if the result exists or cannot be written,
    ConfigError for an `out` that cannot store it.
    """
    if len(job.scenes) < 2:
        raise ConfigError("a blend needs two scenes or more")
    first, *others = (mixable(path, "blended") for path in job.scenes)
    for path, kind in zip(job.scenes[1:], others):
        if kind.name != first.name:
            raise InputError(f"{job.scenes[0]} and {path}: {first.one} and {kind.one} cannot be blended")
    claim(job.out, job.overwrite)
    assert first.blend is not None
    return first.blend(job.scenes, Mix(job.weights, job.grade, job.region), job.out, note)


def mixable(path: Path, verb: str) -> Kind:
    """The kind of a scene whose table can be changed; InputError, which says that it cannot be `verb`, for others."""
    kind = open_path(path).kind
    if kind.blend is None:
        raise InputError(f"{path}: is {kind.one}, which cannot be {verb}")
    return kind


def _checked(weights: tuple[float, ...]) -> tuple[float, ...]:
    low, high = LIMITS
    if not all(low <= w <= high for w in weights):
        raise ConfigError(
            f"weights {', '.join(f'{w:g}' for w in weights)}: each must be between {low} and {high}"
        )
    return weights


def claim(out: Path, overwrite: bool) -> None:
    """Create the folder of a result, and refuse, with OutputError, to overwrite anything unless asked."""
    if out.is_dir() or (out.exists() and not overwrite):
        raise OutputError(f"{out}: exists; give `overwrite` or another `out`")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{out}: cannot be written ({error.strerror or error})") from None
