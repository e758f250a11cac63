"""Splatfacto's splats in nerfstudio runs and checkpoints, read and written without nerfstudio.

The model's tensors are means (n, 3), scales (n, 3) as logarithms, quats (n, 4) w x y z of any length,
features_dc (n, 3), features_rest (n, k, 3), opacities (n, 1) as logits. If trained with sh_degree 0, a colour
is the sigmoid of features_dc, without further coefficients; otherwise the coefficients are harmonics.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from nst3d.errors import InputError
from nst3d.formats.io.peek import Peek
from nst3d.formats.nerfstudio.run import NerfstudioRun, is_run, load_run, run_method, save_run, version_notes
from nst3d.formats.registry import Format, register_format
from nst3d.formats.splats.rows import (
    Loaded,
    Paint,
    Rows,
    coefficients,
    degree_note,
    join_harmonics,
    logit,
    sigmoid,
)
from nst3d.representations.harmonics import from_colours
from nst3d.tensors import Array

_WIDTHS = {"means": (3,), "scales": (3,), "quats": (4,), "features_dc": (3,), "opacities": (1,)}
_PREFIX = "gauss_params."
_OTHERS = re.compile(r"device_indicator_param|(lpips|psnr|ssim|bil_grids|camera_optimizer)\..*")
"""Other tensors of a splatfacto model, which painting does not touch."""


@dataclass(frozen=True)
class RunSplats:
    """A run, and the naming and colour encoding of its tensors."""

    run: NerfstudioRun
    prefix: str
    """Prefix of the splats' tensor names: older versions wrote none."""
    sigmoid: bool
    """Whether colours are the sigmoid of features_dc."""


def read_run_splats(path: Path) -> Loaded:
    """The splats in a splatfacto run's folder, config.yml or checkpoint.

    nerfstudio's worlds are z-up. Raises InputError for runs of other methods, and for checkpoints with
    tensors that are missing, have other shapes, or are not splatfacto's.
    """
    run = load_run(path)
    if run.method != "splatfacto":
        raise InputError(f"{path}: a run of {run.method}, which has no splats; expected a splatfacto run")
    prefix = _PREFIX if f"{_PREFIX}means" in run.state else ""
    _check(run.state, prefix, path)
    tensors = {name: _numbers(run.state[prefix + name]) for name in (*_WIDTHS, "features_rest")}
    degree = _degree(run.config, tensors["features_rest"].shape[1], path)
    constant = tensors["features_dc"]
    with np.errstate(over="ignore", invalid="ignore"):
        if degree == 0:
            constant = from_colours(sigmoid(constant))
        rows = Rows(
            positions=tensors["means"],
            scales=np.exp(tensors["scales"]),
            rotations=tensors["quats"],
            opacities=sigmoid(tensors["opacities"][:, 0]),
            harmonics=join_harmonics(constant, tensors["features_rest"]),
        )
    content = RunSplats(run, prefix, degree == 0)
    model = _model(run.config)
    return Loaded(
        rows,
        content,
        (*version_notes(), *degree_note(degree)),
        up=(0.0, 0.0, 1.0),
        antialiased=model.get("rasterize_mode") == "antialiased",
    )


def write_run_splats(folder: Path, content: RunSplats, paint: Paint) -> list[Path]:
    """The run with new colours below `folder`; higher harmonics × `paint.specular`, the rest bit for bit."""
    state = dict(content.run.state)
    names = [content.prefix + name for name in ("features_dc", "features_rest")]
    dc, rest = (state[name].clone() for name in names)
    changed = torch.from_numpy(paint.changed)
    colours = paint.colours[paint.changed]
    values = logit(colours) if content.sigmoid else from_colours(colours)
    dc[changed] = torch.from_numpy(values).to(dc.dtype)
    if paint.fades:
        rest *= torch.from_numpy(paint.column[..., None]).to(rest.dtype)
    return save_run(folder, content.run, state | dict(zip(names, (dc, rest))))


def _check(state: Mapping[str, torch.Tensor], prefix: str, path: Path) -> None:
    wanted = {prefix + name for name in (*_WIDTHS, "features_rest")}
    if missing := sorted(wanted - set(state)):
        raise InputError(f"{path}: its checkpoint lacks {', '.join(missing)} of splatfacto")
    if surplus := sorted(k for k in state if k not in wanted and not _OTHERS.fullmatch(k)):
        more = f" and {len(surplus) - 3} more" if len(surplus) > 3 else ""
        raise InputError(
            f"{path}: its checkpoint has {', '.join(surplus[:3])}{more}, which nerfstudio's splatfacto does not"
        )
    count = len(state[f"{prefix}means"]) if state[f"{prefix}means"].ndim else 0
    for name, width in _WIDTHS.items():
        _check_shape(path, prefix + name, state[prefix + name], (count, *width))
    rest = state[f"{prefix}features_rest"]
    fit = rest.shape[1] if rest.ndim == 3 else 0
    fit = coefficients(round((fit + 1) ** 0.5) - 1)
    _check_shape(path, f"{prefix}features_rest", rest, (count, fit, 3))


def _check_shape(path: Path, name: str, tensor: torch.Tensor, shape: tuple[int, ...]) -> None:
    if tuple(tensor.shape) != shape or not tensor.is_floating_point():
        raise InputError(
            f"{path}: {name} in its checkpoint is {tuple(tensor.shape)} {str(tensor.dtype)[6:]}, expected"
            f" {shape} of floats"
        )


def _degree(config: Mapping[str, Any], higher: int, path: Path) -> int:
    """Degree of the harmonics, which nerfstudio requires to be the same in config and tensors."""
    degree = round((higher + 1) ** 0.5) - 1
    said = _model(config).get("sh_degree", degree)
    if said != degree:
        told = said if isinstance(said, int) else "that is not a number"
        raise InputError(
            f"{path}: states sh_degree {told}, but its checkpoint has harmonics of degree {degree}"
        )
    return degree


def _model(config: Mapping[str, Any]) -> Mapping[str, Any]:
    """The config of the model; empty if missing."""
    pipeline = config.get("pipeline")
    model = pipeline.get("model") if isinstance(pipeline, Mapping) else None
    return model if isinstance(model, Mapping) else {}


def _numbers(tensor: torch.Tensor) -> Array:
    return tensor.detach().to(torch.float32).numpy()


def _sniff(peek: Peek) -> bool:
    return is_run(peek) and run_method(peek) == "splatfacto"


register_format(
    Format("splatfacto", (), "splats", "a splatfacto run", read_run_splats, sniff=_sniff, writes=".ckpt")
)
