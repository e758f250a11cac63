"""nerfstudio's entry point for `ns-train nst3d`; every nerfstudio command imports it at startup."""

from __future__ import annotations

from typing import Any

method: Any = None
"""A MethodSpecification; None, which nerfstudio skips with a warning, if this version does not support it."""
try:
    from nst3d.integrations.nerfstudio.trainer.trainer import specification
except Exception:
    # Another version of nerfstudio may lack anything; its own commands must still work.
    pass
else:
    method = specification
