"""nerfstudio's side of the splatfacto tests, in a process of its own: it warns, and looks for downloads.

python splatfacto_driver.py make DATA OUT SPLATS.npz: trains nothing, but writes two runs of splatfacto, "shiny" with
harmonics and "flat" without, as its trainer would. python splatfacto_driver.py open CONFIG OUT: opens a run as all
of nerfstudio's commands do, writes what it holds as OUT/opened.npz, and calls ns-export gaussian-splat to OUT.
"""

from __future__ import annotations

import contextlib
import copy
import ctypes
import functools
import sys
from pathlib import Path

import numpy as np


def offline() -> None:
    """LPIPS without the weights that it downloads, Open3D without a system's libusb."""
    import torchvision

    real = torchvision.models.alexnet
    torchvision.models.alexnet = functools.wraps(real)(lambda *_, **__: real(weights=None))
    with contextlib.suppress(ImportError):
        import libusb_package

        ctypes.CDLL(str(libusb_package.get_library_path()), ctypes.RTLD_GLOBAL)


def make(data: Path, out: Path, splats: Path) -> None:
    """Two runs whose splats are those of the file, in the data's world, moved to where nerfstudio's cameras are."""
    for name, degree in (("shiny", 3), ("flat", 0)):
        _make(data, out, dict(np.load(splats)), name, degree)


def _make(data: Path, out: Path, splats: dict[str, np.ndarray], name: str, degree: int) -> None:
    import torch
    from nerfstudio.configs.method_configs import method_configs

    config = copy.deepcopy(method_configs["splatfacto"])
    config.output_dir, config.experiment_name, config.timestamp = out, name, "made"
    config.machine.device_type, config.mixed_precision = "cpu", False
    config.pipeline.datamanager.data = data
    config.pipeline.datamanager.dataparser.eval_mode = "all"
    config.pipeline.model.num_random, config.pipeline.model.sh_degree = len(splats["means"]), degree
    config.save_config()
    pipeline = config.pipeline.setup(device="cpu", test_mode="inference")
    outputs = pipeline.datamanager.train_dataparser_outputs
    outputs.save_dataparser_transform(config.get_base_dir() / "dataparser_transforms.json")
    poses = outputs.cameras.camera_to_worlds.numpy().astype(float)
    rotation, scale = poses[0, :, :3] @ splats["first_pose"][:3, :3].T, _scale(poses, splats)
    shift = poses[0, :, 3] - scale * rotation @ splats["first_pose"][:3, 3]
    values = {name: splats[name] for name in ("quats", "features_dc", "features_rest", "opacities")}
    # The data's world differs by a turn about its axes, and these splats are balls.
    values["means"] = scale * splats["means"] @ rotation.T + shift
    values["scales"] = splats["scales"] + np.log(scale)
    if degree == 0:
        values["features_rest"] = values["features_rest"][:, :0]
    for key, value in values.items():
        pipeline.model.gauss_params[key].data = torch.from_numpy(value).float()
    folder = config.get_checkpoint_dir()
    folder.mkdir(parents=True)
    state = {"step": 29999, "pipeline": pipeline.state_dict(), "optimizers": {}, "scalers": {}}
    # Its trainer writes the learning rate as a number of numpy's.
    state["schedulers"] = {"means": {"_last_lr": [np.float64(1e-4)]}}
    torch.save(state, folder / "step-000029999.ckpt")


def _scale(poses: np.ndarray, splats: dict[str, np.ndarray]) -> float:
    return float(
        np.linalg.norm(poses[1, :, 3] - poses[0, :, 3])
        / np.linalg.norm(splats["second_pose"][:3, 3] - splats["first_pose"][:3, 3])
    )


def reopen(config: Path, out: Path) -> None:
    """What a run holds after nerfstudio opened it, and its ns-export."""
    from nerfstudio.scripts import exporter
    from nerfstudio.utils.eval_utils import eval_setup

    out.mkdir(parents=True, exist_ok=True)
    _, pipeline, _, step = eval_setup(config, test_mode="inference")
    model = pipeline.model
    held = {k: v.detach().numpy() for k, v in model.gauss_params.items()}
    cameras = pipeline.datamanager.train_dataparser_outputs.cameras.camera_to_worlds.numpy()
    colours = model.colors.detach().numpy()
    np.savez(out / "opened.npz", cameras=cameras, colours=colours, step=step, **held)
    sys.argv = ["ns-export", "gaussian-splat", "--load-config", str(config), "--output-dir", str(out)]
    exporter.entrypoint()


if __name__ == "__main__":
    offline()
    command, *paths = sys.argv[1:]
    {"make": make, "open": reopen}[command](*map(Path, paths))
