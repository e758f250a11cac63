"""What tiny jobs paint."""

from __future__ import annotations

from pathlib import Path

import pytest
from tiny_jobs import write_inputs


@pytest.fixture(scope="session")
def inputs(tmp_path_factory) -> Path:
    """A cube with vertex colours' UVs as OBJ, a style and a photo."""
    return write_inputs(tmp_path_factory.mktemp("inputs with spaces"))
