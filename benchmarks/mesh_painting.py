"""A painting of some steps through any renderer of vertex colours, and how good it is: for `mesh_pytorch3d.py`."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from common import ROOT

from nst3d.errors import MissingDependencyError
from nst3d.features.weights import load_encoder
from nst3d.images.io import read_image
from nst3d.images.resize import resize
from nst3d.losses.content import content_loss
from nst3d.losses.gram import gram_loss, mean_gram
from nst3d.metrics.image import psnr
from nst3d.metrics.lpips import Lpips
from nst3d.metrics.style import style_distance
from nst3d.representations.surface import Surface
from nst3d.tensors import Array, Image, ImageSize, Planes

STYLE_LAYERS = ("relu1_1", "relu2_1", "relu3_1", "relu4_1")
CONTENT_LAYER = "relu4_1"
GRAM, CONTENT = 1.0, 0.3
"""Weights of losses that are relative to their targets."""
RATE = 0.03
LIGHT = (0.4, 0.7, 0.6)

Picture = Callable[[torch.Tensor], torch.Tensor]
"""From vertex colours (n, 3) to a picture (h, w, 3 or more)."""


def shaded_colours(surface: Surface) -> torch.Tensor:
    """Grey vertex colours (n, 3) under a lamp, so that an evenly lit picture has a form to keep."""
    positions, faces = surface.positions.astype(float), surface.faces
    a, b, c = (positions[faces[:, k]] for k in range(3))
    across = np.cross(b - a, c - a)
    normals = np.zeros_like(positions)
    for k in range(3):
        np.add.at(normals, faces[:, k], across)
    normals /= np.linalg.norm(normals, axis=1, keepdims=True) + 1e-12
    light = np.array(LIGHT) / np.linalg.norm(LIGHT)
    brightness = 0.2 + 0.7 * np.clip(normals @ light, 0, 1)
    return torch.from_numpy(np.repeat(brightness[:, None], 3, 1).astype(np.float32))


class Painting:
    """What both renderers are asked to paint: swirls on the scan, by Adam on its vertex colours."""

    def __init__(self, start: torch.Tensor, content: torch.Tensor) -> None:
        """`start`: vertex colours; `content` (h, w, 3): how they look."""
        height, width = content.shape[:2]
        style = read_image(ROOT / "scenes/styles/swirls.jpg").pixels
        self._style = _planes(resize(Image(torch.from_numpy(style)), ImageSize(height, width)))
        self._start, self._content = start, content
        self._encoder = load_encoder("vgg19", dtype=torch.float32, device=start.device)
        with torch.no_grad():
            wanted = self._encoder(self._style.to(start.device), STYLE_LAYERS)
            self._grams = {layer: mean_gram(wanted[layer]) for layer in STYLE_LAYERS}
            self._kept = self._encoder(_planes(content), (CONTENT_LAYER,))[CONTENT_LAYER]

    def paint(self, picture: Picture, steps: int) -> tuple[torch.Tensor, dict[str, float]]:
        """The painted colours, and the loss after the last step and processor seconds: all, and the renderer's."""
        colours = self._start.clone().requires_grad_()
        optimiser = torch.optim.Adam([colours], lr=RATE)
        begun, drawn = time.process_time(), 0.0
        for _ in range(steps):
            optimiser.zero_grad()
            clock = time.process_time()
            shown = picture(colours)[..., :3]
            drawn += time.process_time() - clock
            image = shown.detach().requires_grad_()
            self._loss(image).backward()
            clock = time.process_time()
            shown.backward(image.grad)
            drawn += time.process_time() - clock
            optimiser.step()
            with torch.no_grad():
                colours.clamp_(0, 1)
        spent = time.process_time() - begun
        with torch.no_grad():
            loss = float(self._loss(picture(colours)[..., :3]))
        return colours.detach(), {"loss": loss, "cpu_s": spent, "renderer_cpu_s": drawn}

    def quality(self, shown: torch.Tensor) -> dict[str, float | str]:
        """Distances of a picture (h, w, 3) to the style in VGG-16 and to the content; the reason without weights."""
        pixels, content = (x.detach().cpu().numpy() for x in (shown, self._content))
        covered = torch.from_numpy((content < 0.99).any(-1)).float()
        try:
            judge = load_encoder("vgg16-torchvision", dtype=torch.float32)
            near = style_distance(judge, [(_planes(shown.cpu()), covered)], [(self._style, None)])
            lpips = Lpips("alex").distance(pixels, content)
        except MissingDependencyError as error:
            return {"quality": str(error)}
        return {"vgg16_gram": near.gram, "vgg16_sliced": near.sliced, "lpips_to_content": lpips}

    def _loss(self, image: torch.Tensor) -> torch.Tensor:
        found = self._encoder(_planes(image), STYLE_LAYERS)
        style = sum(
            gram_loss(mean_gram(found[layer]), self._grams[layer], "relative") for layer in STYLE_LAYERS
        )
        kept = content_loss(found[CONTENT_LAYER], self._kept, normalise="relative")
        return GRAM * style / len(STYLE_LAYERS) + CONTENT * kept


def paintings(sides: dict[str, Picture], start: torch.Tensor, judge: Picture, steps: int) -> dict[str, Any]:
    """A painting through each renderer, all seen by one (`judge`): their figures, and how alike they are."""
    with torch.no_grad():
        content = judge(start)[..., :3]
    task = Painting(start, content)
    numbers: dict[str, Any] = {}
    seen: list[Array] = []
    for name, picture in sides.items():
        colours, figures = task.paint(picture, steps)
        with torch.no_grad():
            shown = judge(colours)[..., :3].clamp(0, 1)
        seen.append(shown.cpu().numpy())
        row = figures | task.quality(shown)
        numbers[f"painted_{name}"] = {k: v if isinstance(v, str) else round(v, 4) for k, v in row.items()}
    numbers["unpainted"] = {
        k: v if isinstance(v, str) else round(v, 4) for k, v in task.quality(content).items()
    }
    numbers["painted_psnr"] = round(psnr(seen[0], seen[1]), 1)
    return numbers | {"pictures": [content.cpu().numpy(), *seen]}


def _planes(picture: torch.Tensor) -> Planes:
    return Planes(picture.permute(2, 0, 1).contiguous())
