"""Splatfacto runs, made by nerfstudio's own classes: painted, reopened by nerfstudio, exported by ns-export."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from small_splats import ball
from trained_nerf import SAMPLES

from nst3d.cameras.pinhole import look_at, perspective
from nst3d.cli.main import main
from nst3d.formats.captures.registry import load_capture, save_transforms
from nst3d.formats.nerfstudio.frame import in_frame_of
from nst3d.formats.nerfstudio.run import load_run
from nst3d.formats.splats.registry import load_splats
from nst3d.images.io import encode_png
from nst3d.renderers.splats import SplatRenderer
from nst3d.tensors import ImageSize

reason = "nerfstudio is not installed: pip install 'nst3d[nerfstudio]'"
pytest.importorskip("nerfstudio", reason=reason)

DRIVER = SAMPLES / "splatfacto_driver.py"
CENTRE = np.array([2.0, 0.0, 1.0])
OPENGL = np.diag([1.0, -1.0, -1.0, 1.0])
KEPT = ("means", "scales", "quats", "opacities")


def drive(*arguments: object) -> None:
    """Call nerfstudio in a process. Its own checkpoints need no variable once we wrote them."""
    surroundings = os.environ | {"TORCHDYNAMO_DISABLE": "1", "CUDA_VISIBLE_DEVICES": ""}
    surroundings.pop("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD", None)
    command = [sys.executable, str(DRIVER), *map(str, arguments)]
    done = subprocess.run(command, env=surroundings, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-2000:]


@pytest.fixture(scope="module")
def scene(tmp_path_factory) -> SimpleNamespace:
    """A ball of splats, photographs of it whose poses were moved once already, and the runs that show it."""
    folder = tmp_path_factory.mktemp("splatfacto")
    splats = ball(300, degree=3)
    renderer = SplatRenderer(splats)
    turns = np.linspace(0, 2 * np.pi, 8, endpoint=False)
    offsets = 4 * np.stack([np.cos(turns), np.sin(3 * turns) / 3, np.sin(turns)], axis=1)
    up = np.array([0.0, 1.0, 0.0])
    cameras = [perspective(look_at(CENTRE + o, CENTRE, up), ImageSize(48, 48), 0.8) for o in offsets]
    images = [renderer.draw(camera, splats.colours, 1.0).over(np.ones(3, np.float32)) for camera in cameras]
    transforms = save_transforms(folder / "capture", cameras, images)
    content = json.loads(transforms.read_text())
    content["applied_transform"] = [[0, 1, 0, 0.3], [1, 0, 0, -0.2], [0, 0, -1, 0.1]]
    transforms.write_text(json.dumps(content))
    logits = np.log(splats.opacities / (1 - splats.opacities))[:, None]
    tensors = {
        "means": splats.positions,
        "scales": np.log(splats.scales),
        "quats": splats.rotations,
        "opacities": logits,
        "features_dc": splats.harmonics[:, 0],
        "features_rest": splats.harmonics[:, 1:],
    }
    poses = [camera.camera_to_world @ OPENGL for camera in cameras]
    np.savez(folder / "splats.npz", first_pose=poses[0], second_pose=poses[1], **tensors)
    drive("make", folder / "capture", folder / "runs", folder / "splats.npz")
    runs = {name: folder / "runs" / name / "splatfacto" / "made" / "config.yml" for name in ("shiny", "flat")}
    style = folder / "style.png"
    style.write_bytes(encode_png(np.random.default_rng(0).uniform(0, 1, (64, 64, 3)).astype(np.float32)))
    return SimpleNamespace(
        folder=folder, splats=splats, images=images, capture=folder / "capture", style=style, **runs
    )


def painted(scene: SimpleNamespace, run: Path, name: str) -> Path:
    """The config.yml of the run, painted by the command line with the capture's cameras."""
    out = scene.folder / name
    options = [
        "--preset",
        "quick",
        "--size",
        "48",
        "--iterations",
        "3",
        "--quiet",
        "--cameras",
        scene.capture,
    ]
    arguments = ["paint", run, "--style", scene.style, "--out", out, *options]
    assert main([str(a) for a in arguments]) == 0
    return out / run.parent.relative_to(scene.folder / "runs") / "config.yml"


def test_cameras_of_the_capture_see_the_run_as_its_photographs(scene) -> None:
    """But for what depends on the view, as the driver does not turn that along."""
    splats, capture = load_splats(scene.shiny), load_capture(scene.capture)
    renderers = SplatRenderer(splats), SplatRenderer(scene.splats)
    for photo, original in zip(in_frame_of(scene.shiny, capture).photos, capture.photos):
        seen = renderers[0].draw(photo.camera, splats.colours, 0.0)
        before = renderers[1].draw(original.camera, scene.splats.colours, 0.0)
        assert np.abs(seen.colour - before.colour).max() < 0.01
        assert np.abs(seen.opacity - before.opacity).max() < 0.01


@pytest.fixture(scope="module")
def reopened(scene) -> SimpleNamespace:
    """A painted run, what nerfstudio holds after it opened it, and what ns-export wrote."""
    config = painted(scene, scene.shiny, "painted")
    drive("open", config, scene.folder / "opened")
    held = np.load(scene.folder / "opened" / "opened.npz")
    return SimpleNamespace(config=config, held=held, ply=scene.folder / "opened" / "splat.ply")


def test_a_painted_run_opens_in_nerfstudio_as_we_see_it(scene, reopened) -> None:
    held, ours, before = reopened.held, load_splats(reopened.config), load_run(scene.shiny).state
    assert int(held["step"]) == 29999
    for name in KEPT:
        assert np.array_equal(held[name], before[f"gauss_params.{name}"].numpy())
    assert np.abs(ours.colours - load_splats(scene.shiny).colours).mean() > 0.01
    assert np.allclose(held["colours"], ours.colours, atol=1e-5)
    assert not held["features_rest"].any()


def test_the_cameras_are_those_of_nerfstudio(scene, reopened) -> None:
    turned = in_frame_of(reopened.config, load_capture(scene.capture))
    poses = np.stack([p.camera.camera_to_world for p in turned.photos]) @ OPENGL
    assert np.allclose(reopened.held["cameras"], poses[:, :3], atol=1e-5)


def test_ns_export_writes_what_we_write(scene, reopened) -> None:
    exported, ours = load_splats(reopened.ply), load_splats(scene.folder / "painted" / "painted.ply")
    assert len(exported) == len(ours)
    for name in ("positions", "scales", "rotations", "opacities", "colours"):
        assert np.allclose(getattr(exported, name), getattr(ours, name), atol=1e-5), name
    assert not exported.harmonics[:, 1:].any()


def test_a_run_without_harmonics_has_sigmoid_colours(scene) -> None:
    config = painted(scene, scene.flat, "painted_flat")
    drive("open", config, scene.folder / "opened_flat")
    opened = np.load(scene.folder / "opened_flat" / "opened.npz")
    assert opened["features_rest"].shape == (300, 0, 3)
    assert np.allclose(opened["colours"], load_splats(config).colours, atol=1e-5)
    own = load_run(scene.flat).state["gauss_params.features_dc"]
    assert np.allclose(load_splats(scene.flat).colours, torch.sigmoid(own).numpy(), atol=1e-6)
