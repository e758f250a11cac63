"""How a scene is to be shown."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from nst3d.bounds import Within, check_bounds
from nst3d.cameras.axes import Up
from nst3d.renderers.shading import Lighting


@dataclass(frozen=True)
class SceneOptions:
    """How a scene is shown."""

    lighting: Lighting = "studio"
    """Of meshes: none, headlight or studio."""
    background: tuple[float, float, float] | None = None
    """RGB in [0, 1]; None: what a field says, white behind all else."""
    up: Up = "auto"
    cameras: Path | None = None
    """A capture whose cameras the scene was seen from."""
    specular: Annotated[float, Within(0, 1)] = 1.0
    """How much of the view-dependence in the file of a field or of splats is shown, 0 to 1."""
    dataparser: str | None = None
    """nerfstudio's dataparser that reads `cameras`; None: the format is told from the files."""
    data: Path | None = None
    """Where the data of a nerfstudio run is now; None: where the run says."""

    def __post_init__(self) -> None:
        """Refuse what makes no sense, with ConfigError."""
        check_bounds(self, "setting look.")
