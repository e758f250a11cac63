"""Trains two translators against each other's critics, each to undo what the other does."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import nn

from nst3d.networks.critic import Critic
from nst3d.networks.translator import TranslatorShape, draw_weights, random_translator
from nst3d.tensors import Planes
from nst3d.training.history import History

PARTS = ("real", "cycle", "identity", "critics")
"""The parts of the loss: how painted a picture looks, what both ways change of it, what a picture that is of the
domain already loses, and the critics' own."""
_MOMENTS = (0.5, 0.999)
_NAMES = ("there", "back")
_LARGE = 128
"""Side of patches from which critics see 70 × 70 pixels at once, not 34 × 34."""


@dataclass(frozen=True)
class CyclePace:
    """How translators are trained."""

    steps: int
    side: int
    """Side of the patches, in pixels; a step takes one from each domain."""
    rate: float = 2e-4
    """Learning rate of Adam, which falls to 0 in the second half of the steps."""
    cycle: float = 10.0
    """Weight of the mean absolute difference of a picture that was translated there and back, in units of half the
    range of colours."""
    identity: float = 0.5
    """Weight of what a picture of the domain loses by being translated to it, relative to `cycle`."""
    history: int = 50
    """Painted pictures of earlier steps that critics are shown."""
    seed: int = 0


