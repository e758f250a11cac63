"""Shows and measures what a trained network does to pictures that it has not seen."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from nst3d.features.encoder import Encoder
from nst3d.flow.warp import followed
from nst3d.images.io import write_image
from nst3d.networks.style_network import StyleNetwork
from nst3d.stylize.coat import Coat
from nst3d.stylize.feature_guide import Viewing
from nst3d.stylize.guide import Guide
from nst3d.stylize.look import Look
from nst3d.stylize.recipe import Recipe
from nst3d.stylize.stage_guide import StageInputs, build_guide
from nst3d.stylize.stage_scene import StageScene
from nst3d.stylize.style import Style
from nst3d.tensors import Array, Planes, to_image
from nst3d.training.shot import Shot
from nst3d.training.steadiness import unsteadiness

_SHOWN = 4
"""Number of pictures in a preview."""


def guide_of_pictures(
    style: Style, pictures: Sequence[Planes], size: int, encoder: Encoder, recipe: Recipe
) -> Guide:
    """What judges whole pictures (3, h, w), numbered as views, whose contents are their own."""
    scene = StageScene(len(pictures), pictures.__getitem__)
    viewing = Viewing(style.background, reduce=recipe.reduce)
    return build_guide(recipe, encoder, StageInputs([Coat([style])], scene, size, viewing))


@torch.no_grad()
def held_out_losses(
    network: StyleNetwork, styles: Sequence[Style], shots: Sequence[Shot], encoder: Encoder, recipe: Recipe
) -> dict[str, dict[str, float]]:
    """The mean loss of pictures as they are ("untouched") and as the network paints them ("painted"), by style.

    Frames with the one before them also have a "warped_error": the RMS difference of the two painted ones along the
    motion, beside that of the frames themselves ("warped_error_untouched").
    """
    found = {}
    for number, style in enumerate(styles):
        pictures = [shot.over(style.background) for shot in shots]
        guide = guide_of_pictures(style, pictures, network.size, encoder, recipe)
        mix = _only(network, number)

        def mean(painted: Sequence[Planes]) -> float:
            looks = [Look(image, shot.coverage, v) for v, (image, shot) in enumerate(zip(painted, shots))]
            return sum(float(guide.judge(look)[0]) for look in looks) / len(looks)  # noqa: B023

        painted = [Planes(network.generator(picture[None], mix)[0]) for picture in pictures]
        found[network.styles[number]] = {
            "untouched": round(mean(pictures), 4),
            "painted": round(mean(painted), 4),
        } | _steadiness(network, style, mix, shots)
    return found


def _steadiness(
    network: StyleNetwork, style: Style, mix: Sequence[float], shots: Sequence[Shot]
) -> dict[str, float]:
    """The warped errors of frames with the one before them; empty without any."""
    own, painted = list[float](), list[float]()
    for shot in shots:
        if (before := shot.before) is not None:
            frame = shot.over(style.background)
            first, memory = network.generator.follow(before.colour[None], mix)
            if memory is not None:
                memory = followed(Planes(memory[0]), before.back, before.trust)[None]
            second, _ = network.generator.follow(frame[None], mix, memory)
            for found, (here, there) in ((own, (frame, before.colour)), (painted, (second[0], first[0]))):
                apart = unsteadiness(Planes(here), Planes(there), before.back, before.trust)
                found.append(float(apart))
    if not own:
        return {}
    return {
        "warped_error_untouched": round(math.sqrt(sum(own) / len(own)), 5),
        "warped_error": round(math.sqrt(sum(painted) / len(painted)), 5),
    }


@torch.no_grad()
def write_preview(path: Path, network: StyleNetwork, styles: Sequence[Style], shots: Sequence[Shot]) -> None:
    """Write pictures before, in each style, and in an equal mix of several: a row for each picture."""
    mixes = [_only(network, number) for number in range(len(styles))]
    if len(styles) > 1:
        mixes.append([1 / len(styles)] * len(styles))
    rows: list[Array] = []
    for shot in shots[:_SHOWN]:
        row = [shot.over(styles[0].background)]
        for number, mix in enumerate(mixes):
            picture = shot.over(styles[min(number, len(styles) - 1)].background)
            row.append(Planes(network.generator(picture[None], mix)[0]))
        rows.append(torch.cat([to_image(p) for p in row], dim=1).numpy())
    widest = max(row.shape[1] for row in rows)
    padded = [np.pad(r, ((0, 0), (0, widest - r.shape[1]), (0, 0)), constant_values=1) for r in rows]
    write_image(path, np.concatenate(padded))


def _only(network: StyleNetwork, number: int) -> list[float]:
    return [float(k == number) for k in range(len(network.styles))]
