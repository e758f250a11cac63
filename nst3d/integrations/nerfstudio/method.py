"""nerfstudio's entry point for `ns-train nst3d`; every command of nerfstudio imports it at its start."""

from __future__ import annotations

from typing import Any

method: Any = None
"""A MethodSpecification; None, which nerfstudio skips with a warning, where this nerfstudio cannot hold it."""
try:
    from nst3d.integrations.nerfstudio.trainer.trainer import specification
except Exception:
    # Whatever another version of nerfstudio lacks: its own commands must go on without us.
    pass
else:
    method = specification
