"""The score of a scene's own renders, by a low-rank change of a diffusion model that learns them as they come."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from nst3d.stylize.diffusion.denoise import Denoiser, Hints, noised
from nst3d.stylize.diffusion.networks import Latents, Networks
from nst3d.stylize.optimisers import restore_optimiser

_ENDS = ("to_q", "to_k", "to_v", "to_out.0")
"""The layers of attention that are changed."""
_SEED = 0


class OwnScore:
    """ε_φ of Wang et al. 2023, "ProlificDreamer": the noise that the model would find if it had learnt the renders.

    The model's attention is changed by B A, with A (rank, n) random and B (m, rank) 0 at first (Hu et al. 2022), so
    that it begins as the model itself. `learn` takes one step of Adam on ‖ε_φ(√ᾱ z + √(1 − ᾱ) ε, t, y) − ε‖² for
    latents z, the paper's objective; other than there, the network is not told the camera, and there is one scene. What
    is kept is A, B and Adam's two moments of them, in float32: 10 MB for Stable Diffusion 1.5 at rank 4. A step of
    training holds the activations of one block of the network at a time and computes them twice.
    """

    def __init__(
        self, networks: Networks, denoiser: Denoiser, words: torch.Tensor, rank: int, rate: float
    ) -> None:
        """`words` (1, tokens, c): what the renders are said to show."""
        self._networks, self._denoiser, self._words = networks, denoiser, words
        generator = torch.Generator().manual_seed(_SEED)
        self._layers: list[tuple[nn.Linear, torch.Tensor, torch.Tensor]] = []
        for name, layer in networks.unet.named_modules():
            if isinstance(layer, nn.Linear) and name.endswith(_ENDS):
                wide, device = layer.in_features, layer.weight.device
                down = torch.randn(rank, wide, generator=generator).to(device) / wide**0.5
                up = torch.zeros(layer.out_features, rank, device=device)
                self._layers.append((layer, down.requires_grad_(), up.requires_grad_()))
        self._optimiser = torch.optim.Adam(self.parameters(), lr=rate)
        networks.unet.enable_gradient_checkpointing()  # has no effect but in `learn`, as nothing else has a graph

    def parameters(self) -> list[torch.Tensor]:
        """A and B of all layers."""
        return [part for _, down, up in self._layers for part in (down, up)]

    @torch.no_grad()
    def noise(self, latents: Latents, step: int, hints: Hints) -> Latents:
        """ε_φ (c, h', w') in latents at a step of the network's, without guidance."""
        with self._changed():
            return self._denoiser.unguided(latents, step, hints, self._words)

    @torch.enable_grad()
    def learn(self, latents: Latents, hints: Hints, generator: torch.Generator) -> float:
        """One step on the latents of a render, at a step of the network's and with noise that are drawn; the loss."""
        networks = self._networks
        step = int(torch.randint(len(networks.levels), (), generator=generator))
        noise = torch.randn(latents.shape, generator=generator).to(latents)
        noisy = noised(networks, latents.detach(), noise, step)
        with self._changed():  # until the gradient is there, for which blocks are computed again
            found = self._denoiser.unguided(noisy, step, hints, self._words)
            loss = F.mse_loss(found, noise)
            gradients = torch.autograd.grad(loss, self.parameters())
        for parameter, gradient in zip(self.parameters(), gradients):
            parameter.grad = gradient
        self._optimiser.step()
        self._optimiser.zero_grad()
        return float(loss.detach())

    @contextmanager
    def _changed(self) -> Iterator[None]:
        """With the changes in the model."""
        hooks = [layer.register_forward_hook(_adding(down, up)) for layer, down, up in self._layers]
        try:
            yield
        finally:
            for hook in hooks:
                hook.remove()

    def state(self) -> dict[str, Any]:
        """A and B of all layers, and the optimiser's state."""
        values = [part.detach().clone() for part in self.parameters()]
        return {"layers": values, "optimiser": _copied(self._optimiser.state_dict())}

    def restore(self, state: dict[str, Any]) -> None:
        """Restore the result of `state`. ValueError if it belongs to another model or rank."""
        own, stored = self.parameters(), state["layers"]
        if [p.shape for p in own] != [p.shape for p in stored]:
            raise ValueError("the stored low-rank changes are of another model or rank")
        with torch.no_grad():
            for parameter, kept in zip(own, stored):
                parameter.copy_(kept)
        restore_optimiser(self._optimiser, state["optimiser"])


def _adding(down: torch.Tensor, up: torch.Tensor) -> Any:
    def hook(layer: nn.Module, inputs: tuple[torch.Tensor, ...], output: torch.Tensor) -> torch.Tensor:
        return output + F.linear(F.linear(inputs[0].float(), down), up).to(output)

    return hook


def _copied(value: Any) -> Any:
    """A deep copy, in which tensors are no longer those of the optimiser."""
    if isinstance(value, torch.Tensor):
        return value.detach().clone()
    if isinstance(value, dict):
        return {key: _copied(part) for key, part in value.items()}
    return [_copied(part) for part in value] if isinstance(value, list) else value
