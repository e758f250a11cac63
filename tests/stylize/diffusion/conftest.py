"""Tiny random models, made once."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the models `plain`, `velocity` and `instructed`, the ControlNet `control` and the IP-Adapter
    `adapter`."""
    pytest.importorskip("diffusers", reason="diffusion needs pip install 'nst3d[diffusion]'")
    pytest.importorskip("transformers", reason="diffusion needs pip install 'nst3d[diffusion]'")
    import tiny_diffusion
    from diffusers import UNet2DConditionModel

    folder = tmp_path_factory.mktemp("models")
    tiny_diffusion.model(folder / "plain")
    tiny_diffusion.model(folder / "velocity", prediction="v_prediction")
    tiny_diffusion.model(folder / "instructed", instructed=True)
    tiny_diffusion.control(folder / "control")
    unet = UNet2DConditionModel.from_pretrained(
        folder / "plain" / "unet", low_cpu_mem_usage=False, use_safetensors=True
    )
    tiny_diffusion.adapter(folder / "adapter", unet)
    return folder
