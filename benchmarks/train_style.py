"""Trained networks: how near their pictures come to the loss that optimising the same pictures reaches.

    python benchmarks/train_style.py [--on SCENE|FOLDER|VIDEO] [--style FILE] [--size 256] [--minutes 10]
                                     [--steps N,N,...] [--optimise 200] [--out DIR]

Trains a network for some minutes, or one for each number of steps, and prints its loss on held-out pictures, which it
was not trained on, divided by the optimiser's: the pixels of each of these pictures are optimised by Adam for the same
guide, from the picture itself. Writes the held-out pictures, as optimised and as each network paints them. Last, one
line of JSON.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch
from common import ROOT, data_dir, parser_for, report

from nst3d.images.io import write_image
from nst3d.integrations.bridges import BRIDGES
from nst3d.networks.style_network import load_style_network
from nst3d.pipeline.jobs.train_loop import divided
from nst3d.pipeline.jobs.train_pictures import gather_shots
from nst3d.pipeline.jobs.train_report import guide_of_pictures
from nst3d.pipeline.jobs.train_style import TrainJob, run_training, trainable
from nst3d.pipeline.runtime.events import Events
from nst3d.pipeline.settings.config import PaintConfig
from nst3d.pipeline.settings.train import TrainOptions
from nst3d.pipeline.styles import find_encoder, read_style
from nst3d.stylize.guide import Guide
from nst3d.stylize.look import Look
from nst3d.tensors import Mask, Planes

RATE = 0.02


def optimised(guide: Guide, look: Look, steps: int) -> Planes:
    """A look's picture (3, h, w), optimised for the guide with a rate that falls to 0 along half a cosine."""
    image = look.image.clone().requires_grad_()
    optimiser = torch.optim.Adam([image], RATE)
    falling = torch.optim.lr_scheduler.LambdaLR(
        optimiser, lambda step: 0.5 * (1 + math.cos(math.pi * step / steps))
    )
    for _ in range(steps):
        optimiser.zero_grad()
        loss, _ = guide.judge(replace(look, image=Planes(image)))
        loss.backward()
        optimiser.step()
        falling.step()
        image.data.clamp_(0, 1)
    return Planes(image.detach())


@torch.no_grad()
def losses(guide: Guide, pictures: Sequence[Planes], masks: Sequence[Mask]) -> dict[str, float]:
    """The mean loss of pictures, and its parts."""
    found: dict[str, float] = {}
    for view, (picture, mask) in enumerate(zip(pictures, masks)):
        total, parts = guide.judge(Look(picture, mask, view))
        for name, value in ({"loss": float(total)} | parts).items():
            found[name] = found.get(name, 0.0) + value / len(pictures)
    return found


def arguments() -> argparse.Namespace:
    """The command line's."""
    parser = parser_for(__doc__)
    parser.add_argument("--on", default=ROOT / "scenes/lighthouse/lighthouse.glb", type=Path)
    parser.add_argument("--style", type=Path, help="default: The Scream, in the data folder")
    parser.add_argument("--size", default=256, type=int)
    parser.add_argument("--minutes", default=10.0, type=float)
    parser.add_argument("--steps", default="", help="in place of minutes, as many networks as numbers")
    parser.add_argument("--optimise", default=200, type=int, help="steps of the optimiser")
    parser.add_argument("--out", default=Path("renders/train_style"), type=Path)
    given = parser.parse_args()
    given.style = given.style or data_dir() / "styles/the_scream_munch_1893.jpg"
    given.out.mkdir(parents=True, exist_ok=True)
    return given


def main() -> None:
    """Optimise the held-out pictures, then train and measure."""
    given = arguments()
    options = TrainOptions(size=given.size, minutes=given.minutes)
    events = Events()
    style = read_style(given.style, events)
    _, held = divided(gather_shots(given.on, [given.style], options, events, BRIDGES))
    recipe = trainable(options.recipe)
    encoder = find_encoder(PaintConfig(recipe=recipe, device="cpu"), torch.device("cpu"), events)
    pictures, masks = [shot.over(style.background) for shot in held], [shot.coverage for shot in held]
    guide = guide_of_pictures(style, pictures, given.size, encoder, recipe)
    best = [
        optimised(guide, Look(picture, mask, view), given.optimise)
        for view, (picture, mask) in enumerate(zip(pictures, masks))
    ]
    numbers = {"untouched": losses(guide, pictures, masks), "optimised": losses(guide, best, masks)}
    print(numbers, flush=True)
    rows = [pictures, best]
    for steps in [int(text) for text in given.steps.split(",") if text] or [None]:
        out = given.out / f"{steps or 'minutes'}.safetensors"
        job = TrainJob([given.style], given.on, out, replace(options, steps=steps), overwrite=True)
        trained = run_training(job, bridges=BRIDGES)
        generator = load_style_network(out).generator
        with torch.no_grad():
            rows.append([Planes(generator(picture[None], [1.0])[0]) for picture in pictures])
        found = losses(guide, rows[-1], masks)
        found["ratio"] = found["loss"] / numbers["optimised"]["loss"]
        name = f"{trained.metrics['steps']} steps in {trained.metrics['train_s']:.0f} s"
        numbers[name] = found
        print(name, found, flush=True)
    high, wide = (max(picture.shape[axis] for picture in pictures) for axis in (1, 2))
    sheet = torch.ones(3, high * len(rows), wide * len(pictures))
    for r, row in enumerate(rows):
        for c, picture in enumerate(row):
            sheet[:, r * high :, c * wide :][:, : picture.shape[1], : picture.shape[2]] = picture
    write_image(given.out / "sheet.png", sheet.permute(1, 2, 0).numpy())
    flat = {f"{name}: {key}": round(value, 4) for name, row in numbers.items() for key, value in row.items()}
    report(f"train-style, {given.on.stem}, {given.style.stem}, {given.size} pixels", flat, given.save)


if __name__ == "__main__":
    main()
