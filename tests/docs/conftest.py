"""What the examples of the documentation paint."""

from __future__ import annotations

from pathlib import Path

import pytest
from tiny_jobs import write_inputs


@pytest.fixture(scope="session")
def inputs(tmp_path_factory) -> Path:
    """A cube as OBJ with a texture, a style and a photo."""
    return write_inputs(tmp_path_factory.mktemp("inputs"))
