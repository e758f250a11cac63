"""Trains nst3d's own network for any style.

    python training/train.py --packages FOLDER [--work FOLDER] [--out FILE] [--steps 1200 5000]

`--packages` is the folder that the packages with photographs were installed into (README.md). Patches and VGG-19's
features of them go into `--work` (3.5 GB), and are made only once.
"""

from __future__ import annotations

import argparse
import math
import time
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

import torch
from corpus import make_patches
from losses import distance, gram_gap, moved, spread_of
from targets import EDGE, fit_projections, project
from torch.func import functional_call

from nst3d.networks.any_pair import LEVELS
from nst3d.networks.universal import UniversalDecoder, UniversalEncoder
from nst3d.weights.saved import write_tensors

ROOT = Path(__file__).parent.parent
_COUNT, _CHUNK, _FIT = 3200, 200, 500
_RATE = 2e-3
_PIXEL = {1: 20.0, 2: 12.0, 3: 8.0, 4: 4.0}
_KEPT = 0.5
"""Share of what coding loses that is added again, as painting does."""
_ORDER = (4, 3, 4, 2, 3, 4, 3, 4, 2, 1)
"""One decoder learns at a time: level 1 seldom, for it is nearly linear."""


@dataclass(frozen=True)
class Data:
    """Patches and VGG-19's features of them."""

    patches: torch.Tensor
    """(n, 3, side, side), uint8."""
    chunks: list[dict[int, torch.Tensor]]
    """Projected features (_CHUNK, c, h, w) by level."""

    def batch(self, size: int, generator: torch.Generator) -> tuple[torch.Tensor, list[torch.Tensor]]:
        """Random patches (size, 3, side, side) in [0, 1], and their features by level."""
        rows = torch.randint(sum(len(chunk[1]) for chunk in self.chunks), (size,), generator=generator)
        pictures = (self.patches[rows].float() / 255).contiguous(memory_format=torch.channels_last)
        parts = [divmod(row, len(self.chunks[0][1])) for row in rows.tolist()]
        return pictures, [torch.stack([self.chunks[k][n][row] for k, row in parts]) for n in LEVELS]


def prepare(packages: Path, work: Path) -> Data:
    """Make what is not in the folder yet, and read it."""
    work.mkdir(parents=True, exist_ok=True)
    if not (work / "patches.pt").exists():
        torch.save(make_patches(ROOT, packages, _COUNT, seed=1), work / "patches.pt")
    patches = torch.load(work / "patches.pt")
    names = [work / f"chunk{start:05d}.pt" for start in range(0, _COUNT, _CHUNK)]
    if not names[-1].exists():
        projections = fit_projections(patches[:_FIT])
        for number, name in enumerate(names):
            torch.save(project(patches[number * _CHUNK : (number + 1) * _CHUNK], projections), name)
    return Data(patches, [torch.load(name, mmap=True) for name in names])


