"""Trains a generator on patches, with a guide for each style."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch

from nst3d.flow.warp import followed
from nst3d.networks.generator import Generator
from nst3d.stylize.guide import Guide
from nst3d.stylize.look import Look
from nst3d.tensors import Planes
from nst3d.training.patches import Patches
from nst3d.training.shot import Before
from nst3d.training.steadiness import unsteadiness

_Pair = tuple[int, Before]
"""The place of a patch in its step, and the patch of the frame before."""
_STILL = 4
"""Recurrent networks see a frame up to so many times before the next."""


@dataclass(frozen=True)
class Lesson:
    """A style to be learnt: patches over its background, and the guide that judges how they are painted."""

    patches: Patches
    guide: Guide


@dataclass(frozen=True)
class Pace:
    """How a network is trained."""

    steps: int
    batch: int = 1
    """Patches in a step, all of one style; styles take turns."""
    rate: float = 3e-3
    """Highest learning rate of Adam, which rises to it in the first steps and falls to 0 along half a cosine."""
    temporal: float = 0.0
    """Weight of the mean squared difference from the painted frame before, along the motion; 0: it is not painted."""
    seed: int = 0


class Trainer:
    """The training in progress. Its state after a step determines all further ones."""

    def __init__(self, generator: Generator, lessons: Sequence[Lesson], pace: Pace) -> None:
        """`lessons` are in the order of the generator's styles."""
        self.generator, self._lessons, self.pace = generator, lessons, pace
        self._optimiser = torch.optim.Adam(generator.parameters(), pace.rate)
        self.done = 0
        """Steps taken so far."""

    @property
    def steps(self) -> int:
        """Steps of the whole training."""
        return self.pace.steps

    def step(self) -> tuple[float, dict[str, float]]:
        """Take a step; returns the mean loss of its patches, and the loss's parts."""
        number = self.done % len(self._lessons)
        lesson = self._lessons[number]
        mix = [float(k == number) for k in range(len(self._lessons))]
        views = self._views(lesson.patches.count)
        befores = [lesson.patches.before(view) for view in views] if self.pace.temporal else []
        pairs = [(k, before) for k, before in enumerate(befores) if before is not None]
        for group in self._optimiser.param_groups:
            group["lr"] = self._rate()
        self._optimiser.zero_grad()
        painted = self._painted(lesson.patches, views, pairs, mix)
        # Each patch is judged by itself, and its graph freed, before the gradient goes through the network.
        leaf = painted.detach().requires_grad_()
        total, parts = 0.0, dict[str, float]()
        for image, view in zip(leaf, views):
            total += self._judge(lesson, Planes(image), view, parts)
        for place, (k, before) in enumerate(pairs, len(views)):
            apart = unsteadiness(Planes(leaf[k]), Planes(leaf[place]), before.back, before.trust)
            loss = self.pace.temporal / len(views) * apart
            loss.backward()
            total += float(loss.detach())
            parts["temporal"] = parts.get("temporal", 0.0) + float(loss.detach())
        painted.backward(leaf.grad)
        self._optimiser.step()
        self.done += 1
        return total, parts

    def _painted(
        self, patches: Patches, views: Sequence[int], pairs: Sequence[_Pair], mix: Sequence[float]
    ) -> torch.Tensor:
        """Patches (views + pairs, 3, side, side) as the network paints them, and then the frames before."""
        shown = torch.stack([patches.shown(view) for view in views])
        if not pairs:
            return self.generator(shown, mix)
        befores = torch.stack([before.colour for _, before in pairs])
        if self.generator.memory is None:
            return self.generator(torch.cat([shown, befores]), mix)
        painted, memory = self.generator.follow(befores, mix, self._settled(befores, mix))
        assert memory is not None
        carried = list(memory.new_zeros(len(views), *memory.shape[1:]))
        for left, (k, before) in zip(memory, pairs):
            carried[k] = followed(Planes(left), before.back, before.trust)
        return torch.cat([self.generator.follow(shown, mix, torch.stack(carried))[0], painted])

    @torch.no_grad()
    def _settled(self, frames: torch.Tensor, mix: Sequence[float]) -> torch.Tensor | None:
        """What the network remembers once frames (n, 3, h, w) have stood still for a while, or not at all.

        Trained on two frames alone, it would not stay the same over many.
        """
        memory = None
        for _ in range(self.done // len(self._lessons) % _STILL):
            memory = self.generator.follow(frames, mix, memory)[1]
        return memory

    def _judge(self, lesson: Lesson, image: Planes, view: int, parts: dict[str, float]) -> float:
        """A patch's part of the loss, whose gradient is left at the image; its shares are added to `parts`."""
        share = self.done / self.pace.steps
        look = Look(image, lesson.patches.coverage(view), view, self.done, share, seed=self.pace.seed)
        loss, shares = lesson.guide.judge(look)
        (loss / self.pace.batch).backward()
        for name, value in shares.items():
            parts[name] = parts.get(name, 0.0) + value / self.pace.batch
        return float(loss.detach()) / self.pace.batch

    def state(self) -> dict[str, torch.Tensor]:
        """Copies of the tensors from which `restore` continues, by name."""
        network = {f"network.{name}": value.clone() for name, value in self.generator.state_dict().items()}
        slots = self._optimiser.state_dict()["state"]
        return network | {f"slot.{i}.{k}": v.clone() for i, slot in slots.items() for k, v in slot.items()}

    def restore(self, state: Mapping[str, torch.Tensor], done: int) -> None:
        """Continue from a `state` after `done` steps. KeyError or RuntimeError for that of another network."""
        network = {name: state[f"network.{name}"] for name in self.generator.state_dict()}
        slots: dict[int, dict[str, torch.Tensor]] = {}
        for name, value in state.items():
            kind, _, rest = name.partition(".")
            if kind == "slot":
                index, _, part = rest.partition(".")
                slots.setdefault(int(index), {})[part] = value.clone()
        self.generator.load_state_dict(network)
        self._optimiser.load_state_dict({**self._optimiser.state_dict(), "state": slots})
        self.done = done

    def _rate(self) -> float:
        steps = self.pace.steps
        warm = min(1.0, (self.done + 1) / max(1, min(50, steps // 10)))
        return self.pace.rate * warm * 0.5 * (1 + math.cos(math.pi * self.done / steps))

    def _views(self, count: int) -> list[int]:
        """The patches of the next step: all of them in random order, then again in another."""
        turn = self.done // len(self._lessons) * self.pace.batch
        views = []
        for index in range(turn, turn + self.pace.batch):
            generator = torch.Generator().manual_seed(self.pace.seed * 1_000_003 + index // count)
            views.append(int(torch.randperm(count, generator=generator)[index % count]))
        return views
