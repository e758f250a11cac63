"""A diffusion model as a guide: the scores of views, distilled into the scene."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal, final

import torch
import torch.nn.functional as F

from nst3d.bounds import Within
from nst3d.errors import ConfigError
from nst3d.options import Declared
from nst3d.stylize.diffusion.denoise import Denoiser, Guidance, Hints, noised
from nst3d.stylize.diffusion.lora import Lora, lora_file
from nst3d.stylize.diffusion.networks import (
    Latents,
    Networks,
    Prompts,
    check_worded,
    cut_off,
    load_networks,
    prompts_of,
)
from nst3d.stylize.guide import Guide
from nst3d.stylize.guides import GuideInputs, register_guide
from nst3d.stylize.look import Look
from nst3d.stylize.style import Style
from nst3d.tensors import Planes

Way = Literal["sds", "dds"]
_WANTED = "term score: option model"


@dataclass(frozen=True)
class Scoring:
    """How views are scored: the options of the guide."""

    model: str = ""
    """Folder of a diffusers model, or its name on Hugging Face."""
    way: Way = "sds"
    guidance: Annotated[float, Within(0, 1000)] = 30.0
    """How strongly views follow the words: 1 is what the network predicts, more is exaggerated."""
    source: str = ""
    """What the scene is, in words, for the way "dds"."""
    least: Annotated[float, Within(0, 1)] = 0.02
    """Share of the network's steps, from clear to noisy, from which a view's is drawn,"""
    most: Annotated[float, Within(0, 1)] = 0.98
    """and up to which, at the beginning of the run;"""
    last: Annotated[float, Within(0, 1)] = 0.5
    """and at its end. What lies between changes linearly."""
    lora: str = ""
    """A .safetensors file of a LoRA for the model, or a folder with one."""
    lora_weight: Annotated[float, Within(-10, 10)] = 1.0
    """How strongly it counts; 0 is the model as it was."""
    size: Annotated[int, Within(64, 4096)] = 512
    """Long side of the views that the network sees, at most, in pixels."""

    def __post_init__(self) -> None:
        """Raise ConfigError for options that contradict each other."""
        if self.way == "dds" and not self.source:
            raise ConfigError(
                "term score: way=dds needs the option source, which says what the scene is, such as 'a lighthouse'"
            )


@final
class ScoreGuide(Guide):
    """How a diffusion model would change a view, as a gradient.

    "sds" is score distillation (Poole et al. 2023, "DreamFusion: text-to-3D using 2D diffusion", equation 3): for
    latents z, noise ε and a step t, the gradient at z is w(t) (ε̂(z_t) − ε), with w(t) = 1 − ᾱ(t). "dds" is the delta
    denoising score (Hertz, Aberman & Cohen-Or 2023): the noise is replaced by what the network predicts of the view's
    content with the words that say what the scene is, at the same step and with the same noise, so that what is wrong
    with either prediction cancels. Other than in these papers, steps are drawn from a range that shrinks over the run.
    The network itself is not differentiated: memory is that of its encoder's gradient.
    """

    def __init__(
        self,
        networks: Networks,
        prompts: Prompts,
        background: torch.Tensor,
        scoring: Scoring | None = None,
        before: tuple[Callable[[int], Planes], Prompts] | None = None,
    ) -> None:
        """`before` maps a view to its content (3, h, w), and says what that is in words, for the way "dds"."""
        self.background = background
        self._networks, self._scoring = networks, scoring or Scoring()
        guidance = Guidance(words=self._scoring.guidance)
        self._denoiser = Denoiser(networks, prompts, guidance)
        self._before = before
        self._source = None if before is None else Denoiser(networks, before[1], guidance)

    def judge(self, look: Look) -> tuple[torch.Tensor, dict[str, float]]:
        """Half of the gradient's mean square; its own gradient at the latents is theirs, divided by their number."""
        latents = self._networks.encode(self._shown(look.image, look))
        gradient = self.gradient(latents.detach(), look)
        loss = 0.5 * (latents - (latents.detach() - gradient)).square().mean()
        return loss, {"score": float(loss.detach())}

    @torch.no_grad()
    def gradient(self, latents: Latents, look: Look) -> torch.Tensor:
        """The gradient (c, h', w') at the latents of a look."""
        generator = look.generator()
        step = self.step_of(look, generator)
        noise = torch.randn(latents.shape, generator=generator).to(latents)
        found = self._denoiser.noise(noised(self._networks, latents, noise, step), step, Hints())
        if self._before is not None and self._source is not None:
            content = self._networks.encode(
                self._shown(Planes(self._before[0](look.view).to(look.image)), look)
            )
            noise = self._source.noise(noised(self._networks, content, noise, step), step, Hints())
        return (1 - float(self._networks.levels[step])) * (found - noise)

    def step_of(self, look: Look, generator: torch.Generator) -> int:
        """The network's step for a look: drawn evenly from the range of the run's share."""
        own, count = self._scoring, len(self._networks.levels)
        most = own.most + (own.last - own.most) * look.share
        drawn = own.least + (max(most, own.least) - own.least) * float(torch.rand((), generator=generator))
        return min(count - 1, max(0, round(drawn * count)))

    def _shown(self, image: Planes, look: Look) -> Planes:
        """A picture with only what the look covers, which may be a region, over the background; at most `size`."""
        inside = (2 * look.coverage).clamp(max=1).to(image)  # the borders of what is opaque stay as they are
        background = self.background.to(image)[:, None, None]
        picture = background + (image - background) * inside
        height, width = picture.shape[1:]
        scale = min(1.0, self._scoring.size / max(height, width))
        if scale == 1:
            return Planes(picture)
        size = max(1, round(height * scale)), max(1, round(width * scale))
        return Planes(
            F.interpolate(picture[None], size, mode="bilinear", antialias=True, align_corners=False)[0]
        )


def _make(inputs: GuideInputs) -> ScoreGuide:
    own, device = Scoring(**inputs.options), inputs.background.device
    lora = Lora(own.lora, own.lora_weight)
    key = "score", own.model, own.lora, own.lora_weight, str(device)
    networks = inputs.loaded.once(key, lambda: load_networks(own.model, _WANTED, lora=lora).to(device))
    if networks.instructed:
        raise ConfigError(
            f"term score: {own.model} follows instructions: give a model that paints from texts"
        )
    prompts = prompts_of(networks, inputs.styles)
    before = None
    if own.way == "dds":
        before = inputs.scene.content, Prompts(networks.read(own.source), prompts.unwanted)
    return ScoreGuide(networks, prompts, inputs.background, own, before)


def _ready(options: Mapping[str, Any], styles: Sequence[Style]) -> list[str]:
    own = Scoring(**options)
    check_worded(styles)
    if own.lora:
        lora_file(own.lora, _WANTED.replace("model", "lora"))
    return cut_off(own.model, _WANTED, styles)


register_guide("score", _make, Declared(Scoring), reads_words=True, ready=_ready)
