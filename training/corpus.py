"""Cuts the patches to train on: photographs, shipped styles, renders of shipped scenes, and made textures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from photographs import read_photographs
from PIL import Image
from procedural import Random, texture

from nst3d.cameras.pinhole import Camera
from nst3d.integrations.bridges import BRIDGES
from nst3d.pipeline.jobs.open_scene import open_scene
from nst3d.pipeline.kinds.flight import Way, plan
from nst3d.pipeline.settings.shown import SceneOptions
from nst3d.tensors import Array, ImageSize

SIDE = 128
_SHARES = {"photographs": 0.5, "styles": 0.15, "renders": 0.1, "made": 0.25}


def make_patches(root: Path, packages: Path, count: int, seed: int) -> torch.Tensor:
    """Patches (count, 3, SIDE, SIDE), uint8, in random order. `root` is the repository."""
    random = np.random.default_rng(seed)
    pools = {
        "photographs": read_photographs(packages),
        "styles": [
            (np.asarray(Image.open(path).convert("RGB")), 1.0)
            for path in sorted((root / "scenes/styles").glob("*.jpg"))
        ],
        "renders": [(r, 1.0) for r in _renders(root / "scenes/lighthouse/lighthouse.glb", random)],
    }
    patches = []
    for sort, share in _SHARES.items():
        for _ in range(round(count * share)):
            patch = texture(random, SIDE) if sort == "made" else _crop(_any(random, pools[sort]), random)
            patches.append(_recoloured(patch, random))
    order = random.permutation(len(patches))
    return torch.from_numpy(np.stack([patches[k] for k in order])).permute(0, 3, 1, 2).contiguous()


def _any(random: Random, pictures: list[tuple[Array, float]]) -> Array:
    """One of the pictures, chosen by their shares."""
    shares = np.array([share for _, share in pictures])
    return pictures[random.choice(len(pictures), p=shares / shares.sum())][0]


def _crop(picture: Array, random: Random) -> Array:
    """A square of the picture, reduced to SIDE by up to its whole size, turned and mirrored."""
    most = min(picture.shape[:2])
    side = int(np.exp(random.uniform(np.log(min(SIDE * 0.7, most)), np.log(min(most, SIDE * 4)))))
    top, left = (int(random.integers(n - side + 1)) for n in picture.shape[:2])
    part = Image.fromarray(picture[top : top + side, left : left + side])
    small = np.asarray(part.resize((SIDE, SIDE), Image.Resampling.LANCZOS))
    turned = np.rot90(small, int(random.integers(4)))
    return turned[:, ::-1] if random.random() < 0.5 else turned


def _recoloured(patch: Array, random: Random) -> Array:
    """Half of the patches get other colours, contrast and brightness, for styles have any."""
    if random.random() < 0.5:
        return np.ascontiguousarray(patch)
    colours = patch / 255.0
    mean = colours.mean((0, 1))
    mix = (
        np.eye(3)[random.permutation(3)]
        if random.random() < 0.5
        else np.eye(3) + random.normal(0, 0.25, (3, 3))
    )
    moved = (colours - mean) @ mix.T * random.uniform(0.6, 1.8) + mean + random.normal(0, 0.12, 3)
    return (moved.clip(0, 1) ** np.exp(random.normal(0, 0.25)) * 255).round().astype(np.uint8)


def _renders(scene: Path, random: Random) -> list[Array]:
    """A turn around the scene, over plain colours."""
    way = Way(path="orbit", frames=24, size=ImageSize(384, 384))
    shown = open_scene(scene, SceneOptions(lighting="none"), way, lambda text: None, BRIDGES)
    return [_render(shown, camera, random) for camera in plan(shown, way).cameras]


def _render(shown: object, camera: Camera, random: Random) -> Array:
    background = random.random(3).astype(np.float32)
    picture = shown.frame(camera, depth=False).over(background)  # type: ignore[attr-defined]
    return (np.asarray(picture).clip(0, 1) * 255).round().astype(np.uint8)
