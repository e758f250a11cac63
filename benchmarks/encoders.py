"""How pictures painted with other encoders, and with their activations smoothed, compare with VGG-19's.

    python benchmarks/encoders.py [CONTENT] [STYLE] [--encoders NAME …] [--size PIXELS] [--out DIR] [--judge FILE]

Paints the picture with each encoder and smoothing, with the preset for pictures. Prints the distance to the style and
that to the content in VGG-16, which no painting used, and CPU seconds. Writes the paintings beside each other.
Last, one line of JSON.
"""

from __future__ import annotations

import argparse
import dataclasses
import tempfile
import time
from pathlib import Path

import torch
import torch.nn.functional as F
from common import data_dir, parser_for, report

from nst3d.features.encoder import Encoder
from nst3d.features.kinds import encoder_kind
from nst3d.features.weights import load_encoder
from nst3d.images.io import read_image, write_image
from nst3d.metrics.style import style_distance
from nst3d.pipeline.jobs.paint import run_job
from nst3d.pipeline.kinds.paint_job import Job
from nst3d.pipeline.settings.config import PaintConfig, preset
from nst3d.pipeline.settings.overrides import override
from nst3d.tensors import Planes

_CONTENT_LAYER = "relu4_1"
_STYLE_SCALE = 1.2


def planes(path: Path, long: int) -> Planes:
    """A picture (3, h, w) whose long side is `long`."""
    whole = torch.from_numpy(read_image(path).pixels).permute(2, 0, 1)[None]
    height, width = (max(1, round(side * long / max(whole.shape[2:]))) for side in whole.shape[2:])
    return Planes(F.interpolate(whole, (height, width), mode="area")[0])


def painted(given: argparse.Namespace, encoder: str, smooth: str) -> tuple[Planes, float]:
    """The picture painted with an encoder, and the CPU seconds that it took."""
    config = override(PaintConfig(), preset("picture"), "picture").with_size(given.size)
    recipe = dataclasses.replace(config.recipe, encoder=encoder, smooth=smooth)
    with tempfile.TemporaryDirectory() as folder:
        start = time.process_time()
        run_job(
            Job(
                given.content,
                (given.style,),
                Path(folder) / "out",
                dataclasses.replace(config, recipe=recipe),
            )
        )
        taken = time.process_time() - start
        return planes(Path(folder) / "out" / "painted.png", given.size), taken


@torch.no_grad()
def content_distance(judge: Encoder, picture: Planes, content: Planes) -> float:
    """‖F − P‖ / ‖P‖ of the features of a painting and of its content."""
    mine, theirs = (judge(each, (_CONTENT_LAYER,))[_CONTENT_LAYER] for each in (picture, content))
    return float((mine - theirs).norm() / theirs.norm())


def arguments() -> argparse.Namespace:
    """What is painted, and with what."""
    parser = parser_for(__doc__)
    parser.add_argument("content", nargs="?", type=Path)
    parser.add_argument("style", nargs="?", type=Path)
    parser.add_argument("--encoders", nargs="+", default=["resnet50-half"])
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--out", type=Path, default=Path("renders/encoders"))
    parser.add_argument("--judge", type=Path, help="VGG-16's weights; default: searched like all weights")
    given = parser.parse_args()
    given.content = given.content or data_dir() / "content/chelsea.png"
    given.style = given.style or data_dir() / "styles/starry_night_vangogh_1889.jpg"
    given.out.mkdir(parents=True, exist_ok=True)
    return given


def main() -> None:
    """Paint and measure with VGG-19, then with each encoder."""
    given = arguments()
    judge = load_encoder("vgg16-torchvision", dtype=torch.float32, path=given.judge)
    content, style = planes(given.content, given.size), planes(given.style, round(_STYLE_SCALE * given.size))
    ways = [("vgg19", "none")]
    for encoder in given.encoders:
        smooths = ("none", "softmax", "tanh") if encoder_kind(encoder).residual else ("none",)
        ways += [(encoder, smooth) for smooth in smooths]
    figures, pictures = {}, []
    for encoder, smooth in ways:
        picture, taken = painted(given, encoder, smooth)
        distance = style_distance(judge, [(picture, None)], [(style, None)])
        name = f"{encoder}, {smooth}"
        figures[f"{name}: style, Gram"] = round(distance.gram, 3)
        figures[f"{name}: style, sliced Wasserstein"] = round(distance.sliced, 3)
        figures[f"{name}: content"] = round(content_distance(judge, picture, content), 3)
        figures[f"{name}: CPU s"] = round(taken, 1)
        pictures.append(picture)
    write_image(given.out / "paintings.png", torch.cat(pictures, 2).permute(1, 2, 0).numpy())
    report(f"encoders, {given.content.stem}, {given.style.stem}, {given.size} pixels", figures, given.save)


if __name__ == "__main__":
    main()
