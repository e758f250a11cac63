"""What a reconstruction can be told."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, fields
from pathlib import Path

from nst3d.errors import ConfigError
from nst3d.pipeline.settings.config import override, read_yaml
from nst3d.reconstruct.options import FitOptions, Level

QUALITIES: dict[str, tuple[Level, ...]] = {
    "quick": (Level(48, 150), Level(96, 250)),
    "default": (Level(48, 150), Level(96, 250), Level(176, 400)),
    "fine": (Level(48, 200), Level(96, 300), Level(176, 500), Level(256, 600)),
}
"""By name, the resolutions of the grid."""

_ANY = math.inf
_LIMITS: dict[str, tuple[float, float]] = {
    "degree": (0, 2),
    "batch": (1, 1 << 20),
    "step": (0.1, 4),
    "density_rate": (0, _ANY),
    "colour_rate": (0, _ANY),
    "harmonics_rate": (0, _ANY),
    "final_rate": (1e-6, 1),
    "smooth_density": (0, _ANY),
    "smooth_colour": (0, _ANY),
    "smooth_harmonics": (0, _ANY),
    "distortion": (0, _ANY),
    "faint": (0, 0.1),
    "start": (-20, 20),
    "prune": (0, 1),
    "near": (0, 10),
    "seed": (0, 2**63 - 1),
}
_NODES, _FIRST_NODES = (8, 512), 160
"""A grid's longest side; the first level's grid has all of its nodes."""


@dataclass(frozen=True)
class ReconstructConfig:
    """All settings of a reconstruction."""

    fit: FitOptions = field(default_factory=lambda: FitOptions(levels=QUALITIES["default"]))
    size: int = 240
    """Long side of the photographs, pixels; smaller ones stay as they are."""
    device: str = "auto"
    """cpu, cuda, or auto."""
    threads: int = 0
    """CPU threads; 0: as many as numba takes by itself."""
    checkpoint_seconds: float = 30.0
    """How often a checkpoint is kept; 0: only when stopped."""

    def __post_init__(self) -> None:
        """Refuse numbers that make no sense, with ConfigError."""
        assert set(_LIMITS) == {f.name for f in fields(FitOptions)} - {"levels"}
        for name, limits in _LIMITS.items():
            _check(f"setting fit.{name}", getattr(self.fit, name), *limits)
        _check("--size", self.size, 16, 4096)
        _check("setting threads", self.threads, 0, _ANY)
        _check("setting checkpoint_seconds", self.checkpoint_seconds, 0, _ANY)
        if not self.fit.levels:
            raise ConfigError("setting fit.levels is empty: name at least one resolution")
        for level in self.fit.levels:
            _check("setting fit.levels: nodes", level.nodes, *_NODES)
            _check("setting fit.levels: iterations", level.iterations, 1, 1e6)
        _check("setting fit.levels: nodes of the first", self.fit.levels[0].nodes, _NODES[0], _FIRST_NODES)


def quality(name: str) -> ReconstructConfig:
    """The settings of a quality by name, or of a YAML file by path; the config.yaml of a run is such a file."""
    if name in QUALITIES:
        return ReconstructConfig(FitOptions(levels=QUALITIES[name]))
    path = Path(name)
    if path.suffix not in (".yaml", ".yml"):
        known = ", ".join(QUALITIES)
        raise ConfigError(f"--quality {name!r} is not known: choose one of {known}, or give a .yaml file")
    values = read_yaml(path)
    own = values["settings"] if isinstance(values.get("settings"), dict) else values
    return override(ReconstructConfig(), own, f"quality {name}")


def _check(name: str, value: float, low: float, high: float) -> None:
    if not (low <= value <= high and math.isfinite(value)):
        bounds = f"from {low:g}" + (f" to {high:g}" if high < _ANY else "")
        raise ConfigError(f"{name} is {value:g}: expected a number {bounds}")
