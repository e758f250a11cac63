"""The painters that `gatys_pastiche.py` compares: nst3d's picture path, and packages of the index."""

from __future__ import annotations

import importlib
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Protocol

import torch
import torch.nn.functional as F
from pastiche.pastiche import PasticheArtist
from pastiche.vgg19 import VGG19

from nst3d.pipeline.jobs.prepare import prepare
from nst3d.pipeline.settings.config import PaintConfig, preset
from nst3d.pipeline.settings.overrides import override
from nst3d.stylize.engine import Run
from nst3d.stylize.guide import Guide
from nst3d.stylize.look import Look
from nst3d.stylize.phases import Please
from nst3d.stylize.schedule import Stage
from nst3d.tensors import Planes

MEAN = (103.939, 116.779, 123.68)
"""What the original VGG weights subtract from blue, green and red of 0 to 255."""


@dataclass(frozen=True)
class Task:
    """A picture and a style in their final sizes, and the objective that every painter minimises.

    It is that of the preset `gatys`: content · ½ Σ (F − P)², and over the layers of style gram · Σ (G − A)² / 4N².
    """

    content: Path
    style: Path
    long_side: int
    pixels: tuple[int, int]
    """Height and width of the picture."""
    content_layer: str
    style_layers: tuple[str, ...]
    content_weight: float
    gram_weight: float

    @property
    def content_mean(self) -> float:
        """The content's weight for a mean of squares in place of ½ Σ."""
        stride = 2 ** (int(self.content_layer[4]) - 1)
        height, width = self.pixels
        return 0.5 * self.content_weight * 512 * (height // stride) * (width // stride)

    @property
    def gram_mean(self) -> float:
        """The weight of a Gram matrix for a mean of squares in place of Σ / 4N²."""
        return self.gram_weight / 4


class Side(Protocol):
    """A painter that is asked for one step at a time."""

    passes: int
    """Passes through the encoder, forward and backward, in the steps so far."""

    def step(self) -> bool:
        """Take a step; False: it was the last."""

    def picture(self) -> Planes:
        """The picture (3, h, w) as it is now, not clipped."""


class Pastiche:
    """The package `pastiche`, with its own optimiser and settings but for the objective."""

    def __init__(self, task: Task) -> None:
        """Start from the content."""
        self._artist = PasticheArtist(
            str(task.content),
            [str(task.style)],
            pooling="avg",
            device="cpu",
            content_layers=[_long_name(task.content_layer)],
            style_layers=[_long_name(layer) for layer in task.style_layers],
            content_layer_weights=[task.content_mean],
            style_layer_weights=[task.gram_mean],
            style_size=task.long_side,
        )
        self.passes = 0

    def step(self) -> bool:
        """One pass: its L-BFGS does not search along a line."""
        self._artist.draw()
        self.passes += 1
        return True

    def picture(self) -> Planes:
        """Without the normalisation."""
        return _from_bgr(self._artist.pastiche.detach()[0])


class NeuralStyle:
    """The package `neural-style`, whose command runs in a thread and waits before every pass."""

    def __init__(self, task: Task, steps: int, folder: Path) -> None:
        """Write `pastiche`'s weights where it reads them, and stop before its first pass."""
        self.passes, self._image, self._error = 0, torch.zeros(3, *task.pixels), None
        self._go, self._done = threading.Semaphore(0), threading.Semaphore(0)
        weights = folder / "vgg19-same.pth"
        save_caffe_weights(weights)
        arguments = {
            "content_image": task.content, "style_image": task.style, "image_size": task.long_side, "gpu": "c",
            "tv_weight": 0, "num_iterations": steps, "init": "image", "model_file": weights, "pooling": "avg",
            "output_image": folder / "out.png", "save_iter": 0, "print_iter": 0,
            "content_layers": task.content_layer, "style_layers": ",".join(task.style_layers),
        }  # fmt: skip
        words = [word for name, value in arguments.items() for word in (f"-{name}", str(value))]
        self._thread = threading.Thread(target=self._run, args=(words, task), daemon=True)
        self._thread.start()
        self._done.acquire()
        self._raise()

    def step(self) -> bool:
        """One pass."""
        if not self._thread.is_alive():
            return False
        self._go.release()
        self._done.acquire()
        self._raise()
        return True

    def picture(self) -> Planes:
        """Without the normalisation; it maps 1 to 256."""
        return Planes(_from_bgr(self._image) * (255 / 256))

    def _run(self, words: list[str], task: Task) -> None:
        given = sys.argv
        try:
            sys.argv = ["neural-style", *words, "-disable_check", "-normalize_weights"]
            package: Any = importlib.import_module("neural_style.neural_style")
            loader: Any = importlib.import_module("neural_style.loader.CaffeLoader")
            package.print = loader.print = lambda *words: None
            package.normalize_weights = lambda contents, styles: _weigh(contents, styles, task)
            package.optim = SimpleNamespace(LBFGS=self._optimiser)
            package.main()
        except BaseException as error:
            self._error = error
        finally:
            sys.argv = given
            self._done.release()

    def _optimiser(self, parameters: list[torch.Tensor], **options: Any) -> torch.optim.Optimizer:
        optimiser = torch.optim.LBFGS(parameters, **options)
        own = optimiser.step

        def step(closure: Callable[[], torch.Tensor]) -> Any:
            def waiting() -> torch.Tensor:
                self._image = parameters[0].detach()[0]
                self._done.release()
                self._go.acquire()
                self.passes += 1
                return closure()

            return own(waiting)

        optimiser.step = step
        return optimiser

    def _raise(self) -> None:
        if self._error is not None:
            raise self._error


class Own:
    """nst3d: the engine that `nst3d paint` runs, on a picture."""

    def __init__(self, task: Task, steps: int, name: str) -> None:
        """`name`: the preset, which takes so many steps at the full size, and as many more as it has below that."""
        config = self.config(task.long_side, steps, name)
        prepared = prepare(task.content, task.style, config)
        self._canvas, self._background = prepared.subject.canvas(), torch.ones(3)
        self._guides: list[_Counting] = []

        def guide(stage: Stage) -> Guide:
            self._guides.append(_Counting(prepared.guide(self._canvas, stage), stage.size))
            return self._guides[-1]

        self._size, self._pixels = task.long_side, task.pixels
        schedule = prepared.config.schedule
        self._steps: Iterator[Any] = iter(Run(self._canvas, [Please(schedule, guide)], schedule.seed))

    @staticmethod
    def config(size: int, steps: int, name: str) -> PaintConfig:
        """The settings of a preset."""
        base = override(PaintConfig(), preset(name), name).with_size(size)
        share = base.schedule.total / base.schedule.stages[-1].iterations
        return base.with_iterations(round(share * steps))

    @property
    def passes(self) -> float:
        """Passes at the full size, smaller ones by their share of its pixels."""
        return sum(guide.count * (guide.size / self._size) ** 2 for guide in self._guides)

    def step(self) -> bool:
        """One step, which may take several passes along its line."""
        return next(self._steps, None) is not None

    def picture(self) -> Planes:
        """The canvas as it is, enlarged while that is coarse."""
        with torch.no_grad():
            found = self._canvas.render(0, self._background).detach()
        return Planes(F.interpolate(found[None], self._pixels, mode="bilinear", align_corners=False)[0])


class _Counting(Guide):
    """A guide that counts how often it judged."""

    def __init__(self, guide: Guide, size: int) -> None:
        self._guide, self.size, self.count = guide, size, 0
        self.background = guide.background

    def judge(self, look: Look) -> tuple[torch.Tensor, dict[str, float]]:
        self.count += 1
        return self._guide.judge(look)

    def note(self, look: Look) -> None:
        self._guide.note(look)

    def state(self) -> dict[str, Any]:
        return self._guide.state()

    def restore(self, state: dict[str, Any]) -> None:
        self._guide.restore(state)


def save_caffe_weights(path: Path) -> None:
    """The weights that come with `pastiche`, as the original network's file has them."""
    folder = Path(sys.modules["pastiche"].__file__ or "").parent
    network = VGG19.from_quantized_bin(folder / "vgg19_weights_tf_dim_ordering_tf_kernels_notop_q.bin")
    found = {}
    for index, name in enumerate(VGG19.LAYER_NAMES):
        kind = name.split("_")[1][:4]
        if kind == "conv":
            layer = getattr(network, name)
            found |= {f"features.{index}.weight": layer.weight, f"features.{index}.bias": layer.bias}
    torch.save({key: value.detach() for key, value in found.items()}, path)


def _weigh(contents: list[Any], styles: list[Any], task: Task) -> None:
    """Give the losses of `neural-style` the objective's weights; its Gram matrices are divided by channels, too."""
    for loss in contents:
        loss.strength = task.content_mean
    for loss in styles:
        loss.strength = task.gram_mean * loss.target.shape[0] ** 2


def _long_name(layer: str) -> str:
    """relu4_2 as `pastiche` calls it: block4_relu2."""
    block, number = layer.removeprefix("relu").split("_")
    return f"block{block}_relu{number}"


def _from_bgr(pixels: torch.Tensor) -> Planes:
    mean = pixels.new_tensor(MEAN)[:, None, None]
    return Planes(((pixels + mean) / 255).flip(0))
