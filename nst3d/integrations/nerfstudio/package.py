"""Checks that nerfstudio is installed."""

from __future__ import annotations

import warnings
from importlib import import_module

from nst3d.errors import MissingDependencyError
from nst3d.formats.nerfstudio.run import version_notes


def need_nerfstudio(what: str) -> tuple[str, ...]:
    """Import the modules of nerfstudio's models. Raises MissingDependencyError if that fails.

    `what` names the purpose, and begins the message. Returns notes about an untested version.
    """
    try:
        # It uses deprecated functions of torch, which cause warnings.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import_module("nerfstudio.models.nerfacto")
    except ModuleNotFoundError as error:
        missing = (
            "nerfstudio" if (error.name or "").startswith("nerfstudio") else f"{error.name} of nerfstudio"
        )
        how = f"{missing} is not installed: pip install 'nst3d[nerfstudio]'"
        raise MissingDependencyError(f"{what}: {how}") from None
    except (ImportError, OSError) as error:
        raise MissingDependencyError(f"{what}: nerfstudio is installed but does not load: {error}") from None
    return version_notes()