@dataclass
class Trainer:
    """The networks, and what they learn from."""

    data: Data
    encoder: UniversalEncoder = field(default_factory=UniversalEncoder)
    decoders: torch.nn.ModuleDict = field(
        default_factory=lambda: torch.nn.ModuleDict({str(n): UniversalDecoder(n) for n in LEVELS})
    )

    def __post_init__(self) -> None:
        self.spread = {n: spread_of(self.data.chunks[0][n]) for n in LEVELS}
        self.networks = torch.nn.ModuleDict({"encoder": self.encoder, "decoders": self.decoders})
        self.networks.to(memory_format=torch.channels_last)

    def run(self, steps: int, batch: int, with_moved: bool, seed: int) -> None:
        """Adam with a cosine schedule; `with_moved`: decoders learn from moved features, too."""
        optimiser = torch.optim.Adam(self.networks.parameters(), lr=_RATE, betas=(0.9, 0.99))
        generator, seen, start = torch.Generator().manual_seed(seed), defaultdict(list), time.monotonic()
        for step in range(steps):
            for group in optimiser.param_groups:
                group["lr"] = (
                    _RATE * min(1, (step + 1) / 30) * (0.51 + 0.49 * math.cos(math.pi * step / steps))
                )
            terms = self.losses(_ORDER[step % len(_ORDER)], batch, with_moved, generator)
            optimiser.zero_grad()
            torch.stack(list(terms.values())).sum().backward()
            torch.nn.utils.clip_grad_norm_(self.networks.parameters(), 3.0)
            optimiser.step()
            for name, value in terms.items():
                seen[name].append(float(value.detach()))
            if (step + 1) % 50 == 0:
                means = {name: round(sum(values) / len(values), 4) for name, values in sorted(seen.items())}
                print(f"{step + 1} steps, {time.monotonic() - start:.0f} s", means, flush=True)
                seen.clear()

    def losses(
        self, level: int, batch: int, with_moved: bool, generator: torch.Generator
    ) -> dict[str, torch.Tensor]:
        """The terms of one step, weighted: the encoder learns VGG-19's features, one decoder to invert it."""
        pictures, wanted = self.data.batch(batch, generator)
        with torch.autocast("cpu", torch.bfloat16):
            found = self.encoder(pictures)
        terms = {
            f"distilled {n}": distance(mine, target, self.spread[n], EDGE >> (n - 1))
            for n, mine, target in zip(LEVELS, found, wanted)
        }
        features, half, whole = found[level - 1].float(), batch // 2, False
        if with_moved:
            amount, strokes = (float(v) for v in torch.rand(2, generator=generator))
            whole = amount < 0.7
            target = moved(
                features[:half].detach(),
                features[half:].detach(),
                level,
                0.5 if level > 2 and strokes < 0.5 else 0.0,
            )
            target = target if whole else torch.lerp(features[:half].detach(), target, amount)
            features = torch.cat([features, target]).contiguous(memory_format=torch.channels_last)
        # What the decoder paints is seen by the encoder as it is: it must not learn to see less.
        frozen = {name: value.detach() for name, value in self.encoder.named_parameters()}
        with torch.autocast("cpu", torch.bfloat16):
            painted = self.decoders[str(level)](features).float()
            if with_moved:
                lost = pictures[:half] - painted[:half]
                painted = torch.cat([painted[:batch], painted[batch:] + _KEPT * lost])
            again = functional_call(self.encoder, frozen, (painted.clamp(-0.1, 1.1), level))
        gap = painted[:batch] - pictures
        terms[f"pixels {level}"] = _PIXEL[level] * (gap.square().mean() + 0.05 * gap.abs().mean())
        alike = [distance(a[:batch], b.detach(), self.spread[n]) for n, a, b in zip(LEVELS, again, found)]
        terms["seen again"] = 0.3 * torch.stack(alike).mean()
        terms["out of range"] = 3 * (painted - painted.clamp(0, 1)).square().mean()
        if with_moved:
            terms[f"moved {level}"] = 0.3 * distance(again[-1][batch:], target, self.spread[level])
        if whole:
            terms[f"style {level}"] = 0.3 * gram_gap(
                [a[batch:] for a in again], [b[half:] for b in found[:level]]
            )
        return terms


def save(trainer: Trainer, path: Path) -> None:
    """Write the weights in half precision."""
    half = {name: value.to(torch.float16) for name, value in trainer.networks.state_dict().items()}
    write_tensors(path, half, {"what": "nst3d's own network for any style", "licence": "MIT"})


def main() -> None:
    """Prepare, train and save."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--packages", required=True, type=Path)
    parser.add_argument("--work", default=ROOT / "renders/universal", type=Path)
    parser.add_argument("--out", default=ROOT / "nst3d/weights/universal.safetensors", type=Path)
    parser.add_argument(
        "--steps", default=[1200, 5000], nargs=2, type=int, help="without and with moved features"
    )
    given = parser.parse_args()
    torch.manual_seed(0)
    trainer = Trainer(prepare(given.packages, given.work))
    trainer.run(given.steps[0], 8, with_moved=False, seed=1)
    trainer.run(given.steps[1], 6, with_moved=True, seed=7)
    save(trainer, given.out)


if __name__ == "__main__":
    main()
