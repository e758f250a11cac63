"""Tiny random models, made once."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the models `plain`, `velocity` and `instructed`, and the ControlNet `control`."""
    pytest.importorskip("diffusers", reason="diffusion needs pip install 'nst3d[diffusion]'")
    pytest.importorskip("transformers", reason="diffusion needs pip install 'nst3d[diffusion]'")
    import tiny_diffusion

    folder = tmp_path_factory.mktemp("models")
    tiny_diffusion.model(folder / "plain")
    tiny_diffusion.model(folder / "velocity", prediction="v_prediction")
    tiny_diffusion.model(folder / "instructed", instructed=True)
    tiny_diffusion.control(folder / "control")
    return folder
