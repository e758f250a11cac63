"""The noise that a picture would be made from."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch

from nst3d.stylize.diffusion.networks import Latents, Networks

Predict = Callable[[Latents, int], torch.Tensor]
"""The noise (c, h', w') that is predicted in latents at a step."""


@torch.no_grad()
def inverted(
    predict: Predict, networks: Networks, latents: Latents, steps: Sequence[int]
) -> dict[int, Latents]:
    """The latents at each of these steps, from noisy to clear, from which DDIM would come to these.

    DDIM without new noise follows an ordinary differential equation, which is followed here from its other end (Song,
    Meng & Ermon 2021, section 4.3), so with errors that fall with the number of steps. The noise between two levels is
    what is predicted in the clearer latents at the noisier step.
    """
    level, now, found = float(networks.scheduler.final_alpha_cumprod), latents, {}
    for step in reversed(steps):
        after = float(networks.levels[step])
        noise = predict(now, step).to(now)
        clear = (now - (1 - level) ** 0.5 * noise) / max(level, 1e-8) ** 0.5
        now = after**0.5 * clear + (1 - after) ** 0.5 * noise
        found[step], level = now, after
    return found
