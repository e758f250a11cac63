"""nerfstudio's side of the nerfacto tests, in a process of its own: it warns, and looks for downloads.

python nerf_driver.py train DATA OUT: trains a tiny nerfacto for some steps, as ns-train does. python nerf_driver.py
render CONFIG PATH.json OUT: ns-render camera-path, colour beside depth beside accumulation.
"""

from __future__ import annotations

import copy
import os
import sys
from pathlib import Path

from splatfacto_driver import offline


def train(data: Path, out: Path) -> None:
    """A run OUT/tiny/nerfacto/made."""
    from nerfstudio.configs.method_configs import method_configs
    from nerfstudio.data.datamanagers.base_datamanager import VanillaDataManager
    from nerfstudio.scripts.train import main

    config = copy.deepcopy(method_configs["nerfacto"])
    config.output_dir, config.experiment_name, config.timestamp = out, "tiny", "made"
    config.machine.device_type, config.mixed_precision, config.vis = "cpu", False, "tensorboard"
    config.max_num_iterations, config.steps_per_save = 60, 10**9
    config.steps_per_eval_batch = config.steps_per_eval_image = config.steps_per_eval_all_images = 10**9
    config.logging.local_writer.enable, config.logging.profiler = False, "none"
    manager, model = config.pipeline.datamanager, config.pipeline.model
    manager._target = VanillaDataManager  # spawns no process; eval_setup puts its own back
    manager.data, manager.train_num_rays_per_batch = data, 256
    model.implementation, model.appearance_embed_dim = "torch", 8
    model.num_levels, model.log2_hashmap_size, model.max_res = 8, 12, 128
    model.hidden_dim = model.hidden_dim_color = 16
    model.num_proposal_samples_per_ray, model.num_nerf_samples_per_ray = (32, 24), 16
    net = {"hidden_dim": 16, "log2_hashmap_size": 10, "num_levels": 4, "max_res": 64, "use_linear": False}
    model.proposal_net_args_list = [net, net]
    main(config)


def render(config: Path, path: Path, out: Path) -> None:
    """ns-render camera-path to OUT/00000.png and so on."""
    import imageio_ffmpeg
    from nerfstudio.scripts import render as command

    # It asks for ffmpeg on the path even where it writes images.
    tools = out.parent / "bin"
    tools.mkdir(exist_ok=True)
    if not (tools / "ffmpeg").exists():
        (tools / "ffmpeg").symlink_to(imageio_ffmpeg.get_ffmpeg_exe())
    os.environ["PATH"] = f"{tools}{os.pathsep}{os.environ['PATH']}"
    sys.argv = ["ns-render", "camera-path", "--load-config", str(config), "--camera-path-filename", str(path)]
    sys.argv += ["--output-path", str(out), "--output-format", "images", "--image-format", "png"]
    sys.argv += ["--rendered-output-names", "rgb", "depth", "accumulation"]
    command.entrypoint()


if __name__ == "__main__":
    offline()
    name, *paths = sys.argv[1:]
    {"train": train, "render": render}[name](*map(Path, paths))
