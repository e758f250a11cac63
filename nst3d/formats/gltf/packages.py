"""The optional packages that decode compressed glTF, imported on use."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path
from typing import Any

from nst3d.errors import MissingDependencyError

UNPACK = "export it again with compression unticked, or run 'gltf-transform copy in.glb out.glb'"
"""How to get a file with plain geometry."""
_OLDEST = {"meshopt": (3, 11)}
"""The first Python version that a package is made for, if that is newer than nst3d's own."""


def decoder(module: str, path: Path, what: str, otherwise: str) -> Any:
    """The module that decodes `what` in a file.

    Raises MissingDependencyError, one line that says what to install or, `otherwise`, how to export the file.
    """
    try:
        return import_module(module)
    except ImportError:
        oldest = _OLDEST.get(module, (3, 10))
        if sys.version_info < oldest:
            remedy = f"which needs Python {oldest[0]}.{oldest[1]} or later and pip install 'nst3d[gltf]'"
        else:
            remedy = "which needs a decoder: pip install 'nst3d[gltf]'"
        raise MissingDependencyError(f"{path}: {what}, {remedy}; or {otherwise}") from None
