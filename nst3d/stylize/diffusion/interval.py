"""The interval score: what words change between two noise levels of one trajectory."""

from __future__ import annotations

import torch

from nst3d.stylize.diffusion.denoise import Denoiser, Hints
from nst3d.stylize.diffusion.networks import Latents, Networks


@torch.no_grad()
def interval_score(
    denoiser: Denoiser,
    networks: Networks,
    latents: Latents,
    step: int,
    hints: Hints,
    unwanted: torch.Tensor,
    lengths: tuple[int, int],
) -> torch.Tensor:
    """ε̂(x_t, t, y) − ε(x_s, s, ∅), (c, h', w'), of Liang et al. 2024, "LucidDreamer", whose ∇L_ISM is ω(t) times this.

    `lengths` are δ_T and δ_S, in steps of the network's: s = t − δ_T, and x_s and x_t lie on the way that DDIM takes
    back from the latents x_0 without words: x_b = √ᾱ_b x̂_0 + √(1 − ᾱ_b) ε(x_a, a, ∅) in strides of δ_S up to s, and
    from s to t in one. Nothing is drawn: equal views have equal scores. Without words is with those to avoid,
    `unwanted` (1, tokens, c), as in guidance.
    """
    interval, stride = lengths
    before = max(step - interval, 0)
    now, level = latents, 1.0  # x_0 has no noise, whatever the first level is
    noise = denoiser.unguided(now, 0, hints, unwanted).to(now)
    for after in (*range(stride, before, stride), *((before,) if before else ())):
        now, level = _moved(networks, now, level, noise, after)
        noise = denoiser.unguided(now, after, hints, unwanted).to(now)
    last, _ = _moved(networks, now, level, noise, step)
    return denoiser.noise(last, step, hints).to(now) - noise


def _moved(
    networks: Networks, latents: Latents, level: float, noise: torch.Tensor, step: int
) -> tuple[Latents, float]:
    """Latents of a level ᾱ moved along their noise to that of a step, and its ᾱ."""
    clear = (latents - (1 - level) ** 0.5 * noise) / max(level, 1e-8) ** 0.5
    after = float(networks.levels[step])
    return after**0.5 * clear + (1 - after) ** 0.5 * noise, after
