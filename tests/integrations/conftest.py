"""What the integration tests share."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from trained_nerf import train_a_ball


@pytest.fixture(scope="session")
def made(tmp_path_factory) -> SimpleNamespace:
    """A tiny nerfacto, trained once for all tests: `run` is its config.yml."""
    return train_a_ball(tmp_path_factory.mktemp("nerfacto"))
