"""The package pycolmap, imported on use."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from nst3d.errors import MissingDependencyError


def pycolmap() -> Any:
    """The module, which is kept from logging. Raises MissingDependencyError if it is missing or does not load."""
    try:
        package = import_module("pycolmap")
    except ModuleNotFoundError as error:
        missing = "pycolmap" if error.name == "pycolmap" else f"{error.name}, which pycolmap needs,"
        raise MissingDependencyError(
            f"finding cameras needs COLMAP; {missing} is not installed: pip install 'nst3d[capture]'"
        ) from None
    except (ImportError, OSError) as error:
        raise MissingDependencyError(
            f"finding cameras needs pycolmap, which is installed but does not load ({' '.join(str(error).split())})"
        ) from None
    package.logging.minloglevel = package.logging.Level.FATAL.value
    return package
