"""How a scene is to be shown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from nst3d.bounds import Within, check_bounds
from nst3d.cameras.axes import Up
from nst3d.files import OptionalPathField
from nst3d.renderers.shading import Lighting


@dataclass(frozen=True)
class SceneOptions:
    """How a scene is shown."""

    lighting: Lighting = "studio"
    """Lighting of meshes."""
    background: tuple[float, float, float] | None = None
    """Background, RGB in [0, 1]; None: as a voxel field says, otherwise white."""
    up: Up = "auto"
    cameras: OptionalPathField = OptionalPathField()
    """Capture whose cameras the scene was seen from."""
    specular: Annotated[float, Within(0, 1)] = 1.0
    """Share of the view-dependent colour of a field or of splats that is shown, 0 to 1."""
    dataparser: str | None = None
    """nerfstudio dataparser for `cameras`; None: the format is detected."""
    data: OptionalPathField = OptionalPathField()
    """Data of a nerfstudio run; None: where the run says."""

    def __post_init__(self) -> None:
        """Refuse what makes no sense, with ConfigError."""
        check_bounds(self, "setting look.")