class CycleTrainer:
    """Zhu et al. 2017, "Unpaired image-to-image translation using cycle-consistent adversarial networks".

    Least squares in place of logarithms (Mao et al. 2017). Its state after a step determines all further ones.
    """

    def __init__(
        self, shape: TranslatorShape, domains: tuple[Sequence[Planes], Sequence[Planes]], pace: CyclePace
    ) -> None:
        """`domains`: pictures (3, h, w) in [0, 1] of both; none has a side shorter than the patches'."""
        self._domains, self.pace = domains, pace
        source = torch.Generator().manual_seed(pace.seed)
        self.translators = tuple(random_translator(shape, source) for _ in _NAMES)
        """From the first domain to the second, and back."""
        halvings = 3 if pace.side >= _LARGE else 2
        self._critics = tuple(Critic(shape.width, halvings) for _ in _NAMES)
        for critic in self._critics:
            draw_weights(critic, source)
        self._histories = tuple(History(pace.history) for _ in _NAMES)
        self._painters = torch.optim.Adam(_parameters(self.translators), pace.rate, _MOMENTS)
        self._judges = torch.optim.Adam(_parameters(self._critics), pace.rate, _MOMENTS)
        self.done = 0
        """Steps taken so far."""
        self.losses: list[torch.Tensor] = []
        """(len(PARTS),) for each step: the weighted parts of the loss."""

    @property
    def steps(self) -> int:
        """Steps of the whole training."""
        return self.pace.steps

    def step(self) -> None:
        """Take a step of the translators, and one of their critics."""
        source = torch.Generator().manual_seed(self.pace.seed * 1_000_003 + self.done)
        real = [self._patch(pictures, source) for pictures in self._domains]
        for optimiser in (self._painters, self._judges):
            optimiser.param_groups[0]["lr"] = self._rate()
        for critic in self._critics:
            critic.requires_grad_(False)
        parts, painted = self._painting(real)
        self._painters.zero_grad()
        torch.stack(parts).sum().backward()
        self._painters.step()
        for critic in self._critics:
            critic.requires_grad_(True)
        # A translator's pictures are of the other domain, whose critic is shown real ones of that.
        judged = [
            self._judging(critic, history.exchanged(fake.detach()[0], source)[None], wanted)
            for critic, history, fake, wanted in zip(self._critics, self._histories, painted, reversed(real))
        ]
        self._judges.zero_grad()
        judging = torch.stack(judged).sum()
        judging.backward()
        self._judges.step()
        self.losses.append(torch.stack([*parts, judging]).detach())
        self.done += 1

    def _painting(self, real: Sequence[torch.Tensor]) -> tuple[list[torch.Tensor], list[torch.Tensor]]:
        """The parts of the translators' loss, and what each makes of its domain's patch."""
        sums = [torch.zeros(()) for _ in PARTS[:-1]]
        painted = []
        for k, (own, other) in enumerate(((0, 1), (1, 0))):
            fake, same = self.translators[k](torch.cat([real[own], real[other]])).split(1)
            returned = self.translators[1 - k](fake)
            sums[0] = sums[0] + (self._critics[k](fake) - 1).square().mean()
            sums[1] = sums[1] + self.pace.cycle * _apart(returned, real[own])
            sums[2] = sums[2] + self.pace.cycle * self.pace.identity * _apart(same, real[other])
            painted.append(fake)
        return sums, painted

    def _judging(self, critic: Critic, fake: torch.Tensor, real: torch.Tensor) -> torch.Tensor:
        return ((critic(real) - 1).square().mean() + critic(fake).square().mean()) / 2

    def _patch(self, pictures: Sequence[Planes], source: torch.Generator) -> torch.Tensor:
        """(1, 3, side, side): a part of one of the pictures, perhaps mirrored."""
        which, down, right, mirror = torch.rand(4, generator=source).tolist()
        picture, side = pictures[int(which * len(pictures))], self.pace.side
        top = int(down * (picture.shape[1] - side + 1))
        left = int(right * (picture.shape[2] - side + 1))
        patch = picture[None, :, top : top + side, left : left + side]
        return patch.flip(3) if mirror < 0.5 else patch

    def _rate(self) -> float:
        """Constant in the first half of the steps, then linear to 0."""
        return self.pace.rate * min(1.0, 2 * (1 - self.done / self.pace.steps))

    def state(self) -> dict[str, torch.Tensor]:
        """Copies of the tensors from which `restore` continues, by name."""
        found = {name: value.clone() for name, value in self._networks()}
        for kind, optimiser in (("painters", self._painters), ("judges", self._judges)):
            slots = optimiser.state_dict()["state"]
            found |= {f"{kind}.{i}.{k}": v.clone() for i, slot in slots.items() for k, v in slot.items()}
        for name, history in zip(_NAMES, self._histories):
            if history.kept:
                found[f"history.{name}"] = torch.stack(history.kept)
        return found | ({"losses": torch.stack(self.losses)} if self.losses else {})

    def restore(self, state: Mapping[str, torch.Tensor], done: int) -> None:
        """Continue from a `state` after `done` steps.

        KeyError, RuntimeError or ValueError for that of other networks.
        """
        with torch.no_grad():
            for name, value in self._networks():
                value.copy_(state[name])
        for kind, optimiser in (("painters", self._painters), ("judges", self._judges)):
            slots: dict[int, dict[str, torch.Tensor]] = {}
            for name, value in state.items():
                if name.startswith(f"{kind}."):
                    _, index, part = name.split(".")
                    slots.setdefault(int(index), {})[part] = value.clone()
            optimiser.load_state_dict({**optimiser.state_dict(), "state": slots})
        for name, history in zip(_NAMES, self._histories):
            history.kept = list(state[f"history.{name}"].unbind()) if f"history.{name}" in state else []
        self.losses = list(state["losses"].unbind()) if done else []
        if len(self.losses) != done:
            raise ValueError(f"losses of {len(self.losses)} steps after {done}")
        self.done = done

    def _networks(self) -> Iterator[tuple[str, torch.Tensor]]:
        for kind, networks in (("translator", self.translators), ("critic", self._critics)):
            for name, network in zip(_NAMES, networks):
                yield from ((f"{kind}.{name}.{n}", v) for n, v in network.state_dict().items())


def _apart(painted: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
    return 2 * (painted - wanted).abs().mean()


def _parameters(networks: Sequence[nn.Module]) -> list[nn.Parameter]:
    return [parameter for network in networks for parameter in network.parameters()]
