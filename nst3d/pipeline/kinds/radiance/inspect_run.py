"""Inspects a nerfstudio run: its method, training steps and model size."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from nst3d.errors import InputError
from nst3d.formats.io.files import OutsideError
from nst3d.formats.nerfstudio.checkpoint import not_finite, some
from nst3d.formats.nerfstudio.config import config_part
from nst3d.formats.nerfstudio.data import find_data, told_data
from nst3d.formats.nerfstudio.run import NerfstudioRun, load_run, version_notes
from nst3d.pipeline.runtime.findings import Report, point_text

_TABLE, _FLAT = "field.mlp_base.model.0.hash_table", "field.mlp_base.model.params"
_BOX = "field.aabb"
_TORCH = (
    _TABLE,
    *(f"field.mlp_base.model.1.layers.{k}.{part}" for k in range(2) for part in ("weight", "bias")),
    *(f"field.mlp_head.layers.{k}.{part}" for k in range(3) for part in ("weight", "bias")),
)
_TCNN = (_FLAT, "field.mlp_head.tcnn_encoding.params")
_RENDERED = ("field.", "proposal_networks.")
_IMAGES = ("field.embedding_appearance.embedding.weight", "camera_optimizer.pose_adjustment")
_NOT_THE_SCENE = ("lpips.", "psnr.", "ssim.")


def inspect_nerf(path: Path) -> Report:
    """A report on a nerfacto run. Raises InputError for one that cannot be read."""
    run = load_run(path)
    facts = {"file": str(path), "kind": "nerf"} | run_facts(run) | _nerf_facts(run)
    box, grid = facts["box"], facts["grid"]
    lines = [f"kind: NeRF ({facts['method']})", *run_lines(run)]
    if grid is not None:
        lines.append(
            f"hash grid: {grid['levels']} levels of 2^{grid['log2_size']} entries, {grid['features']} features each"
        )
    lines += [
        f"modules: {facts['modules']}",
        f"numbers: {facts['numbers']}",
        f"images trained on: {facts['images'] or 'not known'}",
        *([] if box is None else [f"box: {point_text(box[0])} to {point_text(box[1])}"]),
    ]
    problems = [*version_notes(), *_problems(run)]
    if facts["modules"] != "torch":
        problems.append("its modules are tiny-cuda-nn's: nst3d and nerfstudio need CUDA to render it")
    return Report(tuple(lines), tuple(problems), facts | {"problems": problems})


def run_lines(run: NerfstudioRun) -> list[str]:
    """Report lines for any run."""
    facts = run_facts(run)
    lines = [
        f"nerfstudio run: {facts['method']}, {facts['experiment'] or 'no config.yml'}, step {facts['step']}"
    ]
    if facts["data"]:
        lines.append(f"trained on: {facts['data']}")
    lines.append(f"its world is the data's × {facts['scale']:.4g}")
    return lines


def run_facts(run: NerfstudioRun) -> dict[str, Any]:
    """Method, step, names, and the path of the data."""
    return {
        "method": run.method,
        "step": run.step,
        "experiment": _text(run.config.get("experiment_name")),
        "timestamp": _text(run.config.get("timestamp")),
        "data": told_data(run.config),
        "scale": run.scale,
        "transform": run.transform.tolist(),
    }


def _nerf_facts(run: NerfstudioRun) -> dict[str, Any]:
    state = run.state
    box = state.get(_BOX)
    modules = "torch" if _TABLE in state else "tiny-cuda-nn" if _FLAT in state else "not known"
    return {
        "modules": modules,
        "grid": _grid(state),
        "numbers": sum(t.numel() for k, t in state.items() if not k.startswith(_NOT_THE_SCENE)),
        "images": next((len(state[k]) for k in _IMAGES if k in state and state[k].ndim == 2), None),
        "box": box.double().tolist() if box is not None and box.shape == (2, 3) else None,
    }


def _grid(state: Mapping[str, torch.Tensor]) -> dict[str, int] | None:
    """Levels, the logarithm of their entries, and features of each; None if unknown."""
    levels, size, table = (state.get(k) for k in ("field.num_levels", "field.log2_hashmap_size", _TABLE))
    if levels is None or size is None or levels.numel() != 1 or size.numel() != 1:
        return None
    features = table.shape[1] if table is not None and table.ndim == 2 else 2
    return {"levels": int(levels), "log2_size": int(size), "features": features}


def _problems(run: NerfstudioRun) -> list[str]:
    """Problems that keep a nerfacto from being painted, as far as they show without nerfstudio."""
    found = []
    for name in ("pipeline.model", "pipeline.datamanager.dataparser"):
        try:
            config_part(run.folder, run.config, name)
        except InputError as error:
            found.append(str(error))
    found += _data_problems(run)
    needed = (_BOX, *(_TCNN if _FLAT in run.state else _TORCH))
    if missing := [name for name in needed if name not in run.state]:
        found.append(f"the checkpoint lacks {some(missing)}, which nerfacto requires")
    found += [
        f"{name} in its checkpoint is {str(run.state[name].dtype).removeprefix('torch.')}, expected float32"
        for name in needed
        if name in run.state and not run.state[name].is_floating_point()
    ]
    if broken := not_finite({k: t for k, t in run.state.items() if k.startswith(_RENDERED)}):
        found.append(broken)
    return found


def _data_problems(run: NerfstudioRun) -> list[str]:
    data = told_data(run.config)
    if data is None:
        return ["the run has no data path: painting needs `data`, the folder of its data"]
    try:
        found = find_data(run.folder, data)
    except OutsideError as error:
        return [str(error)]
    return [] if found else [f"its data is no longer in {data}: painting needs `data`, its new folder"]


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None
