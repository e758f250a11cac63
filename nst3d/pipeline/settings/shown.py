"""How a scene is to be shown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from nst3d.errors import ConfigError
from nst3d.files import OptionalPathField
from nst3d.renderers.shading import Lighting

AnyUp = Literal["auto", "x", "y", "z", "-x", "-y", "-z"]
"""World up; auto: as the file or its format says."""


@dataclass(frozen=True)
class SceneOptions:
    """How a scene is shown."""

    lighting: Lighting = "studio"
    """Of meshes: none, headlight or studio."""
    background: tuple[float, float, float] | None = None
    """RGB in [0, 1]; None: what a field says, white behind all else."""
    up: AnyUp = "auto"
    cameras: OptionalPathField = OptionalPathField()
    """A capture whose cameras the scene was seen from."""
    specular: float = 1.0
    """How much of the view-dependence in the file of a field or of splats is shown, 0 to 1."""
    dataparser: str | None = None
    """nerfstudio's dataparser that reads `cameras`; None: the format is told from the files."""
    data: OptionalPathField = OptionalPathField()
    """Where the data of a nerfstudio run is now; None: where the run says."""

    def __post_init__(self) -> None:
        """Refuse what makes no sense, with ConfigError."""
        if not 0 <= self.specular <= 1:
            raise ConfigError(f"keep-specular {self.specular:g}: from 0 (none) to 1 (all)")
