"""Settings for showing a scene."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from nst3d.bounds import Within, check_bounds
from nst3d.cameras.axes import Up
from nst3d.files import OptionalPathField
from nst3d.renderers.shading import Lighting


@dataclass(frozen=True)
class SceneOptions:
    """Settings for showing a scene."""

    lighting: Lighting = "studio"
    """Lighting of meshes."""
    background: tuple[float, float, float] | None = None
    """Background, RGB in [0, 1]; None: a voxel field's own, otherwise white."""
    up: Up = "auto"
    cameras: OptionalPathField = OptionalPathField()
    """Capture whose cameras the scene was seen from."""
    specular: Annotated[float, Within(0, 1)] = 1.0
    """Fraction of the view-dependent colour of a field or splats that is shown, 0 to 1."""
    dataparser: str | None = None
    """nerfstudio dataparser for `cameras`; None: the format is detected."""
    data: OptionalPathField = OptionalPathField()
    """Data of a nerfstudio run; None: the run's own path."""

    def __post_init__(self) -> None:
        """Raise ConfigError for invalid settings."""
        check_bounds(self, "setting look.")
