"""A diffusion model as a guide: the scores of views, distilled into the scene."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal, final

import torch
import torch.nn.functional as F

from nst3d.bounds import Within
from nst3d.errors import ConfigError, sparing
from nst3d.options import Declared
from nst3d.stylize.diffusion.controls import ControlOf, continued, control_picture
from nst3d.stylize.diffusion.denoise import Denoiser, Guidance, Hints, noised
from nst3d.stylize.diffusion.interval import interval_score
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
from nst3d.stylize.diffusion.variational import OwnScore
from nst3d.stylize.guide import Guide
from nst3d.stylize.guides import GuideInputs, register_guide
from nst3d.stylize.look import Look
from nst3d.stylize.style import Style
from nst3d.tensors import Planes

Way = Literal["sds", "dds", "vsd", "ism"]
_SMALLER = "a smaller option size (score.size)"
_APART = 0x5C0_4E5
"""Keeps what a render is learnt with apart from what it is judged with."""
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
    rank: Annotated[int, Within(1, 256)] = 4
    """Rank of the change of the model that learns the renders, for the way "vsd"."""
    rate: Annotated[float, Within(0, 1)] = 1e-4
    """Step size of Adam in that learning."""
    interval: Annotated[int, Within(1, 1000)] = 50
    """The network's steps between the two noise levels that the way "ism" compares,"""
    stride: Annotated[int, Within(1, 1000)] = 200
    """and those that it takes at a time to get there."""
    control: str = ""
    """Folder of a ControlNet, or its name on Hugging Face."""
    control_of: ControlOf = "depth"
    """What the ControlNet sees of the scene."""
    control_weight: Annotated[float, Within(0, 10)] = 1.0
    """How strongly views follow the ControlNet."""
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
        if self.control_of != "depth" and not self.control:
            raise ConfigError(
                f"term score: control_of={self.control_of} says what a ControlNet sees: give control=FOLDER, too"
            )


@final
class ScoreGuide(Guide):
    """How a diffusion model would change a view, as a gradient.

    "sds" is score distillation (Poole et al. 2023, "DreamFusion: text-to-3D using 2D diffusion", equation 3): for
    latents z, noise ε and a step t, the gradient at z is w(t) (ε̂(z_t) − ε), with w(t) = 1 − ᾱ(t). "dds" is the delta
    denoising score (Hertz, Aberman & Cohen-Or 2023): the noise is replaced by what the network predicts of the view's
    content with the words that say what the scene is, at the same step and with the same noise, so that what is wrong
    with either prediction cancels. "vsd" is variational score distillation (Wang et al. 2023, "ProlificDreamer"): it is
    replaced by what a network predicts that learns the renders as they are noted (`OwnScore`); with a LoRA and a
    ControlNet, that is the texture score of Yeh et al. 2024, "TextureDreamer". "ism" is interval score matching
    (`interval_score`). Other than in these papers, steps are drawn from a range that shrinks over the run.
    The network itself is not differentiated, but in what "vsd" learns: memory is that of its encoder's gradient.
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
        own, self._prompts = self._scoring, prompts
        guidance = Guidance(words=own.guidance, control=own.control_weight)
        self._denoiser = Denoiser(networks, prompts, guidance)
        self._before = before
        self._source = None if before is None else Denoiser(networks, before[1], guidance)
        self._own: OwnScore | None = None
        if own.way == "vsd":
            self._own = OwnScore(networks, self._denoiser, prompts.wanted, own.rank, own.rate)

    def judge(self, look: Look) -> tuple[torch.Tensor, dict[str, float]]:
        """Half of the gradient's mean square; its own gradient at the latents is theirs, divided by their number."""
        with sparing("term score", _SMALLER):
            latents = self._networks.encode(self._shown(look.image, look))
            gradient = self.gradient(latents.detach(), look)
        loss = 0.5 * (latents - (latents.detach() - gradient)).square().mean()
        return loss, {"score": float(loss.detach())}

    def note(self, look: Look) -> None:
        """Learn the render, for the way "vsd"."""
        if self._own is None:
            return
        generator = torch.Generator().manual_seed(look.generator().initial_seed() ^ _APART)
        with sparing("term score", f"{_SMALLER}, or another way than vsd"):
            with torch.no_grad():
                latents = self._networks.encode(self._shown(look.image, look))
            self._own.learn(latents, self._hints(latents, look), generator)

    def state(self) -> dict[str, Any]:
        """What was learnt of the renders."""
        return {} if self._own is None else self._own.state()

    def restore(self, state: dict[str, Any]) -> None:
        """Restore what was learnt of the renders."""
        if self._own is not None and state:
            self._own.restore(state)

    @torch.no_grad()
    def gradient(self, latents: Latents, look: Look) -> torch.Tensor:
        """The gradient (c, h', w') at the latents of a look."""
        own, networks, generator = self._scoring, self._networks, look.generator()
        step, hints = self.step_of(look, generator), self._hints(latents, look)
        weight = 1 - float(networks.levels[step])
        if own.way == "ism":
            lengths = own.interval, own.stride
            unwanted = self._prompts.unwanted
            return weight * interval_score(self._denoiser, networks, latents, step, hints, unwanted, lengths)
        noise = torch.randn(latents.shape, generator=generator).to(latents)
        noisy = noised(networks, latents, noise, step)
        found = self._denoiser.noise(noisy, step, hints)
        if self._own is not None:
            noise = self._own.noise(noisy, step, hints)
        if self._before is not None and self._source is not None:
            content = networks.encode(self._shown(Planes(self._before[0](look.view).to(look.image)), look))
            noise = self._source.noise(noised(networks, content, noise, step), step, hints)
        return weight * (found - noise)

    def _hints(self, latents: Latents, look: Look) -> Hints:
        """What the ControlNet sees, as large as the picture of the latents."""
        if self._networks.control is None:
            return Hints()
        stride = self._networks.stride
        seen = look.image.shape[1], look.image.shape[2]
        picture = control_picture(look, self._scoring.control_of, seen, "term score: option control")
        picture, size = self._sized(picture), (latents.shape[1] * stride, latents.shape[2] * stride)
        return Hints(control=continued(picture, self._scoring.control_of, size))

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
        return Planes(self._sized(picture))

    def _sized(self, picture: torch.Tensor) -> torch.Tensor:
        """A picture (3, h, w), made as small as the network is to see it."""
        height, width = picture.shape[1:]
        scale = min(1.0, self._scoring.size / max(height, width))
        if scale == 1:
            return picture
        size = max(1, round(height * scale)), max(1, round(width * scale))
        return F.interpolate(picture[None], size, mode="bilinear", antialias=True, align_corners=False)[0]


def _make(inputs: GuideInputs) -> ScoreGuide:
    own, device = Scoring(**inputs.options), inputs.background.device
    lora = Lora(own.lora, own.lora_weight)
    key = "score", own.model, own.control, own.lora, own.lora_weight, str(device)
    with sparing("term score", "a smaller model"):
        networks = inputs.loaded.once(
            key, lambda: load_networks(own.model, _WANTED, own.control, lora).to(device)
        )
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
