"""The settings of a reconstruction."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

from nst3d.bounds import Within, check_bounds
from nst3d.errors import ConfigError
from nst3d.pipeline.settings.overrides import override, read_yaml
from nst3d.reconstruct.options import FitOptions, Level

QUALITIES: dict[str, tuple[Level, ...]] = {
    "quick": (Level(48, 150), Level(96, 250)),
    "default": (Level(48, 150), Level(96, 250), Level(176, 400)),
    "fine": (Level(48, 200), Level(96, 300), Level(176, 500), Level(256, 600)),
}
"""Grid resolutions, by quality name."""

_FIRST = Within(8, 160)
"""Limits for the nodes along the longest side of the first level, whose grid is dense."""


@dataclass(frozen=True)
class ReconstructConfig:
    """All settings of a reconstruction."""

    fit: FitOptions = field(default_factory=lambda: FitOptions(levels=QUALITIES["default"]))
    size: Annotated[int, Within(16, 4096)] = 240
    """Long side of the reduced photographs, in pixels; smaller ones keep their size."""
    device: str = "auto"
    """Device: cpu, cuda, or auto."""
    threads: Annotated[int, Within(0, 4096)] = 0
    """CPU threads; 0: numba's default."""
    checkpoint_seconds: Annotated[float, Within(0)] = 30.0
    """Seconds between checkpoints; 0: only when stopped."""

    def __post_init__(self) -> None:
        """Raise ConfigError for invalid numbers."""
        check_bounds(self)
        if not self.fit.levels:
            raise ConfigError("setting fit.levels is empty: name at least one resolution")
        _FIRST.check("setting fit.levels[0].nodes", self.fit.levels[0].nodes)


def quality(name: str) -> ReconstructConfig:
    """The settings of a quality by name, or of a YAML file by path; the config.yaml of a run is such a file."""
    if name in QUALITIES:
        return ReconstructConfig(FitOptions(levels=QUALITIES[name]))
    path = Path(name)
    if path.suffix not in (".yaml", ".yml"):
        known = ", ".join(QUALITIES)
        raise ConfigError(f"`quality` {name!r} is not known: choose one of {known}, or give a .yaml file")
    values = read_yaml(path)
    own = values["settings"] if isinstance(values.get("settings"), dict) else values
    return override(ReconstructConfig(), own, f"quality {name}")
