"""Builds the modules of a nerfacto from only a run's config and checkpoint, and checks that they match.

Imports nerfstudio: import this module locally, after `need_nerfstudio`.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from nerfstudio.field_components.spatial_distortions import SceneContraction
from nerfstudio.fields.density_fields import HashMLPDensityField
from nerfstudio.fields.nerfacto_field import NerfactoField
from nerfstudio.models.nerfacto import NerfactoModelConfig

from nst3d.errors import InputError
from nst3d.formats.nerfstudio.checkpoint import not_finite, some
from nst3d.integrations.nerfstudio.model.hash_grid import quicken
from nst3d.integrations.nerfstudio.model.options import told_options
from nst3d.integrations.nerfstudio.model.tcnn import is_tcnn, need_tcnn

_OTHER = ("camera_optimizer.", "lpips.", "device_indicator_param")
"""Tensors of a nerfacto that rendering does not need."""
_EMBEDDING = "field.embedding_appearance.embedding.weight"


class Parts(torch.nn.Module):
    """The field and the proposal networks of a nerfacto, with the names of its checkpoint."""

    def __init__(self, options: NerfactoModelConfig, aabb: torch.Tensor, images: int) -> None:
        """Build them from the options, for a scene's box (2, 3) and `images` appearance embeddings."""
        super().__init__()
        space = None if options.disable_scene_contraction else SceneContraction(order=float("inf"))
        common = {
            "spatial_distortion": space,
            "average_init_density": options.average_init_density,
            "implementation": options.implementation,
        }
        names = ["hidden_dim", "num_levels", "max_res", "base_res", "features_per_level", "log2_hashmap_size"]
        names += ["hidden_dim_color", "hidden_dim_transient", "use_average_appearance_embedding"]
        self.field = NerfactoField(
            aabb,
            num_images=images,
            use_pred_normals=options.predict_normals,
            appearance_embedding_dim=options.appearance_embed_dim if options.use_appearance_embedding else 0,
            **{name: getattr(options, name) for name in names},
            **common,
        )
        count = 1 if options.use_same_proposal_network else options.num_proposal_iterations
        nets = options.proposal_net_args_list
        self.proposal_networks = torch.nn.ModuleList(
            HashMLPDensityField(aabb, **nets[min(i, len(nets) - 1)], **common) for i in range(count)
        )


def build_parts(
    folder: Path, config: Mapping[str, Any], state: Mapping[str, torch.Tensor], device: torch.device
) -> tuple[NerfactoModelConfig, Parts]:
    """The model's options, and its modules with the checkpoint's tensors, in evaluation mode and frozen.

    `config` is the run's, `state` the model's tensors by name; `folder` is used in messages. Modules are
    tiny-cuda-nn's if the tensors are. Raises InputError for a checkpoint with missing, unexpected or
    non-finite tensors, for invalid config values, and for a tiny-cuda-nn checkpoint if that package does not
    work on the device.
    """
    if is_tcnn(state):
        need_tcnn(folder, device)
    if "field.aabb" not in state:
        raise InputError(f"{folder}: the checkpoint lacks field.aabb; it is damaged or not a nerfacto")
    _check_tensor(folder, "field.aabb", state["field.aabb"], torch.zeros(2, 3))
    options = NerfactoModelConfig(**told_options(folder, config))
    if len(options.num_proposal_samples_per_ray) < options.num_proposal_iterations:
        raise InputError(
            f"{folder}: config.yml has fewer pipeline.model.num_proposal_samples_per_ray than num_proposal_iterations"
        )
    # The config does not say: without tiny-cuda-nn, nerfstudio trains its own modules under the same name.
    options.implementation = "tcnn" if is_tcnn(state) else "torch"
    try:
        images = len(state[_EMBEDDING]) if options.use_appearance_embedding and _EMBEDDING in state else 1
        parts = Parts(options, state["field.aabb"].float(), images)
    except (TypeError, ValueError, RuntimeError, AssertionError, IndexError, KeyError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InputError(f"{folder}: config.yml does not describe a nerfacto: {reason}") from None
    _check(folder, parts.state_dict(), state)
    parts.load_state_dict({name: state[name] for name in parts.state_dict()})
    quicken(parts)
    return options, parts.to(device).eval().requires_grad_(False)


def _check(folder: Path, wanted: Mapping[str, torch.Tensor], state: Mapping[str, torch.Tensor]) -> None:
    missing = sorted(set(wanted) - set(state))
    if missing:
        raise InputError(f"{folder}: the checkpoint lacks {some(missing)}, which config.yml asks for")
    surplus = sorted(name for name in state if name not in wanted and not name.startswith(_OTHER))
    if surplus:
        raise InputError(
            f"{folder}: the checkpoint has {some(surplus)}, which does not belong to its config.yml's nerfacto"
        )
    for name, tensor in wanted.items():
        _check_tensor(folder, name, state[name], tensor)
    if broken := not_finite({name: state[name] for name in wanted}):
        raise InputError(f"{folder}: {broken}")


def _check_tensor(folder: Path, name: str, found: torch.Tensor, wanted: torch.Tensor) -> None:
    """Reject a different shape, or a different kind of number; any float precision is accepted."""
    if found.shape != wanted.shape:
        shapes = tuple(found.shape), tuple(wanted.shape)
        raise InputError(f"{folder}: {name} has the shape {shapes[0]}, but config.yml asks for {shapes[1]}")
    if found.is_floating_point() != wanted.is_floating_point() or found.is_complex():
        kinds = (str(t.dtype).removeprefix("torch.") for t in (found, wanted))
        raise InputError(f"{folder}: {name} in its checkpoint is {', expected '.join(kinds)}")
