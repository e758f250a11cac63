"""The output folder of a 3DGS training, made small."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from capture_samples import SIZE, poses
from small_splats import ball

from nst3d.formats.splats.registry import save_splats


def write_trained_folder(
    folder: Path, iterations: tuple[int, ...] = (7000,), source: str = "/data/ball"
) -> Path:
    """Splats of each iteration, cameras.json with the poses of `poses`, cfg_args."""
    splats = ball()
    for number in iterations:
        place = folder / f"point_cloud/iteration_{number}"
        place.mkdir(parents=True)
        save_splats(
            place / "point_cloud.ply", splats, np.full((len(splats), 3), number % 97 / 97, np.float32)
        )
    cameras = [
        {"id": i, "img_name": f"{i:04d}", "width": SIZE[1], "height": SIZE[0], "position": p[:3, 3].tolist(),
         "rotation": p[:3, :3].tolist(), "fx": 40.0, "fy": 41.0}
        for i, p in enumerate(poses())
    ]  # fmt: skip
    (folder / "cameras.json").write_text(json.dumps(cameras))
    (folder / "cfg_args").write_text(f"Namespace(sh_degree=0, source_path='{source}', images='images')")
    return folder
