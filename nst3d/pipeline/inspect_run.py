"""Looks into a nerfstudio run: its method, how long it was trained, how large its model is."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from nst3d.formats.nerfstudio_run import NerfstudioRun, load_run, version_notes
from nst3d.pipeline.inspect_report import Report, point_text

_TABLE, _FLAT = "field.mlp_base.model.0.hash_table", "field.mlp_base.model.params"
_IMAGES = ("field.embedding_appearance.embedding.weight", "camera_optimizer.pose_adjustment")
_NOT_THE_SCENE = ("lpips.", "psnr.", "ssim.")


def inspect_nerf(path: Path) -> Report:
    """What is in a nerfacto run. Raises InputError for one that cannot be read."""
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
    problems = [*version_notes()]
    if facts["modules"] != "torch":
        problems.append("its modules are tiny-cuda-nn's: nst3d and nerfstudio need CUDA to render it")
    return Report(tuple(lines), tuple(problems), facts | {"problems": problems})


def run_lines(run: NerfstudioRun) -> list[str]:
    """What any run says of itself."""
    facts = run_facts(run)
    lines = [
        f"nerfstudio run: {facts['method']}, {facts['experiment'] or 'no config.yml'}, step {facts['step']}"
    ]
    if facts["data"]:
        lines.append(f"trained on: {facts['data']}")
    lines.append(f"its world is the data's × {facts['scale']:.4g}")
    return lines


def run_facts(run: NerfstudioRun) -> dict[str, Any]:
    """Method, step, names, and where the data was."""
    manager = _within(run.config, "pipeline", "datamanager")
    data = manager.get("data") or _within(manager, "dataparser").get("data")
    return {
        "method": run.method,
        "step": run.step,
        "experiment": run.config.get("experiment_name"),
        "timestamp": run.config.get("timestamp"),
        "data": data if isinstance(data, str) and data != "." else None,
        "scale": run.scale,
        "transform": run.transform.tolist(),
    }


def _nerf_facts(run: NerfstudioRun) -> dict[str, Any]:
    state = run.state
    box = state.get("field.aabb")
    modules = "torch" if _TABLE in state else "tiny-cuda-nn" if _FLAT in state else "not known"
    return {
        "modules": modules,
        "grid": _grid(state),
        "numbers": sum(t.numel() for k, t in state.items() if not k.startswith(_NOT_THE_SCENE)),
        "images": next((len(state[k]) for k in _IMAGES if k in state and state[k].ndim == 2), None),
        "box": box.double().tolist() if box is not None and box.shape == (2, 3) else None,
    }


def _grid(state: Mapping[str, torch.Tensor]) -> dict[str, int] | None:
    """Levels, the logarithm of their entries, and features of each; None where the tensors do not tell."""
    levels, size, table = (state.get(k) for k in ("field.num_levels", "field.log2_hashmap_size", _TABLE))
    if levels is None or size is None or levels.numel() != 1 or size.numel() != 1:
        return None
    features = table.shape[1] if table is not None and table.ndim == 2 else 2
    return {"levels": int(levels), "log2_size": int(size), "features": features}


def _within(config: Mapping[str, Any], *names: str) -> Mapping[str, Any]:
    """A part of a config by the names on the way to it; empty where it is not there."""
    for name in names:
        below = config.get(name)
        config = below if isinstance(below, Mapping) else {}
    return config
