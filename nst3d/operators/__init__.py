"""Views of frozen geometry as linear maps from a colour table to an image."""

from nst3d.operators.base import Stored, ViewOperator
from nst3d.operators.cache import ViewCache
from nst3d.operators.checks import dot_test
from nst3d.operators.composite import Cropped, Offset, Resampled, Shaded
from nst3d.operators.grid_basis import grid_basis
from nst3d.operators.identity import IdentityView
from nst3d.operators.sparse import SparseView

__all__ = [
    "Cropped",
    "IdentityView",
    "Offset",
    "Resampled",
    "Shaded",
    "SparseView",
    "Stored",
    "ViewCache",
    "ViewOperator",
    "dot_test",
    "grid_basis",
]
