"""The package open3d, imported on use."""

from __future__ import annotations

import warnings
from importlib import import_module
from typing import Any

from nst3d.errors import MissingDependencyError


def open3d(what: str) -> Any:
    """The module. Raises MissingDependencyError, which names `what`, if it is missing or does not load."""
    try:
        package = import_module("open3d")
    except ModuleNotFoundError as error:
        missing = "open3d" if error.name == "open3d" else f"{error.name}, which open3d needs,"
        raise MissingDependencyError(
            f"{what} needs Open3D; {missing} is not installed: pip install 'nst3d[open3d]'"
        ) from None
    except (ImportError, OSError) as error:
        reason = " ".join(str(error).split())
        remedy = "; install the system package libusb-1.0-0" if "libusb" in reason else ""
        raise MissingDependencyError(
            f"{what} needs Open3D, which is installed but does not load ({reason}){remedy}"
        ) from None
    # Numba finds Open3D's TBB, too old for it, and takes another of its threading layers, which is no news to users.
    warnings.filterwarnings("ignore", "The TBB threading layer requires")
    package.utility.set_verbosity_level(package.utility.VerbosityLevel.Error)
    return package
