"""A step by words: the guide of `--text`, with a random network of ViT-B/32's size, beside its networks alone.

CPU time on one thread, the least of several turns, of judging a view and its gradient; of CLIP on as many pictures as
the guide looks at; and of VGG-19 on the view, which the other losses of a recipe need. Peak memory is the process's.
"""

from __future__ import annotations

import torch
from common import least_cpu_ms, parser_for, report
from torch import nn

from nst3d.features import load_encoder
from nst3d.features.attention.blocks import BlockSizes
from nst3d.features.attention.clip import Clip
from nst3d.features.attention.text import TextSizes, TextTransformer
from nst3d.features.attention.vit import VisionTransformer, VitSizes
from nst3d.features.precision import fast_dtype
from nst3d.pipeline.runtime.machine import peak_memory_gb, use_threads
from nst3d.stylize.look import Look
from nst3d.stylize.words.guide import Judging, WordsGuide
from nst3d.stylize.words.prompts import Goal
from nst3d.tensors import Planes

LAYERS = ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu4_2")


def vit_b_32() -> Clip:
    """A random network of the sizes of OpenAI's ViT-B/32."""
    blocks = BlockSizes(768, 12, 3072, "quick")
    visual = VisionTransformer(VitSizes(blocks, 12, 32, 7, has_first_norm=True, joined=512))
    text = TextTransformer(TextSizes(BlockSizes(512, 8, 2048, "quick", is_causal=True), 12, 49408, 77, 512))
    clip = Clip(visual, text)
    for values in clip.parameters():
        if values.dim() > 1:
            nn.init.normal_(values, std=values.shape[-1] ** -0.5)
    return clip.eval().requires_grad_(False).to(fast_dtype())


def main() -> None:
    """Measure at one size."""
    parser = parser_for(__doc__)
    parser.add_argument("--size", type=int, default=512)
    parser.add_argument("--repeats", type=int, default=5)
    given = parser.parse_args()
    use_threads(1)
    torch.manual_seed(0)
    clip, encoder = vit_b_32(), load_encoder()
    judging, goal = Judging(), nn.functional.normalize(torch.randn(512), dim=0)
    view = Planes(torch.rand(3, given.size, given.size))
    guide = WordsGuide(clip, [Goal(goal, goal)], lambda _: view, torch.full((3,), 0.5), judging)
    seen = 1 + judging.views + judging.crops

    def step() -> None:
        image = torch.rand(view.shape).requires_grad_()
        loss, _ = guide.judge(Look(Planes(image), torch.ones(image.shape[1:])))
        loss.backward()

    def network() -> None:
        clip.picture_features(torch.rand(seen, 3, clip.side, clip.side).requires_grad_()).sum().backward()

    def vgg() -> None:
        image = view.clone().requires_grad_()
        torch.stack([f.square().mean() for f in encoder(image, LAYERS).values()]).sum().backward()

    times = {name.__name__: least_cpu_ms(name, given.repeats) for name in (step, network, vgg)}
    numbers = {f"{name}_cpu_ms": round(value) for name, value in times.items()}
    numbers |= {
        "size": given.size,
        "pictures": seen,
        "step_over_clip": round(times["step"] / times["network"], 2),
        "step_over_both": round(times["step"] / (times["network"] + times["vgg"]), 2),
        "peak_gb": peak_memory_gb(),
    }
    report("a step by words", numbers, given.save)


if __name__ == "__main__":
    main()
