"""The two that `nerfacto.py` compares: nst3d's fit of a voxel field, and nerfstudio's nerfacto in torch."""

from __future__ import annotations

import copy
import functools
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch

from nst3d.cameras.pinhole import Camera
from nst3d.pipeline.captures.photographs import Photographs
from nst3d.pipeline.settings.reconstruct import quality
from nst3d.reconstruct.fit import Fit
from nst3d.renderers.voxels import VoxelRenderer
from nst3d.tensors import Array

SMALL_NET = {"hidden_dim": 16, "num_levels": 5, "use_linear": False}
"""What the proposal networks of nerfacto's two settings have in common, as nerfstudio has it."""


class Side(Protocol):
    """A method that is asked for one step at a time."""

    def step(self) -> bool:
        """Take a step; False: there was none left."""

    def pictures(self) -> list[Array]:
        """The photographs that were held out, as the method sees them now, (h, w, 3) in [0, 1]."""


class Own:
    """`nst3d reconstruct` with its default quality."""

    def __init__(self, photographs: Photographs) -> None:
        """Everything is ready for the first step."""
        self._cameras: Sequence[Camera] = [view.camera for view in photographs.tests]
        self._fit = Fit(
            [view.camera for view in photographs.train],
            [view.image for view in photographs.train],
            photographs.frame,
            quality("default").fit,
            photographs.background,
            photographs.opacities,
        )
        self._steps = iter(self._fit)

    def step(self) -> bool:
        """One batch of rays."""
        return next(self._steps, None) is not None

    def pictures(self) -> list[Array]:
        """Rendered like those of heldout.png."""
        field = self._fit.field()
        renderer, behind = VoxelRenderer(field), np.asarray(field.background, np.float32)
        return [renderer.draw(camera, field.colours, 1.0).over(behind) for camera in self._cameras]


class Nerfacto:
    """nerfstudio's method of that name, through its own data manager, optimisers and callbacks."""

    def __init__(self, folder: Path, lean: bool, rays: int) -> None:
        """`lean`: smaller tables and fewer samples than nerfstudio's defaults, for pictures of 240 pixels."""
        _offline()
        from nerfstudio.engine.callbacks import TrainingCallbackAttributes, TrainingCallbackLocation
        from nerfstudio.engine.optimizers import Optimizers

        torch.manual_seed(0)
        config = _config(folder, lean, rays)
        self._pipeline: Any = config.pipeline.setup(device="cpu", test_mode="test")
        groups = self._pipeline.get_param_groups()
        self._optimisers = Optimizers({name: config.optimizers[name] for name in groups}, groups)
        attributes = TrainingCallbackAttributes(self._optimisers, None, self._pipeline, None)
        callbacks = self._pipeline.get_training_callbacks(attributes)
        before, after = (
            TrainingCallbackLocation.BEFORE_TRAIN_ITERATION,
            TrainingCallbackLocation.AFTER_TRAIN_ITERATION,
        )
        self._before = [each for each in callbacks if before in each.where_to_run]
        self._after = [each for each in callbacks if after in each.where_to_run]
        self._number, self._end = 0, config.max_num_iterations

    def step(self) -> bool:
        """One batch of rays, as nerfstudio's trainer takes it."""
        if self._number >= self._end:
            return False
        self._pipeline.train()
        for callback in self._before:
            callback.run_callback(step=self._number)
        self._optimisers.zero_grad_all()
        _, losses, _ = self._pipeline.get_train_loss_dict(step=self._number)
        functools.reduce(torch.add, losses.values()).backward()
        self._optimisers.optimizer_step_all()
        self._optimisers.scheduler_step_all(self._number)
        for callback in self._after:
            callback.run_callback(step=self._number)
        self._number += 1
        return True

    @torch.no_grad()
    def pictures(self) -> list[Array]:
        """With the mean of the photographs' appearances, as nerfstudio evaluates."""
        self._pipeline.eval()
        cameras = self._pipeline.datamanager.eval_dataset.cameras
        model, found = self._pipeline.model, []
        for number in range(len(cameras)):
            shown = model.get_outputs_for_camera(cameras[number : number + 1])["rgb"]
            found.append(shown.clamp(0, 1).numpy())
        return found


def _config(folder: Path, lean: bool, rays: int) -> Any:
    """nerfstudio's settings of `ns-train nerfacto`, for a processor."""
    from nerfstudio.configs.method_configs import method_configs
    from nerfstudio.data.datamanagers.base_datamanager import VanillaDataManager

    config = copy.deepcopy(method_configs["nerfacto"])
    manager, model = config.pipeline.datamanager, config.pipeline.model
    manager._target = VanillaDataManager  # in this process, whose time is counted
    manager.data, manager.train_num_rays_per_batch = folder, rays
    manager.dataparser.downscale_factor = 1
    model.implementation, model.camera_optimizer.mode = "torch", "off"
    model.eval_num_rays_per_chunk = 1 << 12
    if lean:
        model.num_levels, model.log2_hashmap_size, model.max_res = 8, 16, 512
        model.num_proposal_samples_per_ray, model.num_nerf_samples_per_ray = (48, 32), 24
        model.proposal_net_args_list = [
            SMALL_NET | {"log2_hashmap_size": 14, "max_res": size} for size in (64, 128)
        ]
    return config


def _offline() -> None:
    """LPIPS, which nerfacto builds beside its metrics, without the weights that it would download."""
    import torchvision

    real = torchvision.models.alexnet
    torchvision.models.alexnet = functools.wraps(real)(lambda *_, **__: real(weights=None))
