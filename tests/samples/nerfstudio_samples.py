"""Small nerfstudio runs, written by hand: a config with every kind of tag that nerfstudio writes, and a checkpoint."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch

CONFIG = """!!python/object:nerfstudio.engine.trainer.TrainerConfig
_target: !!python/name:nerfstudio.engine.trainer.Trainer ''
data: null
experiment_name: rock
load_step: null
logging: !!python/object:nerfstudio.configs.base_config.LoggingConfig
  local_writer: !!python/object:nerfstudio.configs.base_config.LocalWriterConfig
    enable: true
    stats_to_track: !!python/tuple
    - !!python/object/apply:nerfstudio.utils.writer.EventName
      - Train Iter (time)
    - !!python/object/apply:nerfstudio.utils.writer.EventName
      - ETA (time)
  relative_log_dir: !!python/object/apply:pathlib.PosixPath []
method_name: {method}
mixed_precision: false
optimizers:
  features_dc:
    optimizer: !!python/object:nerfstudio.engine.optimizers.AdamOptimizerConfig
      _target: &id001 !!python/name:torch.optim.adam.Adam ''
      eps: 1.0e-15
      lr: 0.0025
    scheduler: null
  means:
    optimizer: !!python/object:nerfstudio.engine.optimizers.AdamOptimizerConfig
      _target: *id001
      eps: 1.0e-15
      lr: 0.00016
    scheduler: null
output_dir: !!python/object/apply:pathlib.PosixPath
- outputs
pipeline: !!python/object:nerfstudio.pipelines.base_pipeline.VanillaPipelineConfig
  _target: !!python/name:nerfstudio.pipelines.base_pipeline.VanillaPipeline ''
  datamanager: !!python/object:nerfstudio.data.datamanagers.full_images_datamanager.FullImageDatamanagerConfig
    data: !!python/object/apply:pathlib.PosixPath
    - /
    - data
    - rock
    dataparser: !!python/object:nerfstudio.data.dataparsers.nerfstudio_dataparser.NerfstudioDataParserConfig
      _target: !!python/name:nerfstudio.data.dataparsers.nerfstudio_dataparser.Nerfstudio ''
      data: !!python/object/apply:pathlib.PosixPath []
      orientation_method: up
    eval_image_indices: !!python/tuple
    - 0
  model: !!python/object:nerfstudio.models.{method}.ModelConfig
    background_color: random
    camera_optimizer: !!python/object:nerfstudio.cameras.camera_optimizers.CameraOptimizerConfig
      mode: 'off'
    hidden_dim: 64
    rasterize_mode: classic
    sh_degree: {degree}
relative_model_dir: !!python/object/apply:pathlib.PosixPath
- nerfstudio_models
timestamp: 2024-05-06_070809
"""
"""As nerfstudio 1.1 writes it, with fewer keys."""

FRAME = {"transform": [[0, 1, 0, 0.5], [-1, 0, 0, 0.25], [0, 0, 1, -1]], "scale": 0.5}


def splat_state(count: int = 40, degree: int = 2, prefix: str = "gauss_params.") -> dict[str, torch.Tensor]:
    """The tensors of a splatfacto model."""
    random = torch.Generator().manual_seed(0)

    def numbers(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, generator=random)

    return {
        "device_indicator_param": torch.zeros(0),
        f"{prefix}means": numbers(count, 3),
        f"{prefix}scales": numbers(count, 3) - 3,
        f"{prefix}quats": numbers(count, 4),
        f"{prefix}features_dc": numbers(count, 3),
        f"{prefix}features_rest": 0.1 * numbers(count, (degree + 1) ** 2 - 1, 3),
        f"{prefix}opacities": numbers(count, 1) + 1,
        "lpips.net.layer": numbers(4),
    }


def write_checkpoint(path: Path, state: dict[str, torch.Tensor], **others: Any) -> Path:
    """A checkpoint with a model's tensors under the pipeline's names."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pipeline = {f"_model.{name}": tensor for name, tensor in state.items()}
    torch.save({"step": 29, "pipeline": pipeline, "optimizers": {}, "schedulers": {}} | others, path)
    return path


def write_run(
    folder: Path, state: dict[str, torch.Tensor], method: str = "splatfacto", degree: int = 2
) -> Path:
    """A run's folder in nerfstudio's arrangement; returns its config.yml."""
    run = folder / "rock" / method / "2024-05-06_070809"
    write_checkpoint(run / "nerfstudio_models" / "step-000000029.ckpt", state)
    (run / "config.yml").write_text(CONFIG.format(method=method, degree=degree))
    (run / "dataparser_transforms.json").write_text(json.dumps(FRAME))
    return run / "config.yml"
