"""Guided predictions of noise, and the steps that take it away."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch

from nst3d.stylize.diffusion.networks import Latents, Networks, Prompts

Agree = Callable[[list[Latents]], list[Latents]]
"""Moves what all pictures are predicted to be towards something that they have in common."""


@dataclass(frozen=True)
class Guidance:
    """How strongly predictions follow what they are given."""

    words: float = 7.5
    """Of the words: 1 is what the network predicts, more is exaggerated."""
    picture: float = 1.5
    """Of the picture beside the latents, for networks that see one."""
    control: float = 1.0
    """Of the ControlNet."""


@dataclass(frozen=True)
class Hints:
    """What a network sees beside a picture's latents."""

    picture: Latents | None = None
    """(c, h', w'): the latents of the picture to edit, unscaled, for InstructPix2Pix."""
    control: torch.Tensor | None = None
    """(3, h, w) in [0, 1]: the picture for the ControlNet."""
    content: Callable[[int], Latents] | None = None
    """Maps a step to the latents (c, h', w') of what the picture showed before painting, as noisy as at that step."""


class Predictor(Protocol):
    """What predicts the noise in pictures."""

    def prepare(self, latents: Sequence[Latents], step: int, hints: Sequence[Hints]) -> None:
        """Called before a step with all pictures as they are then."""

    def noise(self, latents: Latents, step: int, hints: Hints) -> Latents:
        """The noise (c, h', w') in a picture's latents at a step of the network's."""


class Denoiser(Predictor):
    """A model with words, which predicts the noise in latents."""

    def __init__(self, networks: Networks, prompts: Prompts, guidance: Guidance) -> None:
        self._networks, self._prompts, self._guidance = networks, prompts, guidance

    def prepare(self, latents: Sequence[Latents], step: int, hints: Sequence[Hints]) -> None:
        """Nothing: a picture is looked at alone."""

    @torch.no_grad()
    def plain(self, latents: Latents, step: int, hints: Hints, words: torch.Tensor) -> Latents:
        """The noise (c, h', w') in latents with these words (1, tokens, c), and no guidance."""
        return self._predicted(latents, step, hints, [words], [1.0])[0]

    @torch.no_grad()
    def noise(self, latents: Latents, step: int, hints: Hints) -> Latents:
        """The noise (c, h', w') in latents at a step of the network's, by classifier-free guidance.

        u + s (w − u) with the prediction w with the words and u with those to avoid (Ho & Salimans 2022). With a
        picture beside the latents, n + s_p (u − n) + s (w − u), where n is u without the picture (Brooks, Holynski &
        Efros 2023, "InstructPix2Pix", equation 3).
        """
        own = self._guidance
        wanted, unwanted = self._prompts.wanted, self._prompts.unwanted
        if not self._networks.instructed:
            without, with_words = self._predicted(latents, step, hints, [unwanted, wanted], [1.0, 1.0])
            return without + own.words * (with_words - without)
        rows = [unwanted, unwanted, wanted]
        bare, without, with_words = self._predicted(latents, step, hints, rows, [0.0, 1.0, 1.0])
        return bare + own.picture * (without - bare) + own.words * (with_words - without)

    def unguided(self, latents: Latents, step: int, hints: Hints, words: torch.Tensor) -> Latents:
        """The noise (c, h', w') in latents with these words (1, tokens, c) alone; differentiable."""
        return self._predicted(latents, step, hints, [words], [1.0])[0]

    def _predicted(
        self,
        latents: Latents,
        step: int,
        hints: Hints,
        words: Sequence[torch.Tensor],
        shares: Sequence[float],
    ) -> torch.Tensor:
        """The noise (n, c, h', w') with each of the words, beside so much of the picture."""
        networks, count = self._networks, len(words)
        dtype, device = networks.dtype, networks.unet.device
        noisy = latents.to(device, dtype).expand(count, *latents.shape)
        batch = noisy
        if networks.instructed:
            assert hints.picture is not None
            beside = hints.picture.to(batch)
            batch = torch.cat([batch, torch.stack([beside * share for share in shares])], 1)
        rows = torch.cat(list(words)).to(batch)
        others = {}
        if networks.control is not None and hints.control is not None:
            shown = hints.control.to(batch).expand(count, *hints.control.shape)
            down, middle = networks.control(
                batch,
                step,
                encoder_hidden_states=rows,
                controlnet_cond=shown,
                conditioning_scale=self._guidance.control,
                return_dict=False,
            )
            others = {"down_block_additional_residuals": down, "mid_block_additional_residual": middle}
        output = networks.unet(batch, step, encoder_hidden_states=rows, **others).sample.float()
        return self._noise_in(output, noisy.float(), step)

    def _noise_in(self, output: torch.Tensor, latents: torch.Tensor, step: int) -> torch.Tensor:
        """The noise in latents, from whatever the network was taught to predict."""
        level = float(self._networks.levels[step])
        kind = self._networks.scheduler.config.prediction_type
        if kind == "v_prediction":  # Salimans & Ho 2022: v = √ᾱ ε − √(1 − ᾱ) x
            return level**0.5 * output + (1 - level) ** 0.5 * latents
        if kind == "sample":
            return (latents - level**0.5 * output) / max(1 - level, 1e-8) ** 0.5
        return output


def steps_from(networks: Networks, count: int, strength: float) -> list[int]:
    """The steps of the network's, from noisy to clear, of the last `strength` of `count`; at least one."""
    networks.scheduler.set_timesteps(count)
    steps = [int(step) for step in networks.scheduler.timesteps]
    return steps[-max(1, round(count * strength)) :]


def noised(networks: Networks, latents: Latents, noise: torch.Tensor, step: int) -> Latents:
    """√ᾱ x + √(1 − ᾱ) ε: latents at the noise level of a step."""
    level = float(networks.levels[step])
    return level**0.5 * latents + (1 - level) ** 0.5 * noise.to(latents)


def denoised(
    predictor: Predictor,
    networks: Networks,
    latents: Sequence[Latents],
    hints: Sequence[Hints],
    steps: Sequence[int],
    agree: Agree | None = None,
) -> list[Latents]:
    """The latents of all pictures after these steps, by DDIM without new noise (Song, Meng & Ermon 2021, equation 12).

    They are at the noise level of the first step. Pictures go through the network one at a time. After each step,
    `agree` gets what all are predicted to be without noise.
    """
    now = list(latents)
    for index, step in enumerate(steps):
        level = float(networks.levels[step])
        after = (
            float(networks.levels[steps[index + 1]])
            if index + 1 < len(steps)
            else float(networks.scheduler.final_alpha_cumprod)
        )
        predictor.prepare(now, step, hints)
        clear = []
        for noisy, hint in zip(now, hints):
            noise = predictor.noise(noisy, step, hint).to(noisy)
            clear.append((noisy - (1 - level) ** 0.5 * noise) / max(level, 1e-8) ** 0.5)
        if agree is not None:
            clear = agree(clear)
        for k, (noisy, found) in enumerate(zip(now, clear)):
            noise = (noisy - level**0.5 * found) / max(1 - level, 1e-8) ** 0.5
            now[k] = after**0.5 * found + (1 - after) ** 0.5 * noise
    return now
